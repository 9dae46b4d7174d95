//! `cargo xtask build`: the program with its modules linked in, or with each of them as a library in `modules/` beside
//! it. It packs nothing; that is `dist.rs`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::args::{BuildArgs, Linkage, Program};
use crate::deps::{self, Need};
use crate::sh;
use crate::workspace::{Crate, Workspace, library};

/// What a build has made.
pub(crate) struct Made {
    pub(crate) program: PathBuf,
    /// Empty where the modules are in the program.
    pub(crate) libraries: Vec<PathBuf>,
}

/// Builds and tells what was made.
pub(crate) fn run(workspace: &Workspace, args: BuildArgs) -> anyhow::Result<()> {
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&[Need::Libraries])?;
    let made = make(workspace, args)?;
    print!("\n{}", table(&made, &workspace.root)?);
    if args.linkage == Linkage::Dynamic {
        println!("{}", note(&made.program, args.debug, &workspace.root));
    }
    Ok(())
}

/// What a dynamic build leaves where the whole program is said to be, and how to get that back.
pub(crate) fn note(program: &Path, debug: bool, root: &Path) -> String {
    let program = program.strip_prefix(root).unwrap_or(program);
    let flag = if debug { " --debug" } else { "" };
    format!(
        "{} has its modules in {} now; `cargo xtask build{flag}` makes one file of it again.",
        program.display(),
        program.with_file_name("modules").display()
    )
}

/// Whether the release build is there, and is a static one.
pub(crate) fn is_whole(workspace: &Workspace) -> bool {
    let program = workspace.bmf();
    let modules = program.with_file_name("modules");
    let is_there = |member: &Crate| modules.join(library(&member.name)).exists();
    program.exists() && !workspace.modules().any(is_there)
}

/// Builds.
pub(crate) fn make(workspace: &Workspace, args: BuildArgs) -> anyhow::Result<Made> {
    let (profile, flag) = match args.debug {
        true => ("debug", None),
        false => ("release", Some("--release")),
    };
    let folder = workspace.target.join(profile);
    let mut cargo = sh::cargo(["build", "-p", "bmf-cli"]);
    if args.linkage == Linkage::Dynamic {
        // With the modules named, cargo chooses the features of what they share as in the static
        // build; else all of the engine would be compiled once more.
        for member in workspace.modules() {
            cargo.args(["-p", &member.name]);
        }
        cargo.arg("--no-default-features");
    }
    sh::run(cargo.args(flag))?;
    let libraries = match args.linkage {
        Linkage::Static => forget_libraries(workspace, &folder.join("modules"))?,
        Linkage::Dynamic => build_libraries(workspace, &folder, flag)?,
    };
    Ok(Made {
        program: folder.join("bmf"),
        libraries,
    })
}

/// The program to try out, as an absolute path: others may run it elsewhere.
pub(crate) fn program(workspace: &Workspace, which: &Program) -> anyhow::Result<PathBuf> {
    let args = |debug| BuildArgs {
        debug,
        ..BuildArgs::default()
    };
    let program = match which {
        Program::Release => make(workspace, args(false))?.program,
        Program::Debug => make(workspace, args(true))?.program,
        Program::At(path) => path.clone(),
    };
    std::path::absolute(&program).with_context(|| format!("finding {}", program.display()))
}

/// A module crate itself says nothing of being a library that is loaded. Where it did, the static program would take
/// twice as long to build again after a change, since all beneath it would be compiled to machine code beside bitcode and
/// the libraries linked each time; and they would go without link-time optimisation, which cargo does not do for a crate
/// of two kinds.
fn build_libraries(
    workspace: &Workspace,
    folder: &Path,
    flag: Option<&str>,
) -> anyhow::Result<Vec<PathBuf>> {
    let modules = folder.join("modules");
    std::fs::create_dir_all(&modules).with_context(|| format!("creating {}", modules.display()))?;
    let mut libraries = Vec::new();
    for member in workspace.modules() {
        let mut cargo = sh::cargo(["rustc", "--lib", "--crate-type", "cdylib", "-p"]);
        sh::run(cargo.arg(&member.name).args(flag))?;
        let file = library(&member.name);
        libraries.push(put(&folder.join(&file), &modules.join(&file))?);
    }
    Ok(libraries)
}

