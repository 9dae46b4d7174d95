//! Libraries that speak of the contract but do not keep to it, and one that does. What else they are
//! refused for is tested in `discovery`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[path = "discovery/kit.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod kit;

use bmf_modules::{Registry, SearchPath};
use kit::{Plugin, plugin};

/// What becomes of a library whose entry begins with this code.
fn check(code: &str, more: &'static str) -> String {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("libx.so");
    let plugin = Plugin {
        code: code.to_owned(),
        more,
        ..plugin(&["x"])
    };
    plugin.build(&path);
    let refused = Registry::new().examine(&path).unwrap_err();
    refused.reason.to_string()
}

/// An entry that returns a table of its own making.
fn check_table(table: &str, more: &'static str) -> String {
    check(
        &format!("static struct plugin other = {{ {table} }}; return &other;"),
        more,
    )
}

#[test]
fn tables_that_cannot_be() {
    insta::assert_snapshot!(check_table("0, 1", ""), @"does not fit this program: its table is damaged: it is too small; rebuild it with the current kit");
    insta::assert_snapshot!(check_table("sizeof(struct plugin) - 8, 1", ""), @"does not fit this program: its table is damaged: it is too small; rebuild it with the current kit");
    insta::assert_snapshot!(check_table("sizeof(struct plugin), 1, 0, {0, 0}, {0, 0}, {0, 0}, 0, 0, 1, 0", ""), @"does not fit this program: its table is damaged: it has modules that are not there; rebuild it with the current kit");
    const KIND: &str = "static const struct kind small = {24}; static const struct kind *const small_one[] = {&small};";
    insta::assert_snapshot!(check_table("sizeof(struct plugin), 1, 0, {0, 0}, {0, 0}, {0, 0}, 0, 0, 1, small_one", KIND), @"has module 0, which cannot be used: its table is of a wrong size");
}

/// As Rust plugins of another kit have them.
#[test]
fn other_layouts() {
    const LAYOUT: &str =
        "static long long layout[64]; static void *extension(struct text id) { return layout; }";
    let table = "sizeof(struct plugin), 1, 0, {0, 0}, {0, 0}, {0, 0}, 0, 0, 1, pointers, extension";
    insta::assert_snapshot!(check_table(table, LAYOUT), @"does not fit this program: it was built with other layouts of the plugin contract; rebuild it with the current kit");
}

#[test]
fn a_plugin_in_rust_fits() {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    // Cargo puts the libraries of dev-dependencies beside the programs of tests.
    let path = std::env::current_exe().unwrap();
    let path = path.with_file_name(format!("{DLL_PREFIX}bmf_fixture{DLL_SUFFIX}"));
    let info = Registry::new().examine(&path).unwrap();
    let plugin = &info.plugins[0];
    assert_eq!((plugin.name.as_str(), plugin.abi), ("bmf-fixture", (1, 0)));
    assert!(
        plugin.built_with.starts_with("rustc 1."),
        "{}",
        plugin.built_with
    );
    assert!(!plugin.panic_aborts);
    // Found, described and made by way of the search path as well.
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&path, place.path().join("libfixture.so")).unwrap();
    let registry = Registry::searching(SearchPath::new().with_directory(place.path()));
    let mut names = info.module_names();
    names.sort();
    assert_eq!(registry.names(), names);
}
