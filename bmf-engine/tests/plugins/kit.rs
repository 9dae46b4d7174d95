//! The libraries that these tests load, and what their modules log.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, Once};

use bmf_engine::{Node, Port};
use bmf_modules::{Registry, SearchPath};

use crate::support::{Lab, until};

/// A lab whose graphs may use the modules of the libraries.
pub(crate) fn lab() -> Lab {
    listen();
    Lab::with(Registry::searching(
        SearchPath::new().with_directory(folder()),
    ))
}

/// Adds a node (called like its module) with one input and one output.
pub(crate) fn add(
    lab: &mut Lab,
    module: &str,
    input: Port,
    settings: impl FnOnce(Node) -> Node,
) -> Port {
    let node = Node::new(module).name(module).input(input);
    lab.builder().add(settings(node)).into()
}

/// Where the libraries are: that of the crate `bmf-fixture`, and `passes.c`.
fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
        std::fs::create_dir_all(&folder).unwrap();
        let fixture = format!("{DLL_PREFIX}bmf_fixture{DLL_SUFFIX}");
        // Cargo puts the libraries of dev-dependencies beside the programs of tests.
        let built = std::env::current_exe().unwrap().with_file_name(&fixture);
        assert!(built.is_file(), "there is no {}", built.display());
        let passes = format!("{DLL_PREFIX}passes{DLL_SUFFIX}");
        place(&folder.join(fixture), |new| {
            std::os::unix::fs::symlink(built, new).unwrap()
        });
        place(&folder.join(passes), compile);
        folder
    });
    &FOLDER
}

/// Makes a file that is there at once, since tests of several processes may do so at a time.
fn place(file: &Path, make: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let new = folder.path().join("new");
    make(&new);
    std::fs::rename(new, file).unwrap();
}

fn compile(library: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let done = Command::new(compiler)
        .args(["-O1", "-fPIC", "-shared", "-pthread", "-I"])
        .arg(here.join("../bmf-abi/include"))
        .arg(here.join("tests/plugins/passes.c"))
        .arg("-o")
        .arg(library)
        .status();
    let done = done.expect("these tests compile C: a C compiler must be installed");
    assert!(done.success(), "passes.c could not be compiled");
}

/// What the modules of the libraries have logged.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Listener).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}

/// The lines so far that begin with this.
pub(crate) fn logged(start: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap();
    let lines = lines.iter().filter(|line| line.starts_with(start));
    lines.cloned().collect()
}

/// The line that begins with this, as soon as it is there.
pub(crate) fn wait_for(start: &str) -> String {
    until(start, || !logged(start).is_empty());
    logged(start).remove(0)
}
