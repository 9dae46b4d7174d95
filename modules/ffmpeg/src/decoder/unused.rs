//! What was given in `dec_params`, and nobody took.

use bmf_ffmpeg::{Decoder, Layer, UnusedOption, layers_of};

use super::options::Options;
use super::source::Source;

/// A message for each entry that neither the input nor any decoder took.
pub(crate) fn messages(source: &Source, decoders: &[&Decoder], options: &Options) -> Vec<String> {
    let url = source.demuxer().url();
    let left = source.demuxer().unused_options().iter();
    let is_ours = |name: &str| options.is_optional(name) || source.has_added(name);
    let left = left.filter(|option| !is_ours(&option.name));
    let message = |option: &UnusedOption| {
        if let Some((key, what)) = options.key_of(&option.name) {
            return Some(format!(
                "{key}: the input '{url}' has no use for it; it is for {what}"
            ));
        }
        // An option that one of the decoders took is in its place.
        let others: Option<Vec<_>> = decoders
            .iter()
            .map(|decoder| {
                let mut unused = decoder.unused_options().iter();
                unused.find(|unused| unused.name == option.name)
            })
            .collect();
        let near = others?
            .into_iter()
            .find_map(|other| other.suggestion.clone());
        let near = option.suggestion.clone().or(near);
        let names: Vec<&str> = decoders.iter().map(|decoder| decoder.name()).collect();
        Some(describe(&option.name, near, url, &names.join(", ")))
    };
    left.filter_map(message).collect()
}

fn describe(name: &str, near: Option<String>, url: &str, decoders: &str) -> String {
    let decoders = match decoders {
        "" => "nor a decoder".to_owned(),
        names => format!("nor its decoders ({names})"),
    };
    let hint = belonging(name).or(near.map(|near| format!("did you mean '{near}'?")));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("dec_params: neither the input '{url}' {decoders} know an option '{name}'{hint}")
}

/// Where an option belongs that is not one of reading.
fn belonging(name: &str) -> Option<String> {
    let layers = layers_of(name);
    if layers.contains(&Layer::Input) || layers.contains(&Layer::Decoder) {
        return Some("it is one of other formats or decoders".to_owned());
    }
    let place = match layers.first()? {
        Layer::Output => "mux_params",
        _ => "video_params or audio_params",
    };
    Some(format!("it belongs in {place} of the encoder"))
}
