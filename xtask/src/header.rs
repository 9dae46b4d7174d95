//! `cargo xtask header`: writes `bmf.h`, the contract of plugins in C, out of the sources of bmf-abi. It knows the Rust
//! that the contract is written in (structs, tables of functions, constants) and refuses the rest. What C has beyond
//! that, inline functions and macros, is written by hand in `bmf.tail.h` and taken over as it is.

mod names;
mod text;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use syn::{Expr, Fields, ImplItem, Item, Lit, ReturnType, Type, UnOp};

use self::names::{Names, constant_name, scalar};
use self::text::{comment, docs, starred, wrapped};
use crate::workspace::Workspace;

/// The generated file, relative to the root.
pub(crate) const HEADER: &str = "bmf-abi/include/bmf.h";
const TAIL: &str = "bmf-abi/include/bmf.tail.h";
/// In an order in which what is used by value comes first.
const SOURCES: [&str; 7] = ["lib", "text", "object", "view", "module", "host", "plugin"];
const TOP: &str = "\
/*
 * bmf.h: the contract between bmf and its plugins, for C99 and C++14.
 *
 * Generated from the sources of bmf-abi by `cargo xtask header`: change those, or bmf.tail.h for
 * what follows the contract.
 *
";

const GUARD: &str = " */
#ifndef BMF_H
#define BMF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern \"C\" {
#endif

";

/// Writes the header, or with `check` only compares.
pub(crate) fn run(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    if is_current(&workspace.root)? {
        return Ok(());
    }
    if check {
        bail!("{HEADER} is not what bmf-abi says: run `cargo xtask header`");
    }
    let path = workspace.root.join(HEADER);
    std::fs::write(&path, generate(&workspace.root)?)
        .with_context(|| format!("writing {}", path.display()))
}

/// Whether the header is what would be generated now.
pub(crate) fn is_current(root: &Path) -> anyhow::Result<bool> {
    let there = std::fs::read_to_string(root.join(HEADER)).unwrap_or_default();
    Ok(there == generate(root)?)
}

fn generate(root: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    for name in SOURCES {
        let path = root.join(format!("bmf-abi/src/{name}.rs"));
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        let file = syn::parse_file(&text).with_context(|| format!("parsing {}", path.display()))?;
        files.push(file);
    }
    let tail =
        std::fs::read_to_string(root.join(TAIL)).with_context(|| format!("reading {TAIL}"))?;
    let mut out = render(&files)?;
    out.push_str(&tail);
    out.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    Ok(out)
}

/// The contract, without what is written by hand.
fn render(files: &[syn::File]) -> anyhow::Result<String> {
    let names = Names::collect(files)?;
    let mut out = TOP.to_owned();
    let crate_docs = files
        .first()
        .map(|file| docs(&file.attrs))
        .unwrap_or_default();
    let rules = crate_docs
        .split_once("# Rules\n")
        .map_or("", |(_, rules)| rules.trim());
    out.push_str(&starred(&names.prose(rules, None), ""));
    out.push_str(GUARD);
    let structs = files.iter().flat_map(|file| &file.items);
    for item in structs {
        if let Item::Struct(item) = item {
            let name = names.of_type(&item.ident)?;
            writeln!(out, "typedef struct {name} {name};")?;
        }
    }
    out.push('\n');
    for (index, file) in files.iter().enumerate() {
        let about = docs(&file.attrs);
        if index > 0 && !about.is_empty() {
            let about = names.prose(&about, None);
            write!(out, "/*\n{} */\n\n", starred(&about, ""))?;
        }
        for item in &file.items {
            render_item(&names, item, &mut out)?;
        }
    }
    Ok(out)
}

