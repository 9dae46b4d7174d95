//! BMF's `Module_<name>/meta.info`: which library holds a module. Nothing is loaded here.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::refusal::Refusal;

/// What a `meta.info` says, with BMF's defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetaInfo {
    /// What graphs call the module.
    pub(crate) name: String,
    /// What the library calls it.
    pub(crate) class: String,
    /// The library.
    pub(crate) library: PathBuf,
}

#[derive(Deserialize)]
struct Written {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    class: Option<String>,
    entry: Option<String>,
    path: Option<String>,
}

/// Reads the text of the `meta.info` in `folder`.
///
/// # Errors
/// What is wrong with it; also that the module is in a language that has no loader.
pub(crate) fn parse(text: &str, folder: &Path) -> Result<MetaInfo, Refusal> {
    let wrong = |why: String| Refusal::MetaInfo(why);
    let written: Written = serde_json::from_str(text)
        .map_err(|error| wrong(format!("it is no meta.info: {error}")))?;
    match written.kind.to_lowercase().as_str() {
        "c++" | "binary" => {}
        "python" | "python3" => return Err(Refusal::Language("Python".to_owned())),
        "go" | "golang" => return Err(Refusal::Language("Go".to_owned())),
        other => {
            let why = format!("its type \"{other}\" is none of c++, binary, python, go");
            return Err(wrong(why));
        }
    }
    let (entry, class) = (filled(written.entry), filled(written.class));
    let name = filled(written.name)
        .or_else(|| folder_name(folder))
        .ok_or_else(|| wrong("it has no name".to_owned()))?;
    let (file, class) = match (entry, class) {
        (Some(entry), _) => {
            let (file, class) = split_entry(&entry);
            (file.replace(['.', ':'], "/"), class.to_owned())
        }
        (None, Some(class)) => (format!("lib{name}"), class),
        (None, None) => return Err(wrong("it has neither entry nor class".to_owned())),
    };
    let library = match filled(written.path) {
        Some(path) => folder.join(path),
        None => folder.join(format!("{file}{}", std::env::consts::DLL_SUFFIX)),
    };
    Ok(MetaInfo {
        name,
        class,
        library,
    })
}

/// File and class of an entry such as `libcopy.CopyModule` or `copy_module:CopyModule`; the file is
/// empty where only a class is given.
pub fn split_entry(entry: &str) -> (&str, &str) {
    match entry.rsplit_once(['.', ':']) {
        Some((file, class)) => (file.trim_end_matches(':'), class),
        None => ("", entry),
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn folder_name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    filled(Some(name.strip_prefix("Module_")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match parse(text, Path::new("/m/Module_copy")) {
            Ok(info) => format!(
                "{} = {} in {}",
                info.name,
                info.class,
                info.library.display()
            ),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn bmfs_defaults_are_filled_in() {
        insta::assert_snapshot!(check(r#"{"name": "copy", "type": "c++", "class": "Copy", "revision": "v1"}"#), @"copy = Copy in /m/Module_copy/libcopy.so");
        insta::assert_snapshot!(check(r#"{"type": "BINARY", "entry": "lib.libcopy:Copy"}"#), @"copy = Copy in /m/Module_copy/lib/libcopy.so");
        insta::assert_snapshot!(check(r#"{"type": "c++", "entry": "copy::Copy", "path": "/lib/libc.so"}"#), @"copy = Copy in /lib/libc.so");
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        insta::assert_snapshot!(check(r#"{"name": "copy", "type": "python", "class": "Copy"}"#), @"is a Python module, which this build cannot load; use a module built as a library");
        insta::assert_snapshot!(check(r#"{"name": "copy", "type": "perl"}"#), @r#"cannot be used: its type "perl" is none of c++, binary, python, go"#);
        insta::assert_snapshot!(check(r#"{"name": "copy", "type": "c++"}"#), @"cannot be used: it has neither entry nor class");
        insta::assert_snapshot!(check("{"), @"cannot be used: it is no meta.info: EOF while parsing an object at line 1 column 1");
    }
}
