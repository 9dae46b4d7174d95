//! Which crate may depend on which. The table is the architecture; an edge that is not in it needs a reason and a row
//! here, never a workaround.

use std::collections::BTreeMap;

use super::Finding;
use crate::workspace::Crate;

/// Each crate, or folder of crates with a final slash, with what it may depend on. What only tests use is not listed.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("bmf-abi", &[]),
    ("bmf-hmp", &["bmf-abi"]),
    ("bmf-scheduler", &[]),
    ("bmf-core", &["bmf-hmp"]),
    ("bmf-streams", &["bmf-core", "bmf-hmp"]),
    ("bmf-bridge", &["bmf-core", "bmf-hmp", "bmf-abi"]),
    ("bmf-sdk-macros", &[]),
    (
        "bmf-sdk",
        &["bmf-core", "bmf-hmp", "bmf-bridge", "bmf-sdk-macros"],
    ),
    ("bmf-modules", &["bmf-core", "bmf-abi", "bmf-bridge"]),
    ("bmf-ffmpeg", &["bmf-hmp"]),
    (
        "bmf-engine",
        &[
            "bmf-core",
            "bmf-hmp",
            "bmf-streams",
            "bmf-scheduler",
            "bmf-modules",
        ],
    ),
    ("bmf-fixture", &["bmf-sdk"]),
    ("modules/", &["bmf-sdk", "bmf-ffmpeg"]),
    (
        "bmf-cli",
        &["bmf-engine", "bmf-core", "bmf-modules", "modules/"],
    ),
    ("bindings/", &["bmf-engine", "bmf-sdk"]),
    ("xtask", &[]),
];

/// Crates whose tests look up: what a macro expands to names the crate that exports it.
const MAY_TEST_WITH: &[(&str, &str)] = &[("bmf-sdk-macros", "bmf-sdk")];

/// Compares the workspace with the table.
pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    crates
        .iter()
        .flat_map(|member| check_crate(member, crates))
        .collect()
}

fn check_crate(member: &Crate, crates: &[Crate]) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let Some((_, allowed)) = MAY_DEPEND_ON
        .iter()
        .find(|(row, _)| stands_for(row, member))
    else {
        return vec![Finding::whole(
            &manifest,
            "this crate has no row in xtask/src/tidy/dag.rs",
        )];
    };
    let mut findings = Vec::new();
    for dependency in &member.dependencies {
        let Some(target) = crates.iter().find(|target| target.name == dependency.name) else {
            continue; // A path outside the workspace cannot be one of ours.
        };
        if dependency.dev {
            let is_known = MAY_TEST_WITH.contains(&(&member.name, &target.name));
            if !is_known && reaches(target, &member.name, crates) {
                let message = format!(
                    "a dev-dependency on {}, which is built on {}",
                    target.name, member.name
                );
                findings.push(Finding::whole(&manifest, message));
            }
        } else if !allowed.iter().any(|row| stands_for(row, target)) {
            let message = format!("{} may not depend on {}", member.name, target.name);
            findings.push(Finding::whole(&manifest, message));
        }
    }
    findings
}

fn stands_for(row: &str, member: &Crate) -> bool {
    if row.ends_with('/') {
        member.folder.starts_with(row)
    } else {
        member.name == row
    }
}

/// Whether `from` depends on `name`, directly or not, in what is built for a user. Cargo refuses cycles of these, so
/// the walk ends.
fn reaches(from: &Crate, name: &str, crates: &[Crate]) -> bool {
    let by_name: BTreeMap<_, _> = crates
        .iter()
        .map(|member| (member.name.as_str(), member))
        .collect();
    let mut open = vec![from];
    while let Some(member) = open.pop() {
        for dependency in member
            .dependencies
            .iter()
            .filter(|dependency| !dependency.dev)
        {
            if dependency.name == name {
                return true;
            }
            open.extend(by_name.get(dependency.name.as_str()));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::render;
    use crate::workspace::Dependency;

    /// Crates as lines `folder: dependency ~dev-dependency`; a module's name is its folder's last part.
    fn check(lines: &str) -> String {
        let crates: Vec<_> = lines.lines().map(parse).collect();
        render(&super::check(&crates))
    }

    fn parse(line: &str) -> Crate {
        let (folder, dependencies) = line.trim().split_once(':').unwrap();
        let name = folder.rsplit('/').next().unwrap().to_owned();
        let dependencies = dependencies.split_whitespace().map(|word| Dependency {
            name: word.trim_start_matches('~').to_owned(),
            dev: word.starts_with('~'),
        });
        Crate {
            name,
            folder: folder.to_owned(),
            description: None,
            dependencies: dependencies.collect(),
        }
    }

    #[test]
    fn the_architecture_passes() {
        insta::assert_snapshot!(check(
            "bmf-hmp:
             bmf-core: bmf-hmp
             bmf-scheduler: ~bmf-hmp
             bmf-sdk: bmf-core bmf-hmp
             modules/basic: bmf-sdk
             bmf-cli: basic"
        ), @"");
    }

    #[test]
    fn edges_that_are_not_in_it() {
        insta::assert_snapshot!(check(
            "bmf-hmp: bmf-core
             bmf-core:
             bmf-scheduler: bmf-hmp
             modules/basic: bmf-core
             bmf-extra:"
        ), @r"
        bmf-hmp/Cargo.toml: bmf-hmp may not depend on bmf-core
        bmf-scheduler/Cargo.toml: bmf-scheduler may not depend on bmf-hmp
        modules/basic/Cargo.toml: basic may not depend on bmf-core
        bmf-extra/Cargo.toml: this crate has no row in xtask/src/tidy/dag.rs
        ");
    }

    #[test]
    fn tests_may_look_down_or_aside_but_not_up() {
        insta::assert_snapshot!(check(
            "bmf-hmp: ~bmf-sdk
             bmf-core: bmf-hmp
             bmf-sdk: bmf-core
             bmf-scheduler: ~bmf-sdk"
        ), @"bmf-hmp/Cargo.toml: a dev-dependency on bmf-sdk, which is built on bmf-hmp");
    }
}
