//! `cargo xtask new-module`: a crate that builds, is tested and runs in a graph as it is, copied from `templates/` with
//! its names changed. It never writes over anything.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::args::NewModuleArgs;
use crate::sh;
use crate::tidy;
use crate::workspace::{Workspace, library};

/// A crate of its own, outside the workspace.
const OUTSIDE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        include_str!("../../templates/module/Cargo.toml"),
    ),
    (
        "README.md",
        include_str!("../../templates/module/README.md"),
    ),
    (
        ".gitignore",
        include_str!("../../templates/module/.gitignore"),
    ),
    ("src/lib.rs", LIB),
];

/// A member of the workspace.
const INSIDE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        include_str!("../../templates/module-in-workspace/Cargo.toml"),
    ),
    (
        "README.md",
        include_str!("../../templates/module-in-workspace/README.md"),
    ),
    ("src/lib.rs", LIB),
];

const LIB: &str = include_str!("../../templates/module/src/lib.rs");

/// How the outside template names the kit: itself a crate that builds, two folders below the root.
const KIT: &str = r#""../../bmf-sdk""#;

/// Makes the crate and tells what to do with it.
pub(crate) fn run(workspace: &Workspace, args: &NewModuleArgs) -> anyhow::Result<()> {
    let made = create(workspace, args)?;
    let taken_by = taken_by(&workspace.bmf(), &made.names.module);
    println!("{}", how_to_go_on(workspace, &made, taken_by.as_deref()));
    Ok(())
}

/// What was made.
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
    pub(crate) names: Names,
    inside: bool,
}

/// Makes the crate.
pub(crate) fn create(workspace: &Workspace, args: &NewModuleArgs) -> anyhow::Result<Made> {
    let modules = workspace.root.join("modules");
    let parent = match &args.path {
        None => modules.clone(),
        Some(path) => std::path::absolute(path)?,
    };
    let inside = parent.canonicalize().ok() == modules.canonicalize().ok();
    let names = Names::new(&args.name, inside)?;
    refuse_known(workspace, &names)?;

    let folder = parent.join(&args.name);
    if folder.exists() {
        bail!("{} is there already; nothing was changed", folder.display());
    }
    let files = if inside { INSIDE } else { OUTSIDE };
    for (file, text) in files {
        let text = names.put_into(text, &workspace.root);
        write(&folder.join(file), &text)?;
    }
    if !inside {
        // The versions of other people's crates that bmf is tested with.
        std::fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))
            .context("copying Cargo.lock")?;
    }
    let folder = folder
        .canonicalize()
        .with_context(|| format!("looking at {}", folder.display()))?;
    Ok(Made {
        folder,
        names,
        inside,
    })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .with_context(|| format!("writing {}", path.display()))
}

/// What the new crate and the things in it are called.
pub(crate) struct Names {
    package: String,
    /// In graphs.
    pub(crate) module: String,
    rust_type: String,
}

impl Names {
    fn new(name: &str, inside: bool) -> anyhow::Result<Self> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(allowed) {
            bail!(
                "'{name}' cannot be a module's name: it must begin with a lower-case letter and have only those, \
                 digits, '-' and '_', as in edge-detect"
            );
        }
        let module = name.replace('-', "_");
        if RESERVED.split(' ').any(|word| word == module) {
            bail!("'{name}' means something to Rust, cargo or bmf: choose another name");
        }
        let package = if inside {
            format!("bmf-module-{name}")
        } else {
            name.to_owned()
        };
        Ok(Self {
            package,
            rust_type: camel_case(name),
            module,
        })
    }

    /// The file name of the library.
    pub(crate) fn library(&self) -> String {
        library(&self.package)
    }

    /// `text` of a template with these names in it. The library's comes first, since the module's is a part of it.
    fn put_into(&self, text: &str, root: &Path) -> String {
        let kit = root.join("bmf-sdk").display().to_string();
        text.replace(KIT, &format!("{kit:?}"))
            .replace("libmy_module.so", &self.library())
            .replace("my-package", &self.package)
            .replace("my-module", &self.package)
            .replace("my_module", &self.module)
            .replace("MyModule", &self.rust_type)
    }
}

