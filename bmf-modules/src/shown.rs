//! Text for people out of names that others gave: nothing in it steers a terminal or starts a line.

use std::ffi::OsStr;

/// A name or a path as messages show it: control characters as in a string of Rust, what is no UTF-8
/// as `�`.
pub fn shown(name: impl AsRef<OsStr>) -> String {
    let text = name.as_ref().to_string_lossy();
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(shown("/m/libü x.so"), "/m/libü x.so");
        assert_eq!(shown("a\nb\x1b[2Jc\u{9b}"), r"a\nb\u{1b}[2Jc\u{9b}");
    }
}
