//! Separates a Rust source into code and comments, so that the checks can search for text without being fooled by a
//! string or a comment. It is no lexer: it knows just where strings, characters and comments begin and end.

/// Two texts with the lines and columns of the source, each with everything else blanked.
pub(super) struct Masked {
    /// The source without comments and without the content of strings.
    pub(super) code: String,
    /// Ordinary `//` comments only: documentation may show code, and so may block comments.
    pub(super) comments: String,
}

impl Masked {
    pub(super) fn new(source: &str) -> Self {
        let source = source.as_bytes();
        let blank: Vec<u8> = source
            .iter()
            .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' })
            .collect();
        let mut scanner = Scanner {
            source,
            at: 0,
            code: blank.clone(),
            comments: blank,
        };
        while scanner.at < source.len() {
            scanner.step();
        }
        Self {
            code: text(scanner.code),
            comments: text(scanner.comments),
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    code: Vec<u8>,
    comments: Vec<u8>,
}

impl Scanner<'_> {
    /// Consumes a comment, a literal, or one byte of code.
    fn step(&mut self) {
        let rest = &self.source[self.at..];
        match rest {
            [b'/', b'/', ..] => self.line_comment(),
            [b'/', b'*', ..] => self.block_comment(),
            [b'"', ..] => self.string(),
            [b'\'', ..] => self.quote(),
            [b'r', ..] if self.starts_raw_string() => self.raw_string(),
            _ => {
                self.code[self.at] = rest[0];
                self.at += 1;
            }
        }
    }

    fn line_comment(&mut self) {
        let rest = &self.source[self.at..];
        let end = self.at
            + rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
        let documentation =
            rest.starts_with(b"//!") || (rest.starts_with(b"///") && !rest.starts_with(b"////"));
        if !documentation {
            self.comments[self.at..end].copy_from_slice(&self.source[self.at..end]);
        }
        self.at = end;
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.source.len() {
            match &self.source[self.at..] {
                [b'/', b'*', ..] => depth += 1,
                [b'*', b'/', ..] => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    /// A string up to its unescaped closing quote.
    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.source.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                break;
            }
        }
        self.at = self.at.min(self.source.len());
    }

    /// A character, or the quote that begins a lifetime.
    fn quote(&mut self) {
        let rest = &self.source[self.at + 1..];
        let length = match rest {
            [b'\\', _, tail @ ..] => tail
                .iter()
                .position(|byte| *byte == b'\'')
                .map(|end| end + 3),
            [first, ..] => {
                let width = first.leading_ones().max(1) as usize;
                (rest.get(width) == Some(&b'\'')).then_some(width + 1)
            }
            [] => None,
        };
        self.at += 1 + length.unwrap_or(0);
    }

    /// `r"`, `r#"`, also after `b` or `c`; not `r#name`, not the end of a name.
    fn starts_raw_string(&self) -> bool {
        let before = match &self.source[..self.at] {
            [head @ .., b'b' | b'c'] => head.last(),
            head => head.last(),
        };
        let in_name = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let after = &self.source[self.at + 1..];
        !in_name && after.iter().find(|byte| **byte != b'#') == Some(&b'"')
    }

    fn raw_string(&mut self) {
        let hashes = self.source[self.at + 1..]
            .iter()
            .take_while(|byte| **byte == b'#')
            .count();
        let closing = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
        let start = self.at + 1 + hashes + 1;
        let rest = &self.source[start..];
        let length = rest
            .windows(closing.len())
            .position(|window| window == closing);
        self.at = start + length.map_or(rest.len(), |length| length + closing.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of `source` with runs of blanks as one `_`.
    fn check(source: &str) -> String {
        let masked = Masked::new(source);
        assert_eq!(masked.code.lines().count(), source.lines().count());
        masked.code.split_whitespace().collect::<Vec<_>>().join("_")
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        insta::assert_snapshot!(check("a // b\nc /* d /* e */ f */ g /// h"), @"a_c_g");
        insta::assert_snapshot!(check(r#"a "b \" // c" d b"e" f"#), @"a_d_b_f");
        insta::assert_snapshot!(check("a r\"b\\\" c r#\"d\"e\"# f br##\"g\"#\"## h"), @"a_c_f_b_h");
        insta::assert_snapshot!(check("a \"b\n// c\n\" d"), @"a_d");
    }

    #[test]
    fn quotes_and_raw_names() {
        insta::assert_snapshot!(check("fn f<'a>(x: &'a str) { '\"' } // b"), @"fn_f<_a>(x:_&_a_str)_{_}");
        insta::assert_snapshot!(check(r"a '\'' b '\u{1F600}' c 'é' d '\\' e"), @"a_b_c_d_e");
        insta::assert_snapshot!(check("r#type bar\"x\" r"), @"r#type_bar_r");
    }

    #[test]
    fn unfinished_sources_end() {
        for source in ["\"a", "\"a\\", "/* a", "r#\"a", "'", "'\\", "a'"] {
            check(source);
        }
    }

    #[test]
    fn only_ordinary_comments_are_kept() {
        let masked = Masked::new("//! a\n/// b\nc; // d\n//// e\n\"// f\"");
        insta::assert_snapshot!(masked.comments.split_whitespace().collect::<Vec<_>>().join(" "), @"// d //// e");
    }
}
