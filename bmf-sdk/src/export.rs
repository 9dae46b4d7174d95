//! `export_module!`: from module types to a plugin library, and to a list for programs that link them.

/// Exports modules, so that the crate is a plugin: built with `crate-type = ["cdylib"]` (beside `"rlib"`,
/// where it is to be linked statically too), it can be laid on bmf's search path.
///
/// The types implement [`ModuleType`](crate::ModuleType); what one crate exports is listed in one place,
/// usually at its root. A `rank` other than 0 says which library's module of a name is used where there
/// are several: the highest.
///
/// ```
/// # mod plugin {
/// # use bmf_sdk::prelude::*;
/// # #[options]
/// # struct Options {}
/// # struct Blur;
/// # impl Module for Blur {
/// #     fn process(&mut self, _: &mut Task) -> Result<Flow, ModuleError> { Ok(Flow::Done) }
/// # }
/// # impl ModuleType for Blur {
/// #     type Options = Options;
/// #     fn describe() -> Description { Description::new("blur", "1") }
/// #     fn new(_: Options) -> Result<Self, ModuleError> { Ok(Self) }
/// # }
/// bmf_sdk::export_module!(rank = 5; Blur);
/// # }
///
/// // The macro also makes this function, for programs that link the crate:
/// let modules = plugin::modules();
/// assert_eq!(modules[0].descriptor().name, "blur");
/// ```
#[macro_export]
macro_rules! export_module {
    (rank = $rank:expr; $($module:ty),+ $(,)?) => {
        /// The modules of this crate, for programs that link it.
        pub fn modules()
        -> ::std::vec::Vec<::std::sync::Arc<dyn $crate::ModuleFactory>> {
            ::std::vec![$($crate::factory::<$module>()),+]
        }

        const _: () = {
            static EXPORTED: ::std::sync::OnceLock<$crate::__private::Exported> =
                ::std::sync::OnceLock::new();

            static ABOUT: $crate::__private::About = $crate::__private::About {
                name: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                built_with: $crate::__private::BUILT_WITH,
                rank: $rank,
                panic_aborts: ::core::cfg!(panic = "abort"),
            };

            // SAFETY: the name has that of the crate in it, and nothing else exports such names.
            #[unsafe(export_name = ::core::concat!(
                "bmf_plugin_v1_",
                ::core::env!("CARGO_CRATE_NAME"),
            ))]
            unsafe extern "C" fn entry(
                host: *const $crate::__private::abi::Host,
                error: *const $crate::__private::abi::ErrorSink,
            ) -> *const $crate::__private::abi::Plugin {
                // SAFETY: the host that calls a plugin's entry lives as long as the process, and
                // never unloads the plugin.
                unsafe { $crate::__private::enter(host, error, &EXPORTED, &ABOUT, modules) }
            }
        };
    };
    ($($module:ty),+ $(,)?) => {
        $crate::export_module!(rank = 0; $($module),+);
    };
}

/// What the macro's expansion names. Not for anyone else.
#[doc(hidden)]
pub mod __private {
    pub use bmf_bridge::guest::{About, Exported, abi, enter};

    /// Compiler and kit.
    pub const BUILT_WITH: &str =
        concat!(env!("BMF_RUSTC"), ", bmf-sdk ", env!("CARGO_PKG_VERSION"));
}
