//! An owned `AVDictionary`: the options given to FFmpeg, and metadata.
//!
//! Keys compare without case, as FFmpeg does. FFmpeg removes the entries it
//! understood, so what is left after opening something is what nobody knew; see
//! [`UnusedOption`](crate::UnusedOption). This file does not check values.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fmt;
use std::ptr;

use crate::sys;

/// Key and value strings for FFmpeg, in insertion order.
///
/// ```
/// let options: bmf_ffmpeg::Dict = [("preset", "veryfast"), ("crf", "23")].into_iter().collect();
/// assert_eq!(options.get("crf").as_deref(), Some("23"));
/// ```
pub struct Dict(*mut sys::AVDictionary);

// SAFETY: the dictionary is plain heap memory owned by this value; FFmpeg keeps
// no thread-bound state in it, and `&self` methods only read.
unsafe impl Send for Dict {}
// SAFETY: as above; nothing changes through a shared reference.
unsafe impl Sync for Dict {}

impl Dict {
    /// An empty dictionary; allocates nothing.
    pub const fn new() -> Self {
        Self(ptr::null_mut())
    }

    /// Sets a key, replacing an earlier value. Text after a NUL is cut off.
    pub fn set(&mut self, key: &str, value: &str) {
        let (key, value) = (sys::c_string(key), sys::c_string(value));
        // SAFETY: both strings live through the call and are copied by it.
        let code = unsafe { sys::av_dict_set(&mut self.0, key.as_ptr(), value.as_ptr(), 0) };
        if code < 0 {
            sys::out_of_memory::<sys::AVDictionary>();
        }
    }

    /// Sets a key unless it has a value already.
    pub fn set_default(&mut self, key: &str, value: &str) {
        if self.get(key).is_none() {
            self.set(key, value);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<String> {
        let key = sys::c_string(key);
        // SAFETY: the dictionary is ours or null, which FFmpeg takes as empty.
        let entry = unsafe { sys::av_dict_get(self.0, key.as_ptr(), ptr::null(), 0) };
        // SAFETY: an entry and its strings live as long as the dictionary is unchanged.
        (!entry.is_null()).then(|| unsafe { sys::text((*entry).value) })
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        let key = sys::c_string(key);
        // SAFETY: a null value removes the entry.
        unsafe { sys::av_dict_set(&mut self.0, key.as_ptr(), ptr::null(), 0) };
        Some(value)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        // SAFETY: null counts as empty.
        sys::size(unsafe { sys::av_dict_count(self.0) })
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All pairs in order.
    pub fn pairs(&self) -> Vec<(String, String)> {
        // SAFETY: the dictionary is ours and does not change during the walk.
        unsafe { pairs(self.0) }
    }

    /// All pairs as a map.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.pairs().into_iter().collect()
    }

    /// For FFmpeg functions that take and change the dictionary.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut *mut sys::AVDictionary {
        &mut self.0
    }

    /// Hands the dictionary to a C structure that frees it.
    pub(crate) fn into_raw(self) -> *mut sys::AVDictionary {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }
}

/// The pairs of a dictionary owned by somebody else.
///
/// # Safety
///
/// `dictionary` is null or valid, and not changed during the call.
pub(crate) unsafe fn pairs(dictionary: *const sys::AVDictionary) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut entry = ptr::null();
    loop {
        // SAFETY: the empty key with this flag walks over all entries.
        entry = unsafe {
            sys::av_dict_get(
                dictionary,
                c"".as_ptr(),
                entry,
                sys::AV_DICT_IGNORE_SUFFIX as c_int,
            )
        };
        if entry.is_null() {
            return pairs;
        }
        // SAFETY: the entry was just returned and nothing has changed since.
        pairs.push(unsafe { (sys::text((*entry).key), sys::text((*entry).value)) });
    }
}

impl Default for Dict {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Dict {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        // SAFETY: the source is valid or null; the target is our own.
        if unsafe { sys::av_dict_copy(&mut copy.0, self.0, 0) } < 0 {
            sys::out_of_memory::<sys::AVDictionary>();
        }
        copy
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        // SAFETY: frees what this value owns and sets the pointer to null.
        unsafe { sys::av_dict_free(&mut self.0) };
    }
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut dict = Self::new();
        dict.extend(pairs);
        dict
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Extend<(K, V)> for Dict {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.set(key.as_ref(), value.as_ref());
        }
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pairs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_ignores_case() {
        let mut dict: Dict = [("b", "2"), ("a", "1")].into_iter().collect();
        dict.set("B", "3");
        dict.set_default("a", "9");
        dict.set("nul", "x\0y");
        insta::assert_snapshot!(format!("{dict:?}"), @r#"{"a": "1", "B": "3", "nul": "x"}"#);
        assert_eq!(dict.remove("A").as_deref(), Some("1"));
        assert_eq!(dict.len(), 2);
        assert_eq!(dict.clone().pairs(), dict.pairs());
    }
}
