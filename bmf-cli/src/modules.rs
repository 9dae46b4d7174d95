//! The modules that graphs may use: those that are linked in.

use bmf_modules::Registry;

/// All modules there are.
pub(crate) fn registry() -> Registry {
    #[cfg_attr(
        not(feature = "static"),
        expect(unused_mut, reason = "without linked-in modules nothing is added")
    )]
    let mut registry = Registry::new();
    #[cfg(feature = "static")]
    for factory in bmf_module_basic::modules()
        .into_iter()
        .chain(bmf_module_ffmpeg::modules())
        .chain(bmf_module_flow::modules())
    {
        registry.add(factory);
    }
    registry
}
