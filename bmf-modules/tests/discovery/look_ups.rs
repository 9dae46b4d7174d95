//! Names to modules: order, ranks, many threads.

use std::sync::{Arc, Barrier};
use std::thread;

use bmf_core::{Module, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue, Options};

use super::kit::{Plugin, plugin};
use super::{Place, runs};

/// A module of the program.
struct Linked(ModuleDescriptor);

impl ModuleFactory for Linked {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.0
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        Vec::new()
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        Err(ModuleError::new("only its description is tested"))
    }
}

fn linked(name: &str) -> Arc<dyn ModuleFactory> {
    Arc::new(Linked(ModuleDescriptor {
        name: name.to_owned(),
        version: "linked".to_owned(),
        ..ModuleDescriptor::default()
    }))
}

#[test]
fn the_highest_rank_wins_then_the_program_then_the_order() {
    let place = Place::new();
    plugin(&["edge", "blur", "copy"]).build(&place.path("a/liba.so"));
    plugin(&["edge", "blur"]).build(&place.path("b/libb.so"));
    plugin(&["edge"]).rank(5).build(&place.path("b/libc.so"));
    plugin(&["copy"]).rank(-1).build(&place.path("b/libd.so"));
    let registry = place.registry(&["a", "missing", "b"]);
    registry.add(linked("copy"));
    insta::assert_snapshot!(place.show(&registry), @"
    blur 1.0 /a/liba.so
    blur 1.0 /b/libb.so (overridden)
    copy linked linked in
    copy 1.0 /a/liba.so (overridden)
    copy 1.0 /b/libd.so (overridden)
    edge 1.0 /b/libc.so
    edge 1.0 /a/liba.so (overridden)
    edge 1.0 /b/libb.so (overridden)
    ");
    assert_eq!(registry.get("copy").unwrap().descriptor().version, "linked");
    assert_eq!(registry.get("edge").unwrap().descriptor().version, "1.0");
    registry.add(linked("edge"));
    insta::assert_snapshot!(registry.describe("edge").unwrap().origin.to_string().ends_with("b/libc.so"), @"true");
    assert_eq!(registry.names(), ["blur", "copy", "edge"]);
    assert_eq!(registry.nearest("blurr").as_deref(), Some("blur"));
}

#[test]
fn of_two_modules_of_one_name_in_a_library_the_first_is_used() {
    let place = Place::new();
    plugin(&["edge", "edge"]).build(&place.path("modules/liba.so"));
    let registry = place.registry(&["modules"]);
    insta::assert_snapshot!(place.show(&registry), @"
    edge 1.0 /modules/liba.so
    edge 1.0 /modules/liba.so (overridden)
    ");
    assert!(registry.get("edge").is_some());
}

#[test]
fn a_file_that_is_found_twice_counts_once() {
    let place = Place::new();
    plugin(&["edge"]).build(&place.path("a/liba.so"));
    std::os::unix::fs::symlink(place.path("a/liba.so"), place.path("b/libb.so")).unwrap();
    insta::assert_snapshot!(place.show(&place.registry(&["a", "b", "a"])), @"edge 1.0 /a/liba.so");
}

#[test]
fn verbs_are_asked_of_the_libraries_that_have_them() {
    let place = Place::new();
    let verbs = Plugin {
        modules: vec![r#"{"name": "edge", "verbs": ["find_edges"]}"#.to_owned()],
        ..plugin(&[])
    };
    verbs.build(&place.path("modules/liba.so"));
    let registry = place.registry(&["modules"]);
    assert_eq!(registry.verbs(), ["edge", "find_edges"]);
    // The fixture has no function for it.
    assert!(registry.shorthand("find_edges", &[]).is_none());
}

#[test]
fn many_threads_load_a_library_once() {
    let place = Place::new();
    let counter = place.path("counter");
    plugin(&["edge"])
        .counting(&counter)
        .build(&place.path("modules/liba.so"));
    let registries = [place.registry(&["modules"]), place.registry(&["modules"])];
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let registry = registries[thread % 2].clone();
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for _ in 0..20 {
                    assert_eq!(registry.get("edge").unwrap().descriptor().name, "edge");
                    assert!(registry.get("blur").is_none());
                    assert_eq!(registry.list().len(), 1);
                }
            });
        }
    });
    assert_eq!(runs(&counter), 1);
}

#[test]
fn several_plugins_in_one_file_are_all_there() {
    let place = Place::new();
    let two = Plugin {
        more: "const struct plugin *bmf_plugin_v1_fixture(const void *host);\n\
               const struct plugin *bmf_plugin_v1_another(const void *host) { return bmf_plugin_v1_fixture(host); }",
        ..plugin(&["edge"])
    };
    two.build(&place.path("modules/liba.so"));
    let info = place
        .registry(&[])
        .examine(&place.path("modules/liba.so"))
        .unwrap();
    assert_eq!(info.plugins.len(), 2);
}
