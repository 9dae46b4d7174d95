//! What has been made here of payloads of other libraries, kept with them so that it is made once.
//!
//! A payload's header starts a list of [`bmf_abi::Import`]s, one for each type and library that asked.
//! Nodes are added in front by compare and exchange, and stay until the payload goes, so that
//! references to their values live as long as the payload. When two threads make the same thing at the
//! same time, the one that comes second drops its own. An attempt that failed is kept too: it would
//! fail again.
//!
//! Nothing in the list may hold a reference to its own payload, which would then never go.

use std::any::TypeId;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

use bmf_abi as abi;

use super::object::{Object, image};
use super::{Foreign, Payload};
use crate::panics::contained;

/// A node of this image.
#[repr(C)]
struct Imported<T> {
    local: Local,
    /// `None` if the payload cannot be read as a `T`.
    value: Option<T>,
}

/// What nodes of this image start with, whatever their type.
#[repr(C)]
struct Local {
    header: abi::Import,
    type_id: TypeId,
}

/// # Safety
/// `import` is the header of an `Imported<T>` to which nobody refers any more.
unsafe extern "C" fn drop_import<T: Payload>(import: *mut abi::Import) {
    // SAFETY: made by `insert` out of a box of this type.
    let node = unsafe { Box::from_raw(import.cast::<Imported<T>>()) };
    contained(T::TAG, (), || drop(node));
}

/// Drops all imports of a payload.
///
/// # Safety
/// The caller has had the only reference to the payload, with all others acquired, and lets go of it.
#[inline]
pub(super) unsafe fn drop_all(payload: &abi::Payload) {
    let mut next = payload.imports.load(Ordering::Relaxed);
    while let Some(import) = NonNull::new(next) {
        // SAFETY: a node of the list, which its maker's function is called for once.
        unsafe {
            next = import.as_ref().next;
            (import.as_ref().drop)(import.as_ptr());
        }
    }
}

impl Object {
    /// The value that a foreign payload shows, if it can be read as a `T`.
    pub(super) fn imported<T: Payload>(&self) -> Option<&T> {
        if self.is_local() || self.tag() != T::TAG.as_bytes() {
            return None;
        }
        let head = self.header().imports.load(Ordering::Acquire);
        // SAFETY: of this payload's list.
        let node = match unsafe { find::<T>(head, std::ptr::null_mut()) } {
            Some(node) => node,
            None => self.insert(self.read::<T>()),
        };
        // SAFETY: nodes stay until the payload goes, and this is a reference to it.
        unsafe { node.as_ref() }.value.as_ref()
    }

    /// The value that a foreign payload shows, if it can be read as a `T` and this is the only
    /// reference. The payload goes, so that the value alone holds what it shares.
    pub(super) fn into_imported<T: Payload>(self) -> Result<T, Self> {
        if self.is_local() || self.tag() != T::TAG.as_bytes() || self.refs() != 1 {
            return Err(self);
        }
        let head = self.header().imports.load(Ordering::Relaxed);
        // SAFETY: of this payload's list.
        let value = match unsafe { find::<T>(head, std::ptr::null_mut()) } {
            // SAFETY: this is the only reference to the payload, and nothing is borrowed from it, so
            // nobody else refers to the node. It stays in the list, without its value.
            Some(mut node) => unsafe { node.as_mut() }.value.take(),
            None => self.read().or_else(|| {
                self.insert::<T>(None);
                None
            }),
        };
        value.ok_or(self)
    }

    fn read<T: Payload>(&self) -> Option<T> {
        match T::import(&Foreign::new(self)) {
            Ok(value) => Some(value),
            Err(error) => {
                log::debug!("a {} of another library cannot be read: {error}", T::TAG);
                None
            }
        }
    }

    /// Adds what was made of the payload, unless there is one by now; returns what is in the list.
    fn insert<T: Payload>(&self, value: Option<T>) -> NonNull<Imported<T>> {
        let imports = &self.header().imports;
        let header = abi::Import {
            next: std::ptr::null_mut(),
            image: image(),
            drop: drop_import::<T>,
        };
        let type_id = TypeId::of::<T>();
        let local = Local { header, type_id };
        let node = NonNull::from(Box::leak(Box::new(Imported { local, value })));
        let mut seen = std::ptr::null_mut();
        let mut head = imports.load(Ordering::Acquire);
        loop {
            // SAFETY: of this payload's list, where `seen` and what follows it have been searched.
            if let Some(winner) = unsafe { find::<T>(head, seen) } {
                // SAFETY: leaked above and not shared.
                drop(unsafe { Box::from_raw(node.as_ptr()) });
                return winner;
            }
            seen = head;
            // SAFETY: not shared yet.
            unsafe { (*node.as_ptr()).local.header.next = head };
            let new = node.as_ptr().cast();
            match imports.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return node,
                Err(current) => head = current,
            }
        }
    }
}

/// The node of this image for a `T`, from `node` on up to `end`.
///
/// # Safety
/// `node` is null or of a list that stays as it is during the call, loaded with acquire ordering.
unsafe fn find<T: Payload>(
    mut node: *mut abi::Import,
    end: *mut abi::Import,
) -> Option<NonNull<Imported<T>>> {
    while node != end {
        let import = NonNull::new(node)?;
        // SAFETY: in the list; nodes are not changed once they are in it. Those of this image start
        // with a `Local`.
        unsafe {
            let is_local = import.as_ref().image == image();
            if is_local && import.cast::<Local>().as_ref().type_id == TypeId::of::<T>() {
                return Some(import.cast());
            }
            node = import.as_ref().next;
        }
    }
    None
}
