//! Whether a file can be created, found out without touching what is there.

use std::fs::{self, OpenOptions};
use std::path::Path;

use bmf_sdk::prelude::ModuleError;

use super::choice::Target;

/// Formats whose own files go beside the one that is named.
const WRITERS: [&str; 5] = ["image2", "hls", "dash", "segment", "stream_segment"];

/// # Errors
/// When the directory is missing, or the file cannot be written. Network addresses and devices are
/// only tried when writing begins.
pub(super) fn check(target: &Target) -> Result<(), ModuleError> {
    let Some(path) = local_path(&target.url) else {
        return Ok(());
    };
    let muxer = &target.muxer;
    if muxer.opens_own_files && !WRITERS.contains(&muxer.name.as_str()) {
        return Ok(());
    }
    let cannot =
        |why: String| ModuleError::new(format!("cannot write \"{}\": {why}", path.display()));
    if path.is_dir() {
        return Err(cannot("it is a directory".to_owned()));
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !parent.is_dir() {
        let error = cannot(format!(
            "the directory \"{}\" does not exist",
            parent.display()
        ));
        return Err(error.with_hint("create the directory, or correct \"output_path\""));
    }
    if muxer.opens_own_files {
        return Ok(());
    }
    try_file(path).map_err(|error| cannot(error.to_string()))
}

/// Opens the file for writing and leaves it, or its absence, as it was. Pipes and devices are left
/// alone: opening them may wait, or do something.
fn try_file(path: &Path) -> std::io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) => OpenOptions::new().write(true).open(path).map(drop),
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::remove_file(path)
        }
    }
}

/// The file that a URL names; `None` for anything that is not a file.
pub(super) fn local_path(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("file:").unwrap_or(url);
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    let is_protocol = scheme.is_some_and(|scheme| {
        scheme.len() > 1 && scheme.bytes().all(|letter| letter.is_ascii_alphanumeric())
    });
    (!is_protocol || path.len() < url.len()).then(|| Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_addresses_are_told_apart() {
        let urls = [
            "a.mp4",
            "file:a:b.mp4",
            "pipe:1",
            "rtmp://host/x",
            "/tmp/a:b.mp4",
            "dir/x",
        ];
        let paths = urls
            .map(|url| local_path(url).map_or("-".to_owned(), |path| path.display().to_string()));
        insta::assert_snapshot!(paths.join(" "), @"a.mp4 a:b.mp4 - - /tmp/a:b.mp4 dir/x");
    }
}
