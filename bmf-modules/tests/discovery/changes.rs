//! Libraries that come, change and go while a program runs, and what is known of them afterwards.

use std::fs;
use std::path::Path;

use bmf_modules::Registry;

use super::kit::{Plugin, plugin};
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
    assert_eq!(fs::read_dir(place.path("cache")).unwrap().count(), 1);
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
