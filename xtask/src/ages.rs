//! The step of CI that shows that plugins and hosts of different ages understand each other. Tomorrow's contract is
//! today's with an extension, in a copy of the crates that are on both sides of the border; a third copy has changed
//! what must not be changed. Each host then loads each plugin.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::sh;
use crate::workspace::{self, Workspace};

/// What a copy is made of, with all that these depend on.
const ROOTS: [&str; 2] = ["bmf-modules", "bmf-fixture"];

/// In which file what is replaced by what.
type Patch = (&'static str, &'static str, &'static str);

/// An extension of the host, which the plugin asks for.
const TOMORROW: &[Patch] = &[
    (
        "bmf-abi/Cargo.toml",
        "\nversion = \"1.0.0\"",
        "\nversion = \"1.1.0\"",
    ),
    (
        "bmf-abi/src/lib.rs",
        "VERSION_MINOR: u32 = 0;",
        "VERSION_MINOR: u32 = 1;",
    ),
    (
        "bmf-abi/src/lib.rs",
        "mod host;\n",
        "mod clock;\nmod host;\npub use clock::{CLOCK, CLOCK_EXTENSION, Clock, find_clock, host_time};\n",
    ),
    (
        "bmf-bridge/src/host/table.rs",
        "unsafe extern \"C\" fn extension(id: abi::Str) -> *const c_void {\n",
        "unsafe extern \"C\" fn extension(id: abi::Str) -> *const c_void {\n\
         \x20   // SAFETY: the text is lent for the call.\n\
         \x20   if unsafe { text::bytes(id) } == abi::CLOCK_EXTENSION.as_bytes() {\n\
         \x20       return (&raw const abi::CLOCK).cast();\n\
         \x20   }\n",
    ),
    (
        "bmf-bridge/src/guest/entry.rs",
        "    let made = guard::caught(",
        "    abi::find_clock(host);\n    let made = guard::caught(",
    ),
    (
        "bmf-modules/fixture/src/behave.rs",
        "(\"addresses\", self.addresses as u64)",
        "(\"clock\", bmf_sdk::__private::abi::host_time().unwrap_or(0))",
    ),
];

/// Two fields that have changed places, and the same version.
const WRONG: &[Patch] = &[(
    "bmf-abi/src/module.rs",
    "    pub kind: u32,\n    /// Padding, 0.\n    pub reserved: u32,\n",
    "    pub reserved: u32,\n    /// What it is.\n    pub kind: u32,\n",
)];

/// What is said of a plugin with other layouts.
const REFUSED: &str = "it was built with other layouts of the plugin contract";

/// A copy with another contract.
struct Age<'a> {
    workspace: &'a Workspace,
    name: &'static str,
    patches: &'static [Patch],
}

/// The plugin and the host of an age.
struct Built {
    library: PathBuf,
    host: PathBuf,
}

/// Builds all ages, and has each host load each plugin.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let today = build_today(workspace)?;
    let tomorrow = Age {
        workspace,
        name: "tomorrow",
        patches: TOMORROW,
    };
    let tomorrow = tomorrow.build()?;
    let wrong = Age {
        workspace,
        name: "wrong",
        patches: WRONG,
    };
    let wrong = wrong.build()?;
    let of_today = passed("1.0", r#"{"addresses": 0}"#);
    let (without, with) = (
        passed("1.1", r#"{"clock": 0}"#),
        passed("1.1", r#"{"clock": 42}"#),
    );
    for (what, library, host, expected) in [
        (
            "today's plugin in today's host",
            &today,
            &today,
            of_today.as_str(),
        ),
        (
            "tomorrow's plugin in today's host",
            &tomorrow,
            &today,
            &without,
        ),
        (
            "today's plugin in tomorrow's host",
            &today,
            &tomorrow,
            &of_today,
        ),
        (
            "tomorrow's plugin in tomorrow's host",
            &tomorrow,
            &tomorrow,
            &with,
        ),
        ("a wrong plugin in today's host", &wrong, &today, REFUSED),
        (
            "a wrong plugin in tomorrow's host",
            &wrong,
            &tomorrow,
            REFUSED,
        ),
        ("today's plugin in a wrong host", &today, &wrong, REFUSED),
    ] {
        let told = load(host, library)?;
        ensure!(told.contains(expected), "{what}: {told}");
        println!("{what}: as it should be");
    }
    Ok(())
}

/// What a host says that has run packets through `fixture_pass`.
fn passed(version: &str, counters: &str) -> String {
    format!(
        "bmf-fixture is for contract {version}\n\
         Packet(bmf.int @ 0.000000s), the one sent\n\
         Packet(bmf.video_frame @ 0.040000s), the one sent\n\
         {counters}\n"
    )
}

/// All that a host says when it runs packets through a library.
fn load(host: &Built, library: &Built) -> anyhow::Result<String> {
    let mut command = Command::new(&host.host);
    command.arg(&library.library).arg("fixture_pass");
    let output = command
        .output()
        .with_context(|| format!("starting `{}`", sh::show(&command)))?;
    let texts = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&texts).into_owned())
}

fn build_today(workspace: &Workspace) -> anyhow::Result<Built> {
    build(
        &workspace.root,
        &workspace.target,
        &workspace.target.join("ages/today"),
        &[],
    )
}

