//! Turns pictures the way their container says they are to be shown. Most say nothing, and then this
//! is not used at all.

use bmf_ffmpeg::{AvFrame, DisplayMatrix, Error, FilterGraph, FilterInput, GraphConfig, Pulled};
use bmf_sdk::hmp::{Rational, TimeBase};

/// The filters that show a picture as `matrix` wants it, FFmpeg's choice; `None` if it is right already.
pub(crate) fn filters(matrix: DisplayMatrix) -> Option<String> {
    let degrees = matrix.clockwise_degrees().round() % 360.0;
    let [a, _, _, c, d, ..] = matrix.0;
    let near = |angle: f64| (degrees - angle).abs() < 1.0;
    let filters = if near(90.0) {
        if c > 0 {
            "transpose=cclock_flip"
        } else {
            "transpose=clock"
        }
    } else if near(180.0) {
        match (a < 0, d < 0) {
            (true, true) => "hflip,vflip",
            (true, false) => "hflip",
            (false, true) => "vflip",
            (false, false) => return None,
        }
    } else if near(270.0) {
        if c < 0 {
            "transpose=clock_flip"
        } else {
            "transpose=cclock"
        }
    } else if degrees > 1.0 {
        return Some(format!("rotate={degrees:.6}*PI/180"));
    } else if d < 0 {
        "vflip"
    } else {
        return None;
    };
    Some(filters.to_owned())
}

/// Applies [`filters`] to the pictures of one stream.
pub(crate) struct Rotator {
    filters: String,
    time_base: TimeBase,
    frame_rate: Option<Rational>,
    graph: Option<FilterGraph>,
}

impl Rotator {
    pub(crate) fn new(filters: String, time_base: TimeBase, frame_rate: Option<Rational>) -> Self {
        Self {
            filters,
            time_base,
            frame_rate,
            graph: None,
        }
    }

    /// The turned picture. These filters keep none back, so a new graph for a new size loses nothing.
    ///
    /// # Errors
    /// If FFmpeg cannot build or run the filters for this picture.
    pub(crate) fn turn(&mut self, frame: AvFrame) -> Result<Option<AvFrame>, Error> {
        let graph = match self.graph.take().filter(|graph| graph.accepts(0, &frame)) {
            Some(graph) => graph,
            None => self.build(&frame)?,
        };
        let graph = self.graph.insert(graph);
        // Refused only after an end, which is never announced.
        let _ = graph.push(0, frame)?;
        graph.pull(0).map(Pulled::ready)
    }

    fn build(&self, frame: &AvFrame) -> Result<FilterGraph, Error> {
        let input = FilterInput::from_frame(frame, self.time_base, self.frame_rate)?;
        FilterGraph::new(&GraphConfig {
            description: self.filters.clone(),
            inputs: vec![(None, input)],
            ..GraphConfig::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(matrix: [i32; 4]) -> String {
        let one = 1 << 16;
        let [a, b, c, d] = matrix.map(|entry| entry * one / 1000);
        let matrix = DisplayMatrix([a, b, 0, c, d, 0, 0, 0, 1 << 30]);
        filters(matrix).unwrap_or_else(|| "-".to_owned())
    }

    #[test]
    fn quarter_turns_and_mirrors_are_exact_filters() {
        insta::assert_snapshot!(check([1000, 0, 0, 1000]), @"-");
        insta::assert_snapshot!(check([0, 1000, -1000, 0]), @"transpose=clock");
        insta::assert_snapshot!(check([-1000, 0, 0, -1000]), @"hflip,vflip");
        insta::assert_snapshot!(check([0, -1000, 1000, 0]), @"transpose=cclock");
        insta::assert_snapshot!(check([1000, 0, 0, -1000]), @"vflip");
        insta::assert_snapshot!(check([-1000, 0, 0, 1000]), @"hflip");
        insta::assert_snapshot!(check([0, 1000, 1000, 0]), @"transpose=cclock_flip");
        insta::assert_snapshot!(check([0, -1000, -1000, 0]), @"transpose=clock_flip");
    }

    #[test]
    fn odd_angles_are_rotated() {
        insta::assert_snapshot!(check([707, 707, -707, 707]), @"rotate=45.000000*PI/180");
        insta::assert_snapshot!(check([0, 0, 0, 0]), @"-");
    }
}
