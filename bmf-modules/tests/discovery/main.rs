//! Libraries out of a C compiler, found, refused and loaded. What crosses the border once they are
//! loaded is tested elsewhere.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod changes;
mod kit;
mod look_ups;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use bmf_modules::{Registry, SearchPath};
use tempfile::TempDir;

/// A folder of a test's own, with folders of modules in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A path in it; folders on the way are made.
    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// A registry that looks into these folders.
    fn registry(&self, folders: &[&str]) -> Registry {
        let path = folders.iter().fold(SearchPath::new(), |path, folder| {
            path.with_directory(self.0.path().join(folder))
        });
        Registry::searching(path.with_cache(Some(self.path("cache/modules.json"))))
    }

    /// Text without what is another in each run.
    fn redact(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "")
    }

    /// All modules of a registry, with what was refused.
    fn show(&self, registry: &Registry) -> String {
        let modules = registry.list().into_iter().map(|module| {
            let overridden = if module.is_overridden {
                " (overridden)"
            } else {
                ""
            };
            let (name, origin) = (module.name, module.origin);
            format!("{name} {} {origin}{overridden}", module.descriptor.version)
        });
        let refused = registry
            .refused()
            .into_iter()
            .map(|refused| refused.to_string());
        let lines: Vec<String> = modules.chain(refused).collect();
        self.redact(&lines.join("\n"))
    }
}

/// How often code of a library ran.
fn runs(counter: &Path) -> usize {
    fs::read(counter).map_or(0, |letters| letters.len())
}
