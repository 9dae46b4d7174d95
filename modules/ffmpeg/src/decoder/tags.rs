//! Metadata that the decoder puts on frames for modules behind it, where it was asked to. What every
//! frame has as a field (time base, frame rate, aspect ratio) is not repeated here: text for each frame
//! would cost more than most filters.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bmf_sdk::hmp::TimeBase;

use super::options::Options;
use crate::media::STARTS_ALONE;

type Metadata = Option<Arc<BTreeMap<String, String>>>;

/// Pictures wait in a decoder for at most so many others.
const MOST_WAITING: usize = 256;

/// What is put on the frames of one stream.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    /// The same on all.
    shared: Metadata,
    /// `inputFrmOrder`: the number of the next frame.
    order: Option<u64>,
    /// `orig_pts_time`.
    origins: Option<Origins>,
}

/// Which time each packet had in the input before it was put on the output's time line.
#[derive(Clone, Debug, Default)]
struct Origins {
    /// Times after and before.
    waiting: VecDeque<(i64, i64)>,
    /// The last difference, for frames of which no packet is known.
    shift: i64,
}

impl Tags {
    /// `starts_alone` is said to encoders.
    pub(crate) fn new(options: &Options, starts_alone: bool) -> Self {
        let shared = [(STARTS_ALONE, starts_alone), ("copyts", options.copyts)];
        let shared: BTreeMap<String, String> = shared
            .into_iter()
            .filter(|&(_, is_set)| is_set)
            .map(|(key, _)| (key.to_owned(), "1".to_owned()))
            .collect();
        Self {
            shared: (!shared.is_empty()).then(|| Arc::new(shared)),
            order: options.io_frm_match.then_some(0),
            origins: options.orig_pts_time.then(Origins::default),
        }
    }

    /// The same for sound, which is neither numbered nor started by anybody.
    pub(crate) fn for_sound(mut self) -> Self {
        self.shared = None;
        self.order = None;
        self
    }

    /// Goes on counting.
    pub(crate) fn follow(&mut self, before: &Self) {
        self.order = before.order;
    }

    /// A packet with time `before` is decoded with time `after`.
    pub(crate) fn packet(&mut self, before: Option<i64>, after: Option<i64>) {
        let (Some(origins), Some(before), Some(after)) = (&mut self.origins, before, after) else {
            return;
        };
        origins.shift = after.saturating_sub(before);
        origins.waiting.push_back((after, before));
        if origins.waiting.len() > MOST_WAITING {
            origins.waiting.pop_front();
        }
    }

    /// Adds what is to be added to a frame that the decoder gave the time `pts`.
    pub(crate) fn put(&mut self, metadata: &mut Metadata, pts: i64, unit: TimeBase) {
        if let Some(shared) = &self.shared {
            match metadata {
                None => *metadata = Some(Arc::clone(shared)),
                Some(own) => Arc::make_mut(own).extend(
                    shared
                        .iter()
                        .map(|(key, value)| (key.clone(), value.clone())),
                ),
            }
        }
        let mut add = |key: &str, value: String| {
            let own = metadata.get_or_insert_default();
            Arc::make_mut(own).insert(key.to_owned(), value);
        };
        if let Some(order) = &mut self.order {
            add("inputFrmOrder", order.to_string());
            *order += 1;
        }
        if let Some(origins) = &mut self.origins {
            let seconds = origins.of(pts) as f64 * unit.as_f64();
            add("orig_pts_time", format!("{seconds:.6}"));
        }
    }
}

impl Origins {
    fn of(&mut self, pts: i64) -> i64 {
        let place = self.waiting.iter().position(|&(after, _)| after == pts);
        match place.and_then(|place| self.waiting.remove(place)) {
            Some((_, before)) => before,
            None => pts.saturating_sub(self.shift),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(tags: &mut Tags, pts: i64) -> String {
        let mut metadata = None;
        tags.put(&mut metadata, pts, TimeBase::new(1, 1000).unwrap());
        format!("{:?}", metadata.unwrap_or_default())
    }

    #[test]
    fn frames_keep_the_time_they_had_in_the_input() {
        let options = Options {
            orig_pts_time: true,
            io_frm_match: true,
            ..Options::default()
        };
        let mut tags = Tags::new(&options, true);
        tags.packet(Some(1400), Some(0));
        tags.packet(Some(1520), Some(120));
        // A jump.
        tags.packet(Some(9000), Some(160));
        insta::assert_snapshot!(put(&mut tags, 0), @r#"{"bmf.starts_alone": "1", "inputFrmOrder": "0", "orig_pts_time": "1.400000"}"#);
        insta::assert_snapshot!(put(&mut tags, 120), @r#"{"bmf.starts_alone": "1", "inputFrmOrder": "1", "orig_pts_time": "1.520000"}"#);
        insta::assert_snapshot!(put(&mut tags, 161), @r#"{"bmf.starts_alone": "1", "inputFrmOrder": "2", "orig_pts_time": "9.001000"}"#);
    }

    #[test]
    fn nobody_who_did_not_ask_pays() {
        let mut tags = Tags::new(&Options::default(), false);
        let mut metadata = None;
        tags.put(&mut metadata, 5, TimeBase::MICROS);
        assert!(metadata.is_none());
    }
}