/// By way of another name: a program that has the old one loaded keeps it as it was.
fn put(from: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    let unfinished = to.with_extension("unfinished");
    std::fs::copy(from, &unfinished)
        .and_then(|_| std::fs::rename(&unfinished, to))
        .with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(to.to_owned())
}

/// What a dynamic build has left beside the program would stand in for the modules that are now in it. What others have
/// put there stays.
fn forget_libraries(workspace: &Workspace, modules: &Path) -> anyhow::Result<Vec<PathBuf>> {
    for member in workspace.modules() {
        let file = modules.join(library(&member.name));
        if file.exists() {
            std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        }
    }
    Ok(Vec::new())
}

/// One line per file.
fn table(made: &Made, root: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for file in std::iter::once(&made.program).chain(&made.libraries) {
        let size = file
            .metadata()
            .with_context(|| format!("looking at {}", file.display()))?
            .len();
        let name = file.strip_prefix(root).unwrap_or(file).display();
        writeln!(text, "{:>9.2} MiB  {name}", size as f64 / 1024.0 / 1024.0)
            .expect("a string takes all text");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(root: &Path) -> Workspace {
        let flow = Crate {
            name: "bmf-module-flow".to_owned(),
            folder: "modules/flow".to_owned(),
            ..Crate::default()
        };
        Workspace {
            root: root.to_owned(),
            target: root.join("target"),
            crates: vec![flow],
        }
    }

    #[test]
    fn a_static_build_forgets_its_own_libraries_only() {
        let folder = tempfile::tempdir().unwrap();
        let ours = folder.path().join(library("bmf-module-flow"));
        let theirs = folder.path().join(library("somebody"));
        std::fs::write(&theirs, "theirs").unwrap();
        put(&theirs, &ours).unwrap();
        assert_eq!(std::fs::read_to_string(&ours).unwrap(), "theirs");

        forget_libraries(&workspace(folder.path()), folder.path()).unwrap();
        assert!(!ours.exists() && theirs.exists());
        forget_libraries(&workspace(folder.path()), &folder.path().join("none")).unwrap();
    }

    #[test]
    fn a_dynamic_program_is_told_of() {
        let check = |program: &str| {
            note(
                Path::new(program),
                program.contains("debug"),
                Path::new("/src"),
            )
        };
        insta::assert_snapshot!(check("/src/target/release/bmf"), @"target/release/bmf has its modules in target/release/modules now; `cargo xtask build` makes one file of it again.");
        insta::assert_snapshot!(check("/a/debug/bmf"), @"/a/debug/bmf has its modules in /a/debug/modules now; `cargo xtask build --debug` makes one file of it again.");
    }

    #[test]
    fn a_static_program_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = workspace(folder.path());
        assert!(!is_whole(&workspace));
        let modules = folder.path().join("target/release/modules");
        std::fs::create_dir_all(&modules).unwrap();
        std::fs::write(workspace.bmf(), "program").unwrap();
        std::fs::write(modules.join("other"), "theirs").unwrap();
        assert!(is_whole(&workspace));
        std::fs::write(modules.join(library("bmf-module-flow")), "ours").unwrap();
        assert!(!is_whole(&workspace));
    }

    #[test]
    fn sizes_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("bmf");
        std::fs::write(&program, vec![0; 1024 * 1024 * 3 / 2]).unwrap();
        let made = Made {
            program,
            libraries: Vec::new(),
        };
        insta::assert_snapshot!(table(&made, folder.path()).unwrap(), @"     1.50 MiB  bmf");
    }
}
