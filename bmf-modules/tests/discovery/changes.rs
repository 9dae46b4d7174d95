//! Libraries that come, change and go while a program runs, and what is known of them afterwards.

use std::fs;
use std::path::Path;
use std::thread;

use bmf_modules::Registry;

use super::kit::{Plugin, compile, plugin};
use super::{Place, runs};

fn version(registry: &Registry, name: &str) -> Option<String> {
    let module = registry.get(name)?;
    Some(module.descriptor().version.clone())
}

fn build(version: &str, path: &Path) {
    let descriptor = format!(r#"{{"name": "edge", "version": "{version}"}}"#);
    let plugin = Plugin {
        modules: vec![descriptor],
        ..plugin(&[])
    };
    plugin.build(path);
}

#[test]
fn a_library_that_is_dropped_in_is_found() {
    let place = Place::new();
    let registry = place.registry(&["modules"]);
    assert!(registry.get("edge").is_none());
    build("1", &place.path("modules/liba.so"));
    assert_eq!(version(&registry, "edge").as_deref(), Some("1"));
    fs::remove_file(place.path("modules/liba.so")).unwrap();
    assert!(registry.get("edge").is_none());
}

#[test]
fn a_newer_build_is_used_beside_the_old_one() {
    let place = Place::new();
    let library = place.path("modules/liba.so");
    build("1", &library);
    let registry = place.registry(&["modules"]);
    let old = registry.get("edge").unwrap();
    // As installers do it: by renaming.
    for newer in ["2", "3", "4"] {
        build(newer, &place.path("new/liba.so"));
        fs::rename(place.path("new/liba.so"), &library).unwrap();
        assert_eq!(version(&registry, "edge").as_deref(), Some(newer));
        let named = registry.find_in(&library, &["edge"]).unwrap();
        assert_eq!(named.descriptor().version, newer);
    }
    assert_eq!(old.descriptor().version, "1");
    let options = bmf_core::Options::default();
    assert!(old.create(&options).is_err(), "code of the old build runs");
}

#[test]
fn a_library_that_is_still_being_copied_is_refused_until_it_is_there() {
    let place = Place::new();
    let library = place.path("modules/liba.so");
    build("1", &place.path("liba.so"));
    let image = fs::read(place.path("liba.so")).unwrap();
    let registry = place.registry(&["modules"]);
    for part in [0, 10, image.len() / 2, image.len() - 1] {
        fs::write(&library, &image[..part]).unwrap();
        assert!(registry.get("edge").is_none());
        assert_eq!(registry.refused().len(), 1);
    }
    fs::write(&library, &image).unwrap();
    assert_eq!(version(&registry, "edge").as_deref(), Some("1"));
    assert!(registry.refused().is_empty());
}

#[test]
fn where_the_winner_cannot_be_loaded_any_more_the_next_one_is_used() {
    let place = Place::new();
    let winner = place.path("a/liba.so");
    plugin(&["edge"]).build(&winner);
    build("2", &place.path("b/libb.so"));
    let registry = place.registry(&["a", "b"]);
    assert_eq!(registry.list().len(), 2);
    // Never over a library that is in use: the system would end this program at its next step in it.
    fs::remove_file(&winner).unwrap();
    fs::write(&winner, "nonsense").unwrap();
    assert_eq!(version(&registry, "edge").as_deref(), Some("2"));
    insta::assert_snapshot!(place.show(&registry), @"
    edge 2 /b/libb.so
    /a/liba.so is not a library, whatever its name says; take it away
    ");
}

#[test]
fn a_list_looks_at_each_library_once() {
    let place = Place::new();
    let counter = place.path("counter");
    plugin(&["edge"])
        .counting(&counter)
        .build(&place.path("modules/liba.so"));
    for _ in 0..3 {
        let registry = place.registry(&["modules"]);
        assert_eq!(registry.list().len(), 1);
        assert_eq!(registry.refused(), []);
    }
    assert_eq!(runs(&counter), 1);
    let kept = fs::read_to_string(place.path("cache/modules.json")).unwrap();
    assert!(kept.contains("liba.so") && kept.contains("edge"));
    // No mark is left of the loading.
    let left = fs::read_dir(place.path("cache")).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["modules.json", "modules.json.lock"]);
}

#[test]
fn a_cache_that_cannot_be_used_is_done_without() {
    let place = Place::new();
    plugin(&["edge"]).build(&place.path("modules/liba.so"));
    let cache = place.path("cache/modules.json");
    for damage in ["", "{", "[1, 2]", r#"{"version": "0", "libraries": {}}"#] {
        fs::write(&cache, damage).unwrap();
        assert_eq!(place.registry(&["modules"]).names(), ["edge"]);
    }
    fs::remove_file(&cache).unwrap();
    fs::create_dir(&cache).unwrap();
    assert_eq!(place.registry(&["modules"]).names(), ["edge"]);
}

/// A library, and another one of its build's own that it needs, which lies beside it.
#[cfg(target_os = "linux")]
fn build_with_needed(version: &str, path: &Path) {
    let name = format!("libneeded{version}");
    let needed = path.with_file_name(&name);
    let soname = format!("-Wl,-soname,{name}");
    compile("void needed(void) {}", &needed, &[&soname]);
    let needs = Plugin {
        modules: vec![format!(r#"{{"name": "edge", "version": "{version}"}}"#)],
        more: "void needed(void);",
        code: "needed();".to_owned(),
        flags: &[&needed.display().to_string(), "-Wl,-rpath,$ORIGIN"],
        ..plugin(&[])
    };
    needs.build(path);
}

#[test]
#[cfg(target_os = "linux")]
fn a_newer_build_finds_what_lies_beside_it() {
    let place = Place::new();
    let registry = place.registry(&["modules"]);
    for (build, needed) in [("1", "libneeded1"), ("2", "libneeded2")] {
        build_with_needed(build, &place.path("new/liba.so"));
        for file in [needed, "liba.so"] {
            let [new, library] =
                ["new", "modules"].map(|folder| place.path(&format!("{folder}/{file}")));
            fs::rename(new, library).unwrap();
        }
        assert_eq!(version(&registry, "edge").as_deref(), Some(build));
    }
    // No copy is left.
    let left = fs::read_dir(place.path("modules")).unwrap();
    assert_eq!(left.count(), 3);
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_is_tried_again_when_what_it_needs_is_there() {
    let place = Place::new();
    let library = place.path("modules/liba.so");
    build_with_needed("1", &library);
    let (needed, away) = (place.path("modules/libneeded1"), place.path("away"));
    let registry = place.registry(&["modules"]);
    fs::rename(&needed, &away).unwrap();
    assert!(registry.get("edge").is_none());
    assert_eq!(registry.refused().len(), 1);
    fs::rename(&away, &needed).unwrap();
    assert_eq!(version(&registry, "edge").as_deref(), Some("1"));
    assert!(registry.refused().is_empty());
}

#[test]
fn what_was_not_read_is_not_used() {
    let place = Place::new();
    let (library, other) = (place.path("modules/liba.so"), place.path("new/liba.so"));
    build("2", &other);
    // As if it were replaced between the look at it and its loading.
    let (from, to) = (other.display(), library.display());
    let swap = format!(
        r#"__attribute__((constructor)) static void swap(void) {{ rename("{from}", "{to}"); }}"#
    );
    let swapped = Plugin {
        more: &swap,
        ..plugin(&["edge"])
    };
    swapped.build(&library);
    let registry = place.registry(&["modules"]);
    let refused = registry.examine(&library).unwrap_err();
    insta::assert_snapshot!(place.redact(&refused.to_string()), @"/modules/liba.so changed while it was read; try again when it is complete");
    assert_eq!(version(&registry, "edge").as_deref(), Some("2"));
}

#[test]
fn nobody_waits_for_a_library_that_is_being_loaded() {
    let place = Place::new();
    let (started, go) = (place.path("started"), place.path("go"));
    let slow = Plugin {
        code: format!(
            r#"fclose(fopen("{}", "w")); while (access("{}", F_OK)) usleep(1000);"#,
            started.display(),
            go.display()
        ),
        more: "#include <unistd.h>",
        ..plugin(&["edge"])
    };
    slow.build(&place.path("modules/liba.so"));
    let registry = place.registry(&["modules"]);
    thread::scope(|scope| {
        let listing = scope.spawn(|| registry.list().len());
        while !started.exists() {
            thread::yield_now();
        }
        // This asks for the lock, and would never come back.
        assert!(format!("{registry:?}").contains("modules"));
        fs::write(&go, "").unwrap();
        assert_eq!(listing.join().unwrap(), 1);
    });
}
