//! Brings pictures to the size and pixel format that an encoder was opened with, and leaves those
//! alone that have them.

use bmf_ffmpeg::{
    AvFrame, Error, Fed, FilterGraph, FilterInput, FilterOutput, GraphConfig, PixFmt, Pulled,
};
use bmf_sdk::hmp::{Rational, TimeBase};
use bmf_sdk::prelude::ModuleError;

/// A converter that makes its scaler anew whenever the pictures change.
pub(super) struct Converter {
    size: Option<(u32, u32)>,
    formats: Vec<PixFmt>,
    graph: Option<FilterGraph>,
}

impl Converter {
    /// To `size` (or whatever the first picture has) and the nearest of `formats` (empty: whatever
    /// the first picture has).
    pub(super) fn new(size: Option<(u32, u32)>, formats: Vec<PixFmt>) -> Self {
        Self {
            size,
            formats,
            graph: None,
        }
    }

    /// One picture in, one out. All pictures after the first are made like it.
    pub(super) fn convert(
        &mut self,
        frame: AvFrame,
        unit: TimeBase,
        rate: Option<Rational>,
    ) -> Result<AvFrame, ModuleError> {
        if self.fits(&frame) {
            self.settle(&frame);
            return Ok(frame);
        }
        let mut graph = match self.graph.take().filter(|graph| graph.accepts(0, &frame)) {
            Some(graph) => graph,
            None => self.build(&frame, unit, rate)?,
        };
        let _: Fed = graph.push(0, frame)?;
        let Pulled::Ready(mut picture) = graph.pull(0)? else {
            return Err(ModuleError::new("the scaler has lost a picture"));
        };
        if let FilterOutput::Video {
            sample_aspect_ratio,
            ..
        } = graph.output(0)
        {
            picture.set_sample_aspect_ratio(*sample_aspect_ratio);
        }
        self.graph = Some(graph);
        self.settle(&picture);
        Ok(picture)
    }

    fn fits(&self, frame: &AvFrame) -> bool {
        let format = frame.pix_fmt();
        self.size
            .is_none_or(|size| size == (frame.width(), frame.height()))
            && (self.formats.is_empty()
                || format.is_some_and(|format| self.formats.contains(&format)))
    }

    /// The encoder is opened for the first picture; the others must equal it.
    fn settle(&mut self, frame: &AvFrame) {
        self.size = Some((frame.width(), frame.height()));
        if self.formats.len() != 1 {
            self.formats = frame.pix_fmt().into_iter().collect();
        }
    }

    fn build(
        &self,
        frame: &AvFrame,
        unit: TimeBase,
        rate: Option<Rational>,
    ) -> Result<FilterGraph, Error> {
        let mut filters = Vec::new();
        if let Some((width, height)) = self.size {
            filters.push(format!("scale={width}:{height}:flags=bicubic"));
        }
        if !self.formats.is_empty() {
            let names: Vec<&str> = self.formats.iter().map(|format| format.name()).collect();
            filters.push(format!("format=pix_fmts={}", names.join("|")));
        }
        FilterGraph::new(&GraphConfig {
            description: filters.join(","),
            inputs: vec![(None, FilterInput::from_frame(frame, unit, rate)?)],
            ..GraphConfig::default()
        })
    }
}
