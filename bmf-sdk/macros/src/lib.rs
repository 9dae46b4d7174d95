//! `#[options]`: the derives that options of a module need. Reads nothing of the item.
#![doc = include_str!("../README.md")]

use proc_macro::TokenStream;

/// The derives say where their crates are, so that a module's manifest need not name them.
const DERIVES: &str = r#"
    #[derive(::bmf_sdk::serde::Deserialize, ::bmf_sdk::schemars::JsonSchema)]
    #[serde(crate = "::bmf_sdk::serde")]
    #[schemars(crate = "::bmf_sdk::schemars")]
"#;

/// Makes a struct or an enum fit for the options of a module: it can be read from JSON, and its doc
/// comments become the documentation that `bmf inspect` prints. All `#[serde(…)]` and `#[schemars(…)]`
/// attributes can be used in it.
#[proc_macro_attribute]
pub fn options(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        let error = r#"::core::compile_error!("`#[options]` takes no arguments");"#;
        return error.parse().expect("these are tokens");
    }
    let derives: TokenStream = DERIVES.parse().expect("these are tokens");
    derives.into_iter().chain(item).collect()
}
