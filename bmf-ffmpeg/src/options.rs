//! Which options FFmpeg's parts have, and what was probably meant by one that
//! nobody knows.
//!
//! FFmpeg describes every option in its `AVClass` tables; they are read here by
//! name only, for suggestions and listings. Values are checked by FFmpeg itself
//! when it opens the part.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::fmt;

use crate::dict::Dict;
use crate::sys;

/// An option that nothing consumed, with what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedOption {
    /// The name as it was given.
    pub name: String,
    /// The value as it was given.
    pub value: String,
    /// The nearest option that exists.
    pub suggestion: Option<String>,
    /// Whom it was given to, for instance "encoder libx264".
    pub owner: String,
}

impl fmt::Display for UnusedOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no option '{}'", self.owner, self.name)?;
        match &self.suggestion {
            Some(name) => write!(f, "; did you mean '{name}'?"),
            None => Ok(()),
        }
    }
}

/// What is left in a dictionary after FFmpeg took its options out.
pub(crate) fn unused(left: &Dict, owner: &str, known: &BTreeSet<String>) -> Vec<UnusedOption> {
    let pairs = left.pairs().into_iter();
    pairs
        .map(|(name, value)| UnusedOption {
            suggestion: nearest(&name, known.iter().map(String::as_str)),
            owner: owner.to_owned(),
            name,
            value,
        })
        .collect()
}

/// The known name that `wanted` was probably meant to be, if one is near.
///
/// Near is: equal but for case and `-`/`_`, at most a third of the letters
/// mistyped, or the only one that `wanted` begins. A different number is not a
/// typing mistake: "h265" is not meant to be "h261".
///
/// ```
/// let known = ["libx264", "libx265", "aac"];
/// assert_eq!(bmf_ffmpeg::nearest("libx624", known).as_deref(), Some("libx264"));
/// assert_eq!(bmf_ffmpeg::nearest("theora", known), None);
/// ```
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let target = plain(wanted);
    let known: Vec<&str> = known.into_iter().filter(|name| *name != wanted).collect();
    let allowed = (target.chars().count() / 3).max(1);
    let mistyped = |name: &&'a str| {
        let distance = strsim::damerau_levenshtein(&target, &plain(name));
        let near = distance <= allowed && distance < name.chars().count();
        (near && !is_other_number(&target, &plain(name))).then_some((distance, *name))
    };
    let best = known
        .iter()
        .filter_map(mistyped)
        .min_by_key(|(distance, name)| {
            (
                *distance,
                Reverse(common_prefix(&target, &plain(name))),
                *name,
            )
        });
    if let Some((_, name)) = best {
        return Some(name.to_owned());
    }
    let mut begun = known
        .iter()
        .filter(|name| target.len() >= 3 && plain(name).starts_with(&target));
    match (begun.next(), begun.next()) {
        (Some(name), None) => Some((*name).to_owned()),
        _ => None,
    }
}

fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// Whether two names differ in their number only, which has several digits, and
/// not just by order or a missing digit.
fn is_other_number(a: &str, b: &str) -> bool {
    let split = |name: &str| -> (String, Vec<char>) {
        let mut digits: Vec<char> = name.chars().filter(char::is_ascii_digit).collect();
        digits.sort_unstable();
        (
            name.chars().filter(|c| !c.is_ascii_digit()).collect(),
            digits,
        )
    };
    let ((letters_a, digits_a), (letters_b, digits_b)) = (split(a), split(b));
    letters_a == letters_b
        && digits_a.len() == digits_b.len()
        && digits_a.len() > 1
        && digits_a != digits_b
}

/// "did you mean 'x'?" for an error's hint.
pub(crate) fn did_you_mean<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(wanted, known).map(|name| format!("did you mean '{name}'?"))
}

/// Which side of FFmpeg an option serves, to leave out what cannot apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Reading,
    Writing,
    Filtering,
}

/// Adds the option names of an `AVClass` that apply to one side.
///
/// # Safety
///
/// `class` is null or one of FFmpeg's static class tables.
pub(crate) unsafe fn collect(class: *const sys::AVClass, side: Side, into: &mut BTreeSet<String>) {
    if class.is_null() {
        return;
    }
    // FFmpeg takes any object whose first member points to a class.
    let object: *const *const sys::AVClass = &class;
    let wanted = match side {
        Side::Reading => sys::AV_OPT_FLAG_DECODING_PARAM,
        Side::Writing => sys::AV_OPT_FLAG_ENCODING_PARAM,
        Side::Filtering => sys::AV_OPT_FLAG_FILTERING_PARAM,
    };
    let mut option = std::ptr::null();
    loop {
        // SAFETY: `object` stays in place through the loop; the tables are static.
        option = unsafe { sys::av_opt_next(object.cast::<c_void>(), option) };
        if option.is_null() {
            return;
        }
        // SAFETY: FFmpeg returned a valid table entry; the type is read as an integer.
        let (kind, flags, name) = unsafe {
            (
                sys::get_enum!(option, type_),
                (*option).flags,
                sys::text((*option).name),
            )
        };
        let is_constant = kind == sys::AVOptionType::AV_OPT_TYPE_CONST as i32;
        if !is_constant && flags & wanted != 0 {
            into.insert(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &str) -> String {
        let known = [
            "crf",
            "preset",
            "profile",
            "x264-params",
            "b",
            "bf",
            "movflags",
            "time_base",
        ];
        nearest(wanted, known).unwrap_or_else(|| "-".into())
    }

    #[test]
    fn suggestions_are_near_or_absent() {
        let answers = [
            "crff",
            "x264_params",
            "prset",
            "movflag",
            "time",
            "zzz",
            "crf",
            "BF",
        ]
        .map(check);
        insta::assert_snapshot!(answers.join(" "), @"crf x264-params preset movflags time_base - - bf");
    }

    #[test]
    fn unused_options_name_owner_and_suggestion() {
        let known = BTreeSet::from(["crf".to_owned()]);
        let left: Dict = [("cfr", "1"), ("qqq", "2")].into_iter().collect();
        let lines: Vec<String> = unused(&left, "encoder libx264", &known)
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        encoder libx264 has no option 'cfr'; did you mean 'crf'?
        encoder libx264 has no option 'qqq'
        ");
    }
}
