//! Whether a file can be created, found out without touching what is there.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::Path;

use bmf_sdk::prelude::ModuleError;
use bmf_sdk::serde_json::Value;

use super::choice::Target;
use crate::local::{Writing, is_being_read, local_path};

/// Formats whose own files go beside the one that is named.
const WRITERS: [&str; 5] = ["image2", "hls", "dash", "segment", "stream_segment"];

/// # Errors
/// When the directory is missing, or the file cannot be written. Network addresses and devices are
/// only tried when writing begins.
pub(super) fn check(
    target: &Target,
    mux_params: &BTreeMap<String, Value>,
) -> Result<(), ModuleError> {
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
    check_parent(path, "output_path").map_err(|(why, hint)| cannot(why).with_hint(hint))?;
    let segments = mux_params
        .get("hls_segment_filename")
        .and_then(Value::as_str);
    if let Some(segments) = segments.and_then(local_path) {
        let checked = check_parent(segments, "hls_segment_filename");
        checked.map_err(|(why, hint)| cannot(why).with_hint(hint))?;
    }
    check_unread(&target.url)?;
    if muxer.opens_own_files {
        return Ok(());
    }
    try_file(path).map_err(|error| cannot(error.to_string()))
}

/// The directory of a file must be there, unless the muxer fills in its name.
fn check_parent(path: &Path, option: &str) -> Result<(), (String, String)> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if parent.is_dir() || parent.to_string_lossy().contains('%') {
        return Ok(());
    }
    Err((
        format!("the directory \"{}\" does not exist", parent.display()),
        format!("create the directory, or correct \"{option}\""),
    ))
}

/// # Errors
/// When the output would replace what an input is read from.
pub(super) fn check_unread(url: &str) -> Result<(), ModuleError> {
    match local_path(url).filter(|path| is_being_read(path)) {
        None => Ok(()),
        Some(path) => Err(ModuleError::new(format!(
            "cannot write \"{}\": it is being read as an input",
            path.display()
        ))
        .with_hint("write to another file, and rename that when the run is done")),
    }
}

/// Keeps other outputs from being written to the same file. `None` for devices and addresses, which
/// may take several.
///
/// # Errors
/// When another output is.
pub(super) fn reserve(url: &str, option: &str) -> Result<Option<Writing>, ModuleError> {
    let is_device = |path: &&Path| path.metadata().is_ok_and(|found| !found.is_file());
    let Some(path) = local_path(url).filter(|path| !is_device(path)) else {
        return Ok(None);
    };
    Writing::of(path).map(Some).ok_or_else(|| {
        let path = path.display();
        let message = format!("cannot write \"{path}\": another output writes it");
        ModuleError::new(message).with_hint(format!("give each output its own \"{option}\""))
    })
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