/// Rust's words, crates that every crate sees, folders that cargo makes, and what the template uses.
const RESERVED: &str = "\
    abstract alloc as async await become bmf_sdk box break build const continue core crate deps do \
    dyn else enum examples extern false final fn for gen if impl in incremental let loop macro \
    match mod move mut override priv proc_macro pub ref return self static std struct super test \
    trait true try type typeof unsafe unsized use virtual where while yield bound counters \
    description ending flow module module_context module_error module_runner module_type option \
    option_issue options output_file packet payload pixel_format port_kind port_spec ports promise \
    report result sharing shorthand shorthand_arg string task task_output timestamp value vec \
    video_frame";

fn camel_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split(['-', '_'])
        .filter(|word| !word.is_empty())
        .map(capital)
        .collect()
}

/// Two modules of one name: graphs would get the one that comes with bmf.
fn refuse_known(workspace: &Workspace, names: &Names) -> anyhow::Result<()> {
    let description = format!("Description::new(\"{}\"", names.module);
    for path in tidy::files::list(&workspace.root)? {
        if path.starts_with("modules/")
            && path.ends_with(".rs")
            && std::fs::read_to_string(workspace.root.join(&path))
                .is_ok_and(|text| text.contains(&description))
        {
            bail!(
                "there is a module '{}' in {path}: choose another name",
                names.module
            );
        }
    }
    Ok(())
}

/// The module that answers to `name` in one-line graphs, as `c_ffmpeg_filter` does for each filter of FFmpeg. Nobody is
/// known to where there is no program yet to ask.
fn taken_by(bmf: &Path, name: &str) -> Option<String> {
    let listed = sh::output(Command::new(bmf).args(["inspect", "--json"]))?;
    who_answers(&serde_json::from_str(&listed).ok()?, name)
}

fn who_answers(listed: &Value, name: &str) -> Option<String> {
    let answers = |module: &&Value| {
        let verbs = module["verbs"].as_array();
        verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == name))
    };
    let module = listed.as_array()?.iter().find(answers)?;
    Some(module["name"].as_str()?.to_owned())
}

/// Where cargo puts what the new crate is built into: `target`, or what the environment or a configuration says.
fn target(folder: &Path) -> PathBuf {
    let mut cargo = sh::cargo(["metadata", "--no-deps", "--format-version=1"]);
    let said = sh::output(cargo.current_dir(folder));
    let said = said.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let target = said.as_ref().and_then(|it| it["target_directory"].as_str());
    let target = Path::new(target.unwrap_or("target"));
    target.strip_prefix(folder).unwrap_or(target).to_owned()
}

