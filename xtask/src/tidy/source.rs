//! Rules for every Rust file: an introduction on top, nothing unfinished or left over, one subject's length, and
//! `unsafe` only where it belongs.

use super::Finding;
use super::mask::Masked;

/// Beyond this a file has more than one subject, or should be a table in data.
const MAX_LINES: usize = 700;

const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

const NOTES_TO_SELF: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Folders whose sources may opt into `unsafe_code`. Tests and benches may anywhere: a counting allocator needs it.
const MAY_BE_UNSAFE: [&str; 7] = [
    "bmf-abi/",
    "bmf-bridge/",
    "bmf-hmp/",
    "bmf-ffmpeg/",
    "bmf-modules/",
    "bmf-sdk/",
    "bindings/",
];

/// Checks one file.
pub(super) fn check(path: &str, content: &str, masked: &Masked) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !content.starts_with("//!") {
        let message = "the first line must be `//!` and say what this file is, and what it is not";
        findings.push(Finding::at(path, 1, message));
    }
    let lines = content.lines().count();
    if lines > MAX_LINES {
        findings.push(Finding::whole(
            path,
            format!("{lines} lines; more than {MAX_LINES} hide a second subject"),
        ));
    }
    for (index, (code, comment)) in masked.code.lines().zip(masked.comments.lines()).enumerate() {
        let problem = code_problem(path, code).or_else(|| comment_problem(comment));
        findings.extend(problem.map(|message| Finding::at(path, index + 1, message)));
    }
    findings
}

fn code_problem(path: &str, code: &str) -> Option<String> {
    if let Some(unfinished) = UNFINISHED.into_iter().find(|name| has_word(code, name)) {
        return Some(format!("`{unfinished}` is not for committed code"));
    }
    let opts_in = code.contains("expect(unsafe_code") || code.contains("allow(unsafe_code");
    let may = MAY_BE_UNSAFE
        .into_iter()
        .any(|folder| path.starts_with(folder))
        || !in_product(path);
    (opts_in && !may).then(|| "this crate may not opt into unsafe_code".to_owned())
}

fn in_product(path: &str) -> bool {
    path.starts_with("src/") || path.contains("/src/")
}

fn comment_problem(comment: &str) -> Option<String> {
    if let Some(note) = NOTES_TO_SELF
        .into_iter()
        .find(|note| has_word(comment, note))
    {
        return Some(format!("{note}: do it, or write an issue"));
    }
    let text = comment.trim().strip_prefix("//")?.trim();
    is_code(text).then(|| "commented-out code: delete it, git remembers".to_owned())
}

/// Whether a comment's text looks like Rust. Prose may end in a semicolon too, so that alone does not do.
fn is_code(text: &str) -> bool {
    const STARTS: [&str; 9] = [
        "let ", "use ", "return", "break", "continue", "pub ", "mod ", "}", "#[",
    ];
    let code_like = STARTS.iter().any(|start| text.starts_with(start))
        || text.contains(['(', '=', '!'])
        || text.contains("::")
        || !text.contains(' ');
    text == "}" || text.ends_with('{') || (text.ends_with(';') && code_like)
}

/// Whether `word` is in `line` and not the end of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    let alone = |at: usize| {
        let after = &line[at + word.len()..];
        !line[..at].ends_with(in_name) && (word.ends_with('!') || !after.starts_with(in_name))
    };
    line.match_indices(word).any(|(at, _)| alone(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::render;

    fn check(path: &str, content: &str) -> String {
        render(&super::check(path, content, &Masked::new(content)))
    }

    #[test]
    fn good() {
        let source = r#"//! A file.
            // Prose may end like this;
            // and stop {braces} or `f(x)` in the middle.
            /// let x = documentation();
            fn not_a_todo() { let s = "todo!() // dbg!"; my_dbg!(s); } // why: prose
        "#;
        insta::assert_snapshot!(check("a/src/b.rs", source), @"");
    }

    #[test]
    fn introduction_and_length() {
        insta::assert_snapshot!(check("a/tests/b.rs", "use c;\n//! late"), @"a/tests/b.rs:1: the first line must be `//!` and say what this file is, and what it is not");
        insta::assert_snapshot!(check("a/src/b.rs", &format!("//! Long.\n{}", "\n".repeat(700))), @"a/src/b.rs: 701 lines; more than 700 hide a second subject");
        insta::assert_snapshot!(check("a/src/b.rs", &format!("//! Long.\n{}", "\n".repeat(699))), @"");
    }

    #[test]
    fn unfinished() {
        let source = "//! A.\nfn f() { todo!() }\nfn g() { std::unimplemented!() }\nfn h() { x(dbg!(1)) }\n// TODO: more";
        insta::assert_snapshot!(check("a/src/b.rs", source), @r"
        a/src/b.rs:2: `todo!` is not for committed code
        a/src/b.rs:3: `unimplemented!` is not for committed code
        a/src/b.rs:4: `dbg!` is not for committed code
        a/src/b.rs:5: TODO: do it, or write an issue
        ");
    }

    #[test]
    fn commented_out() {
        let source =
            "//! A.\n// let x = 1;\n// if x {\n// }\nf(); // g(x)?;\n// break;\n// a few words;";
        insta::assert_snapshot!(check("a/src/b.rs", source), @r"
        a/src/b.rs:2: commented-out code: delete it, git remembers
        a/src/b.rs:3: commented-out code: delete it, git remembers
        a/src/b.rs:4: commented-out code: delete it, git remembers
        a/src/b.rs:5: commented-out code: delete it, git remembers
        a/src/b.rs:6: commented-out code: delete it, git remembers
        ");
    }

    #[test]
    fn unsafe_only_where_it_belongs() {
        let source = "//! A.\n#![expect(unsafe_code, reason = \"x\")]";
        insta::assert_snapshot!(check("bmf-scheduler/src/lib.rs", source), @"bmf-scheduler/src/lib.rs:2: this crate may not opt into unsafe_code");
        insta::assert_snapshot!(check("bmf-hmp/src/lib.rs", source), @"");
        insta::assert_snapshot!(check("bmf-scheduler/benches/b.rs", source), @"");
        insta::assert_snapshot!(check("bmf-core/src/lib.rs", "//! A.\n#![forbid(unsafe_code)]"), @"");
    }
}
