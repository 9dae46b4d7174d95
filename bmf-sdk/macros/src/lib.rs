//! `#[options]`: the derives that options of a module need. Reads nothing of the item.
#![doc = include_str!("../README.md")]

use proc_macro::{TokenStream, TokenTree};

/// The derives say where their crates are, so that a module's manifest need not name them.
const DERIVES: &str = r#"
    #[derive(::bmf_sdk::serde::Deserialize, ::bmf_sdk::schemars::JsonSchema)]
    #[serde(crate = "::bmf_sdk::serde")]
    #[schemars(crate = "::bmf_sdk::schemars")]
"#;

/// Makes a struct or an enum fit for the options of a module: it can be read from JSON, and its doc
/// comments become the documentation that `bmf inspect` prints. An enum can also be written as JSON, so
/// that a default is shown. All `#[serde(…)]` and `#[schemars(…)]` attributes can be used in it.
#[proc_macro_attribute]
pub fn options(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        let error = r#"::core::compile_error!("`#[options]` takes no arguments");"#;
        return error.parse().expect("these are tokens");
    }
    let mut derives = DERIVES.to_owned();
    if is_enum(&item) {
        // The default of an option is shown as JSON.
        derives += "#[derive(::bmf_sdk::serde::Serialize)]";
    }
    let derives: TokenStream = derives.parse().expect("these are tokens");
    derives.into_iter().chain(item).collect()
}

fn is_enum(item: &TokenStream) -> bool {
    let mut tokens = item.clone().into_iter();
    tokens.any(|token| matches!(&token, TokenTree::Ident(word) if word.to_string() == "enum"))
}
