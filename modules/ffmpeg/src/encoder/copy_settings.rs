//! What the options mean for a stream that arrives encoded.

use super::options::Options;
use super::settings::{Issues, picture_tags, sound_tags, tag};
use super::tags::StreamTags;

/// How a stream is copied.
#[derive(Clone, Debug, Default)]
pub(super) struct CopySettings {
    /// Most packets to write.
    pub(super) at_most: Option<u64>,
    /// Four-character code in place of the usual one.
    pub(super) tag: Option<[u8; 4]>,
    pub(super) tags: StreamTags,
}

/// How pictures are copied.
pub(super) fn pictures(options: &Options) -> (CopySettings, Issues) {
    let params = &options.video_params;
    let mut issues = Issues::default();
    let settings = CopySettings {
        at_most: options.vframes,
        tag: issues.take(tag("video_params.vtag", params.vtag.as_deref())),
        tags: picture_tags(params, &mut issues),
    };
    (settings, issues)
}

/// How sound is copied.
pub(super) fn sound(options: &Options) -> (CopySettings, Issues) {
    let params = &options.audio_params;
    let mut issues = Issues::default();
    let settings = CopySettings {
        at_most: options.aframes,
        tag: issues.take(tag("audio_params.atag", params.atag.as_deref())),
        tags: sound_tags(params, &mut issues),
    };
    (settings, issues)
}

/// How subtitles are copied.
pub(super) fn subtitles(options: &Options) -> (CopySettings, Issues) {
    let params = &options.subtitle_params;
    let mut issues = Issues::default();
    let disposition = params.disposition.as_deref();
    let settings = CopySettings {
        tags: StreamTags::of(
            "subtitle_params",
            &params.metadata,
            disposition,
            &mut issues,
        ),
        ..CopySettings::default()
    };
    (settings, issues)
}