fn render_item(names: &Names, item: &Item, out: &mut String) -> anyhow::Result<()> {
    match item {
        Item::Const(item) => constant(names, None, &item.ident, &item.attrs, &item.expr, out),
        Item::Type(item) => {
            let name = names.of_type(&item.ident)?;
            out.push_str(&comment(&names.prose(&docs(&item.attrs), None), ""));
            let declared = declare(names, &item.ty, &name, false)?;
            writeln!(
                out,
                "typedef {};\n",
                wrapped(&declared, "", 1 + "typedef ".len())
            )?;
            Ok(())
        }
        Item::Struct(item) => render_struct(names, item, out),
        Item::Impl(block) if block.trait_.is_none() => {
            let Type::Path(owner) = &*block.self_ty else {
                bail!("an impl for something without a name");
            };
            let owner = owner.path.require_ident()?.to_string();
            for item in &block.items {
                if let ImplItem::Const(item) = item {
                    constant(
                        names,
                        Some(&owner),
                        &item.ident,
                        &item.attrs,
                        &item.expr,
                        out,
                    )?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn render_struct(names: &Names, item: &syn::ItemStruct, out: &mut String) -> anyhow::Result<()> {
    let owner = item.ident.to_string();
    let Fields::Named(fields) = &item.fields else {
        bail!("{owner} has fields without names");
    };
    out.push_str(&comment(&names.prose(&docs(&item.attrs), Some(&owner)), ""));
    let name = names.of_type(&item.ident)?;
    if is_opaque(item) {
        writeln!(out, "struct {name};\n")?;
        return Ok(());
    }
    writeln!(out, "struct {name} {{")?;
    for field in &fields.named {
        let ident = field.ident.as_ref().context("a field without a name")?;
        out.push_str(&comment(
            &names.prose(&docs(&field.attrs), Some(&owner)),
            "    ",
        ));
        let declared = declare(names, &field.ty, &ident.to_string(), false)
            .with_context(|| format!("{owner}::{ident}"))?;
        writeln!(out, "    {};", wrapped(&declared, "    ", 1))?;
    }
    out.push_str("};\n\n");
    Ok(())
}

fn is_opaque(item: &syn::ItemStruct) -> bool {
    item.fields
        .iter()
        .any(|field| field.ident.as_ref().is_some_and(|name| name == "_opaque"))
}

/// A constant that C can say; others, which are of a type of the contract, are left out.
fn constant(
    names: &Names,
    owner: Option<&str>,
    ident: &syn::Ident,
    attrs: &[syn::Attribute],
    expr: &Expr,
    out: &mut String,
) -> anyhow::Result<()> {
    let Some(value) = value(expr) else {
        return Ok(());
    };
    let name = constant_name(owner, &ident.to_string());
    out.push_str(&comment(&names.prose(&docs(attrs), owner), ""));
    writeln!(out, "#define {name} {value}\n")?;
    if name == "BMF_ENTRY_PREFIX" {
        let prefix = value.trim_matches('"');
        out.push_str("/** The name of the exported function of a library of that name. */\n");
        writeln!(out, "#define BMF_ENTRY(name) {prefix}##name\n")?;
    }
    Ok(())
}

/// The C declaration of `name` with this type.
fn declare(names: &Names, ty: &Type, name: &str, is_const: bool) -> anyhow::Result<String> {
    let qualifier = if is_const { "const " } else { "" };
    match ty {
        Type::Ptr(pointer) => {
            let name = format!("*{qualifier}{name}");
            declare(names, &pointer.elem, &name, pointer.const_token.is_some())
        }
        Type::Array(array) => {
            let len = value(&array.len).context("an array needs a literal as its length")?;
            declare(names, &array.elem, &format!("{name}[{len}]"), is_const)
        }
        Type::BareFn(function) => {
            let mut params = Vec::new();
            for input in &function.inputs {
                let param = input.name.as_ref().map(|(name, _)| name.to_string());
                params.push(declare(
                    names,
                    &input.ty,
                    &param.unwrap_or_default(),
                    false,
                )?);
            }
            let params = if params.is_empty() {
                "void".to_owned()
            } else {
                params.join(", ")
            };
            let name = format!("(*{qualifier}{name})({params})");
            match &function.output {
                ReturnType::Default => Ok(format!("void {name}")),
                ReturnType::Type(_, result) => declare(names, result, &name, false),
            }
        }
        Type::Path(path) => {
            let last = path.path.segments.last().context("an empty path")?;
            let inner = first_argument(&last.arguments);
            match (last.ident.to_string().as_str(), inner) {
                ("Option", Some(inner)) => declare(names, inner, name, is_const),
                ("AtomicPtr", Some(inner)) => declare(names, inner, &format!("*{name}"), false),
                (plain, None) => {
                    let base = match scalar(plain) {
                        Some(base) => base.to_owned(),
                        None => names.of_type(&last.ident)?,
                    };
                    Ok(format!("{qualifier}{base} {name}").trim_end().to_owned())
                }
                (other, Some(_)) => bail!("C has no {other}<…>"),
            }
        }
        _ => bail!("C has no such type"),
    }
}

fn first_argument(arguments: &syn::PathArguments) -> Option<&Type> {
    let syn::PathArguments::AngleBracketed(arguments) = arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn value(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => Some(int.base10_digits().to_owned()),
            Lit::Str(text) => Some(format!("\"{}\"", text.value())),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            value(&unary.expr).map(|value| format!("(-{value})"))
        }
        Expr::Path(path) => {
            let last: Vec<_> = path
                .path
                .segments
                .iter()
                .map(|part| part.ident.to_string())
                .collect();
            match last.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["i64", "MIN"] => Some("INT64_MIN".to_owned()),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a source, from the forward declarations on.
    fn check(source: &str) -> String {
        let rules = syn::parse_file("//! # Rules\n").unwrap();
        match render(&[rules, syn::parse_file(source).unwrap()]) {
            Ok(text) => text
                .split_once("extern \"C\" {\n#endif\n\n")
                .unwrap()
                .1
                .to_owned(),
            Err(error) => format!("error: {error:#}"),
        }
    }

    #[test]
    fn structs_and_links() {
        insta::assert_snapshot!(check(
            r#"
            /// No time.
            pub const NONE: i64 = i64::MIN;
            /// Only the host knows [`TaskApi`](crate::TaskApi).
            pub struct Task { _opaque: [u8; 0] }
            /// For a [`Task`].
            #[repr(C)]
            pub struct TaskApi {
                /// **Count**, or [`NONE`](crate::NONE), or `i64::MAX`, or [`BIG`](Self::BIG), of `size`.
                pub count: AtomicUsize,
                pub next: AtomicPtr<Task>,
                pub planes: [u8; 4],
                pub tables: *const *const Task,
                /// Null: none.
                pub pop: Option<unsafe extern "C" fn(*mut Task, port: usize, out: *mut i32) -> bool>,
                pub log_level_of_what_is_asked_for: unsafe extern "C" fn(first_of_two: *const c_void, second_of_two: *const c_char),
            }
            impl TaskApi {
                /// Much.
                pub const BIG: u32 = 2;
                pub const TEXT: Str = Str::new();
            }
            pub type Entry = unsafe extern "C" fn() -> *const TaskApi;
            "#
        ), @"
        typedef struct bmf_task bmf_task;
        typedef struct bmf_task_api bmf_task_api;

        /** No time. */
        #define BMF_NONE INT64_MIN

        /** Only the host knows bmf_task_api. */
        struct bmf_task;

        /** For a bmf_task. */
        struct bmf_task_api {
            /** Count, or BMF_NONE, or INT64_MAX, or BMF_TASK_API_BIG, of `size`. */
            size_t count;
            bmf_task *next;
            uint8_t planes[4];
            const bmf_task *const *tables;
            /** Null: none. */
            bool (*pop)(bmf_task *, size_t port, int32_t *out);
            void (*log_level_of_what_is_asked_for)(const void *first_of_two, const char *second_of_two);
        };

        /** Much. */
        #define BMF_TASK_API_BIG 2

        typedef const bmf_task_api *(*bmf_entry)(void);
        ");
    }

    #[test]
    fn what_c_cannot_say_is_an_error() {
        insta::assert_snapshot!(check("pub enum Flow { Wait }"), @"error: the contract is of structs, functions and constants only");
        insta::assert_snapshot!(check("pub struct A { pub b: Vec<u8> }"), @"error: A::b: C has no Vec<…>");
        insta::assert_snapshot!(check("pub struct A { pub b: Elsewhere }"), @"error: A::b: C has no name for Elsewhere");
        insta::assert_snapshot!(check("pub struct A(u8);"), @"error: A has fields without names");
    }

    #[test]
    fn names() {
        let names = [
            constant_name(None, "OK"),
            constant_name(Some("VideoView"), "KIND"),
            constant_name(Some("VideoView"), "INTERLACED"),
            constant_name(Some("ModuleVtable"), "WAIT"),
            constant_name(Some("Plugin"), "PANIC_ABORTS"),
        ];
        insta::assert_snapshot!(names.join(" "), @"BMF_OK BMF_VIEW_VIDEO BMF_VIDEO_INTERLACED BMF_FLOW_WAIT BMF_PLUGIN_PANIC_ABORTS");
    }
}