/// Builds plugin and host of the crates in `root`, and puts them into `to`.
fn build(root: &Path, target: &Path, to: &Path, flags: &[&str]) -> anyhow::Result<Built> {
    let mut cargo = sh::cargo(["build", "-p", "bmf-fixture"]);
    cargo.args(["-p", "bmf-modules", "--lib", "--example", "one_module"]);
    cargo.args(flags);
    sh::run(cargo.current_dir(root).env("CARGO_TARGET_DIR", target))?;
    let name = workspace::library("bmf-fixture");
    let program = format!("one_module{}", std::env::consts::EXE_SUFFIX);
    fs::create_dir_all(to)?;
    let built = Built {
        library: to.join(&name),
        host: to.join(&program),
    };
    for (from, to) in [
        (target.join("debug").join(name), &built.library),
        (target.join("debug/examples").join(program), &built.host),
    ] {
        fs::copy(&from, to).with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(built)
}

impl Age<'_> {
    /// Makes the copy and builds it. What others depend on is built once for all copies.
    fn build(&self) -> anyhow::Result<Built> {
        let ages = self.workspace.target.join("ages");
        let root = ages.join(self.name).join("source");
        self.copy(&root)?;
        // All that it needs is here since today's was built.
        let (target, to) = (ages.join("target"), ages.join(self.name));
        build(&root, &target, &to, &["--offline"])
    }

    /// Files that are as they should be stay, so that cargo need not build them again.
    fn copy(&self, root: &Path) -> anyhow::Result<()> {
        let folders = folders(self.workspace);
        let mut files = BTreeSet::from([PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")]);
        for folder in &folders {
            list(&self.workspace.root, Path::new(folder), &mut files)?;
        }
        let clock = Path::new("bmf-abi/src/clock.rs");
        for file in &files {
            let from = self.workspace.root.join(file);
            let content = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
            let content = match String::from_utf8(content) {
                Ok(text) => self.patched(file, &folders, text)?.into_bytes(),
                Err(binary) => binary.into_bytes(),
            };
            write(&root.join(file), &content)?;
        }
        write(&root.join(clock), include_bytes!("ages/clock.txt"))?;
        // All copies have their library in one place, where it would be taken for up to date.
        let library = root.join("bmf-modules/fixture/src/lib.rs");
        fs::write(&library, fs::read(&library)?)?;
        remove_others(root, &files, clock)
    }

    fn patched(
        &self,
        file: &Path,
        folders: &BTreeSet<String>,
        text: String,
    ) -> anyhow::Result<String> {
        let mut text = text;
        for (_, from, to) in self.patches.iter().filter(|(of, ..)| Path::new(of) == file) {
            ensure!(
                text.contains(from),
                "{} is without {from:?}; adapt xtask/src/ages.rs",
                file.display()
            );
            text = text.replacen(from, to, 1);
        }
        match file == Path::new("Cargo.toml") {
            true => {
                with_members(&text, folders).context("the workspace's Cargo.toml lists no members")
            }
            false => Ok(text),
        }
    }
}

/// The folders of the crates of a copy.
fn folders(workspace: &Workspace) -> BTreeSet<String> {
    let mut open = ROOTS.map(str::to_owned).to_vec();
    let mut folders = BTreeSet::new();
    while let Some(name) = open.pop() {
        let mut crates = workspace.crates.iter();
        if let Some(member) = crates.find(|member| member.name == name)
            && folders.insert(member.folder.clone())
        {
            open.extend(
                member
                    .dependencies
                    .iter()
                    .map(|dependency| dependency.name.clone()),
            );
        }
    }
    folders
}

fn with_members(manifest: &str, folders: &BTreeSet<String>) -> Option<String> {
    let (start, rest) = manifest.split_once("members = [")?;
    let (_, end) = rest.split_once(']')?;
    let members: String = folders
        .iter()
        .map(|folder| format!("\n    {folder:?},"))
        .collect();
    Some(format!("{start}members = [{members}\n]{end}"))
}

/// All files of a folder, relative to `root`.
fn list(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let path = root.join(folder);
    for entry in fs::read_dir(&path).with_context(|| format!("listing {}", path.display()))? {
        let entry = entry?;
        let name = folder.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => list(root, &name, files)?,
            false => drop(files.insert(name)),
        }
    }
    Ok(())
}

fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let folder = file.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(file, content).with_context(|| format!("writing {}", file.display()))
}

/// What was there before, and is no more.
fn remove_others(root: &Path, files: &BTreeSet<PathBuf>, also: &Path) -> anyhow::Result<()> {
    let mut there = BTreeSet::new();
    list(root, Path::new(""), &mut there)?;
    for old in there
        .iter()
        .filter(|file| !files.contains(*file) && *file != also)
    {
        fs::remove_file(root.join(old))?;
    }
    if there.is_empty() {
        bail!("{} is empty", root.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_change() {
        let folders = BTreeSet::from(["b/c".to_owned(), "a".to_owned()]);
        let manifest = "[workspace]\nmembers = [\n    \"x\",\n]\n\n[profile.dev]\n";
        insta::assert_snapshot!(with_members(manifest, &folders).unwrap(), @r#"
        [workspace]
        members = [
            "a",
            "b/c",
        ]

        [profile.dev]
        "#);
        assert_eq!(with_members("[package]\n", &folders), None);
    }
}
