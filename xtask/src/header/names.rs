//! What the types and constants of the contract are called in C, in code and in documentation.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use syn::{ImplItem, Item, Type};

/// Associated constants whose C names say more than the name of their type does: type, constant (`*`: all), prefix or
/// whole name.
const CONSTANTS: &[(&str, &str, &str)] = &[
    ("VideoView", "KIND", "BMF_VIEW_VIDEO"),
    ("VideoView", "CPU", "BMF_DEVICE_CPU"),
    ("VideoView", "CUDA", "BMF_DEVICE_CUDA"),
    ("VideoView", "*", "BMF_VIDEO_"),
    ("AudioView", "KIND", "BMF_VIEW_AUDIO"),
    ("EncodedView", "KIND", "BMF_VIEW_ENCODED"),
    ("EncodedView", "*", "BMF_MEDIA_"),
    ("TensorView", "KIND", "BMF_VIEW_TENSOR"),
    ("BytesView", "KIND", "BMF_VIEW_BYTES"),
    ("BytesView", "*", "BMF_VIEW_"),
    ("PacketsView", "KIND", "BMF_VIEW_PACKETS"),
    ("PlaneView", "KIND", "BMF_VIEW_PLANE"),
    ("PlaneView", "*", "BMF_VIEW_"),
    ("TaskInput", "*", "BMF_INPUT_"),
    ("TaskOutput", "*", "BMF_OUTPUT_"),
    ("ModuleVtable", "WAIT", "BMF_FLOW_WAIT"),
    ("ModuleVtable", "MORE", "BMF_FLOW_MORE"),
    ("ModuleVtable", "DONE", "BMF_FLOW_DONE"),
    ("ModuleVtable", "FINISHED", "BMF_ENDING_FINISHED"),
    ("ModuleVtable", "STOPPED", "BMF_ENDING_STOPPED"),
    ("ModuleVtable", "ENDED_BY_FAILURE", "BMF_ENDING_FAILED"),
];

/// What things are called in C.
pub(super) struct Names {
    /// By Rust name.
    types: BTreeMap<String, String>,
    /// By owner (empty: the crate) and Rust name.
    constants: BTreeMap<(String, String), String>,
}

impl Names {
    pub(super) fn collect(files: &[syn::File]) -> anyhow::Result<Self> {
        let mut names = Self {
            types: BTreeMap::new(),
            constants: BTreeMap::new(),
        };
        for item in files.iter().flat_map(|file| &file.items) {
            match item {
                Item::Struct(item) => names.add_type(&item.ident),
                Item::Type(item) => names.add_type(&item.ident),
                Item::Const(item) => names.add_constant(None, &item.ident),
                Item::Impl(block) if block.trait_.is_none() => {
                    let Type::Path(owner) = &*block.self_ty else {
                        continue;
                    };
                    let owner = owner.path.require_ident()?.to_string();
                    for item in &block.items {
                        if let ImplItem::Const(item) = item {
                            names.add_constant(Some(&owner), &item.ident);
                        }
                    }
                }
                Item::Enum(_) | Item::Union(_) | Item::Static(_) => {
                    bail!("the contract is of structs, functions and constants only")
                }
                _ => {}
            }
        }
        Ok(names)
    }

    fn add_type(&mut self, ident: &syn::Ident) {
        self.types.insert(
            ident.to_string(),
            format!("bmf_{}", snake(&ident.to_string())),
        );
    }

    fn add_constant(&mut self, owner: Option<&str>, ident: &syn::Ident) {
        let key = (owner.unwrap_or_default().to_owned(), ident.to_string());
        self.constants
            .insert(key, constant_name(owner, &ident.to_string()));
    }

    pub(super) fn of_type(&self, ident: &syn::Ident) -> anyhow::Result<String> {
        let name = ident.to_string();
        let found = self.types.get(&name).cloned();
        found.with_context(|| format!("C has no name for {name}"))
    }

    /// The C name of what is written between backticks in Rust: `Self::CPU`, `crate::NONE`, `Packet`.
    pub(super) fn of_path(&self, path: &str, owner: Option<&str>) -> Option<String> {
        let parts: Vec<_> = path.split("::").filter(|part| *part != "crate").collect();
        let constant = |owner: &str, name: &str| {
            self.constants
                .get(&(owner.to_owned(), name.to_owned()))
                .cloned()
        };
        match (parts.as_slice(), owner) {
            (["i64", "MAX"], _) => Some("INT64_MAX".to_owned()),
            (["Self", name], Some(owner)) => constant(owner, name),
            ([name], _) if *name == "i64" || *name == "i32" => Some(scalar(name)?.to_owned()),
            ([name], Some(owner)) => constant(owner, name)
                .or_else(|| constant("", name))
                .or_else(|| self.types.get(*name).cloned()),
            ([name], None) => constant("", name).or_else(|| self.types.get(*name).cloned()),
            ([owner, name], _) => constant(owner, name),
            _ => None,
        }
    }

    /// Documentation without what only rustdoc understands: links become names.
    pub(super) fn prose(&self, text: &str, owner: Option<&str>) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('`') {
            let Some(len) = rest[start + 1..].find('`') else {
                break;
            };
            let code = &rest[start + 1..start + 1 + len];
            let mut after = &rest[start + len + 2..];
            let is_link = rest[..start].ends_with('[') && after.starts_with(']');
            out.push_str(
                rest[..start]
                    .strip_suffix('[')
                    .filter(|_| is_link)
                    .unwrap_or(&rest[..start]),
            );
            let mut path = code;
            if is_link {
                after = &after[1..];
                if let Some((target, behind)) = after
                    .strip_prefix('(')
                    .and_then(|link| link.split_once(')'))
                {
                    path = target;
                    after = behind;
                }
            }
            match self.of_path(path, owner) {
                Some(name) => out.push_str(&name),
                None => out.push_str(&format!("`{code}`")),
            }
            rest = after;
        }
        (out + rest).replace("**", "")
    }
}

pub(super) fn constant_name(owner: Option<&str>, name: &str) -> String {
    let Some(owner) = owner else {
        return format!("BMF_{name}");
    };
    let row = CONSTANTS
        .iter()
        .find(|(of, what, _)| *of == owner && (*what == "*" || *what == name));
    match row {
        Some((_, "*", prefix)) => format!("{prefix}{name}"),
        Some((_, _, whole)) => (*whole).to_owned(),
        None => format!("BMF_{}_{name}", snake(owner).to_uppercase()),
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// What C calls a type that is built into Rust.
pub(super) fn scalar(name: &str) -> Option<&'static str> {
    Some(match name {
        "u8" => "uint8_t",
        "u32" => "uint32_t",
        "i32" => "int32_t",
        "u64" => "uint64_t",
        "i64" => "int64_t",
        "usize" | "AtomicUsize" => "size_t",
        "isize" => "ptrdiff_t",
        "bool" => "bool",
        "c_void" => "void",
        "c_char" => "char",
        _ => return None,
    })
}
