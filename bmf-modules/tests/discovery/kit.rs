//! Plugins for tests: a few lines of C, compiled into a folder of the test. They know the contract by
//! its layout alone, and their modules cannot be made. Shared with the tests of `bmf-cli`.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What a plugin is like.
#[derive(Clone)]
pub(crate) struct Plugin<'a> {
    /// The exported function.
    pub(crate) entry: &'a str,
    pub(crate) version: u32,
    pub(crate) rank: i32,
    /// The descriptor of each module, as JSON.
    pub(crate) modules: Vec<String>,
    /// What the entry does first.
    pub(crate) code: String,
    /// Further C, outside of functions.
    pub(crate) more: &'a str,
    /// Further arguments for the compiler.
    pub(crate) flags: &'a [&'a str],
}

/// A plugin with modules of these names.
pub(crate) fn plugin(names: &[&str]) -> Plugin<'static> {
    let describe =
        |name: &&str| format!(r#"{{"name": "{name}", "version": "1.0", "summary": "A {name}"}}"#);
    Plugin {
        entry: "bmf_plugin_v1_fixture",
        version: 1,
        rank: 0,
        modules: names.iter().map(describe).collect(),
        code: String::new(),
        more: "",
        flags: &[],
    }
}

impl Plugin<'_> {
    pub(crate) fn rank(mut self, rank: i32) -> Self {
        self.rank = rank;
        self
    }

    /// Adds a letter to this file whenever the library's code runs for the first time.
    pub(crate) fn counting(mut self, file: &Path) -> Self {
        let path = file.to_str().unwrap();
        self.code += &format!("FILE *f = fopen(\"{path}\", \"a\"); fputc('x', f); fclose(f);");
        self
    }

    pub(crate) fn build(&self, path: &Path) {
        compile(&self.source(), path, self.flags);
    }

    fn source(&self) -> String {
        let quote = |text: &String| text.replace('\\', "\\\\").replace('"', "\\\"");
        let texts: String = self
            .modules
            .iter()
            .map(|text| format!("\"{}\", ", quote(text)))
            .collect();
        let count = self.modules.len();
        let kinds: String = (0..count)
            .map(|index| {
                format!("{{sizeof(struct kind), texts + {index}, describe, 0, create, 0, 0, 0}}, ")
            })
            .collect();
        let pointers: String = (0..count)
            .map(|index| format!("kinds + {index}, "))
            .collect();
        let Self {
            entry,
            version,
            rank,
            code,
            more,
            ..
        } = self;
        format!(
            r#"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct text {{ const char *ptr; size_t len; }};
struct sink {{ void *target; void (*write)(void *target, struct text text); }};
struct kind {{ size_t size; const void *data; void (*describe)(const void *, const struct sink *); void *check;
  int32_t (*create)(void); void *sharing, *shorthand, *extension; }};
struct plugin {{ size_t size; uint32_t major, minor; struct text name, version, built_with; uint32_t flags; int32_t rank;
  size_t count; const struct kind *const *kinds; void *extension; }};
static const char *texts[] = {{ {texts} 0 }};
static void describe(const void *data, const struct sink *out) {{
  const char *text = *(const char *const *)data;
  struct text t = {{text, strlen(text)}};
  out->write(out->target, t);
}}
static int32_t create(void) {{ return -1; }}
static const struct kind kinds[] = {{ {kinds} {{0}} }};
static const struct kind *const pointers[] = {{ {pointers} 0 }};
{more}
const struct plugin *{entry}(const void *host) {{
  {code}
  static struct plugin plugin = {{ sizeof(struct plugin), {version}, 0, {{"fixture", 7}}, {{"1.0", 3}}, {{"cc", 2}}, 0, {rank},
    {count}, pointers, 0 }};
  return &plugin;
}}
"#
        )
    }
}

/// Compiles C into a shared library.
pub(crate) fn compile(source: &str, path: &Path, flags: &[&str]) {
    let text = path.with_extension("c");
    fs::write(&text, source).unwrap();
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O0", "-o"])
        .arg(path)
        .arg(&text)
        .args(flags)
        .status();
    let status = status.expect("these tests compile C: a C compiler called cc must be installed");
    assert!(status.success(), "cc could not compile a fixture");
    fs::remove_file(text).unwrap();
}