fn how_to_go_on(workspace: &Workspace, made: &Made, taken_by: Option<&str>) -> String {
    let Made { folder, names, .. } = made;
    let Names {
        package, module, ..
    } = names;
    let bmf = sh::quoted(workspace.bmf().as_os_str());
    let (run, note) = match taken_by {
        None => (
            format!("{bmf} run 'test_source duration=2 ! {module} level=60 ! encode out.mp4'"),
            String::new(),
        ),
        Some(other) => (
            format!("{bmf} inspect {module}"),
            format!(
                "\nnote: in a one-line graph '{module}' means what {other} makes of it; yours is used where a graph \
                 file says module = \"{module}\". Choose another name to have both."
            ),
        ),
    };
    if made.inside {
        return format!(
            "\
made modules/{}. To go on:
  cargo test -p {package}
  cargo xtask build --dynamic
  {run}
`cargo xtask build --static` leaves it out until bmf-cli/Cargo.toml has it in its feature \"static\".{note}",
            folder.file_name().unwrap_or_default().display(),
        );
    }
    let build = match workspace.bmf().exists() {
        true => "",
        false => "  cargo xtask build\n",
    };
    let library = target(folder).join("release").join(names.library());
    format!(
        "\
made {folder}. To go on:
{build}  cd {cd}
  cargo test && cargo build --release
  {bmf} modules install {library}
  {run}{note}",
        folder = folder.display(),
        cd = sh::quoted(folder.as_os_str()),
        library = sh::quoted(library.as_os_str()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, inside: bool) -> String {
        match Names::new(name, inside) {
            Ok(names) => format!("{} {} {}", names.package, names.module, names.rust_type),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn names() {
        insta::assert_snapshot!(check("sharpen", false), @"sharpen sharpen Sharpen");
        insta::assert_snapshot!(check("edge-detect_2", true), @"bmf-module-edge-detect_2 edge_detect_2 EdgeDetect2");
        for name in ["", "2d", "Sharpen", "a b", "é", "../a", "-a"] {
            assert!(
                check(name, false).contains("cannot be a module's name"),
                "{name}"
            );
        }
        insta::assert_snapshot!(check("Sharpen", false), @"'Sharpen' cannot be a module's name: it must begin with a lower-case letter and have only those, digits, '-' and '_', as in edge-detect");
        insta::assert_snapshot!(check("match", false), @"'match' means something to Rust, cargo or bmf: choose another name");
        insta::assert_snapshot!(check("video-frame", false), @"'video-frame' means something to Rust, cargo or bmf: choose another name");
        insta::assert_snapshot!(check("bmf-sdk", false), @"'bmf-sdk' means something to Rust, cargo or bmf: choose another name");
    }

    #[test]
    fn no_name_of_the_template_is_left() {
        for (inside, files) in [(true, INSIDE), (false, OUTSIDE)] {
            let names = Names::new("edge-detect", inside).unwrap();
            for (file, text) in files {
                let text = names.put_into(text, Path::new("/bmf"));
                for left in ["my_module", "my-module", "my-package", "MyModule", "../"] {
                    assert!(!text.contains(left), "{file} has {left}");
                }
            }
        }
    }

    #[test]
    fn who_answers_to_a_name_in_a_line() {
        let listed = serde_json::json!([
            { "name": "null_sink" },
            { "name": "c_ffmpeg_filter", "verbs": ["crop", "scale"] },
        ]);
        assert_eq!(
            who_answers(&listed, "scale").as_deref(),
            Some("c_ffmpeg_filter")
        );
        assert_eq!(who_answers(&listed, "null_sink"), None);
        assert_eq!(taken_by(Path::new("/there/is/no/bmf"), "scale"), None);
    }

    #[test]
    fn the_commands_can_be_typed() {
        let workspace = Workspace {
            root: "/src/bmf".into(),
            target: "/a b".into(),
            crates: Vec::new(),
        };
        let mut made = Made {
            folder: "/there/is/none/scale".into(),
            names: Names::new("scale", false).unwrap(),
            inside: false,
        };
        insta::assert_snapshot!(how_to_go_on(&workspace, &made, None), @r"
        made /there/is/none/scale. To go on:
          cargo xtask build
          cd /there/is/none/scale
          cargo test && cargo build --release
          '/a b/release/bmf' modules install target/release/libscale.so
          '/a b/release/bmf' run 'test_source duration=2 ! scale level=60 ! encode out.mp4'
        ");
        made.inside = true;
        insta::assert_snapshot!(how_to_go_on(&workspace, &made, Some("c_ffmpeg_filter")), @r#"
        made modules/scale. To go on:
          cargo test -p scale
          cargo xtask build --dynamic
          '/a b/release/bmf' inspect scale
        `cargo xtask build --static` leaves it out until bmf-cli/Cargo.toml has it in its feature "static".
        note: in a one-line graph 'scale' means what c_ffmpeg_filter makes of it; yours is used where a graph file says module = "scale". Choose another name to have both.
        "#);
    }

    fn made(workspace: &Workspace, name: &str, path: Option<&Path>) -> Result<PathBuf, String> {
        let args = NewModuleArgs {
            name: name.to_owned(),
            path: path.map(Path::to_owned),
        };
        let made = create(workspace, &args);
        made.map(|made| made.folder)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_written_over() {
        let workspace = Workspace::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = Some(folder.path());
        let crate_folder = made(&workspace, "edge-detect", path).unwrap();
        assert!(crate_folder.join("Cargo.lock").is_file());
        let manifest = std::fs::read_to_string(crate_folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"edge-detect\""), "{manifest}");

        let again = made(&workspace, "edge-detect", path).unwrap_err();
        assert!(
            again.ends_with("edge-detect is there already; nothing was changed"),
            "{again}"
        );
        insta::assert_snapshot!(made(&workspace, "flow-limiter", path).unwrap_err(), @"there is a module 'flow_limiter' in modules/flow/src/flow_limiter.rs: choose another name");
        assert!(made(&workspace, "flow", None).is_err());
    }
}
