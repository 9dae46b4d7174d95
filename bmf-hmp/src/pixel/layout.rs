//! The families that pixel formats come in, as constructors of [`PixelDescriptor`] for the table.

use super::descriptor::{Component, PixelDescriptor, PixelFlags, PlaneLayout};

const NO_COMPONENT: Component = Component {
    plane: 0,
    step: 0,
    offset: 0,
    word: 0,
    shift: 0,
    depth: 0,
};
const NO_PLANE: PlaneLayout = PlaneLayout {
    group_bits: 0,
    log2_w: 0,
    log2_h: 0,
};

const fn blank(planes: u8, components: u8, bit_depth: u8) -> PixelDescriptor {
    PixelDescriptor {
        name: "",
        planes,
        bit_depth,
        log2_chroma_w: 0,
        log2_chroma_h: 0,
        flags: PixelFlags::empty(),
        component_count: components,
        components: [NO_COMPONENT; 4],
        layout: [NO_PLANE; 4],
    }
}

const fn word_for(depth: u8) -> u8 {
    match depth {
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    }
}

/// A component with a plane to itself.
const fn alone(plane: u8, depth: u8) -> Component {
    let word = word_for(depth);
    Component {
        plane,
        step: word,
        offset: 0,
        word,
        shift: 0,
        depth,
    }
}

const fn full_size(bytes: u8) -> PlaneLayout {
    PlaneLayout {
        group_bits: bytes * 8,
        log2_w: 0,
        log2_h: 0,
    }
}

/// Luma only.
pub(super) const fn gray(depth: u8) -> PixelDescriptor {
    let mut it = blank(1, 1, depth);
    it.components[0] = alone(0, depth);
    it.layout[0] = full_size(word_for(depth));
    it
}

/// Three planes: luma, and two of chroma that are smaller by powers of two.
pub(super) const fn yuv(depth: u8, log2_chroma_w: u8, log2_chroma_h: u8) -> PixelDescriptor {
    let word = word_for(depth);
    let chroma = PlaneLayout {
        group_bits: word * 8,
        log2_w: log2_chroma_w,
        log2_h: log2_chroma_h,
    };
    let mut it = blank(3, 3, depth);
    it.components = [
        alone(0, depth),
        alone(1, depth),
        alone(2, depth),
        NO_COMPONENT,
    ];
    it.layout = [full_size(word), chroma, chroma, NO_PLANE];
    it.log2_chroma_w = log2_chroma_w;
    it.log2_chroma_h = log2_chroma_h;
    it
}

/// Three planes: green, blue, red.
pub(super) const fn gbr(depth: u8) -> PixelDescriptor {
    let mut it = yuv(depth, 0, 0).rgb();
    it.components = [
        alone(2, depth),
        alone(0, depth),
        alone(1, depth),
        NO_COMPONENT,
    ];
    it
}

/// Two planes: luma, and chroma in pairs.
pub(super) const fn semi_planar(
    depth: u8,
    log2_chroma_w: u8,
    log2_chroma_h: u8,
) -> PixelDescriptor {
    let word = word_for(depth);
    let blue = Component {
        plane: 1,
        step: 2 * word,
        offset: 0,
        word,
        shift: 0,
        depth,
    };
    let red = Component {
        offset: word,
        ..blue
    };
    let mut it = yuv(depth, log2_chroma_w, log2_chroma_h);
    it.planes = 2;
    it.components = [alone(0, depth), blue, red, NO_COMPONENT];
    it.layout[1].group_bits = 16 * word;
    it.layout[2] = NO_PLANE;
    it
}

/// One plane, each pixel a sequence of `words` words; `places` says which word is which component.
pub(super) const fn interleaved(depth: u8, words: u8, places: &[u8]) -> PixelDescriptor {
    let word = word_for(depth);
    let mut it = blank(1, places.len() as u8, depth);
    let mut index = 0;
    while index < places.len() {
        let offset = places[index] * word;
        it.components[index] = Component {
            plane: 0,
            step: words * word,
            offset,
            word,
            shift: 0,
            depth,
        };
        index += 1;
    }
    it.layout[0] = full_size(words * word);
    it
}

/// One plane, four words for two pixels: luma twice, both chromas once; `places` of the first luma and
/// of the chromas.
pub(super) const fn packed_422(depth: u8, places: [u8; 3]) -> PixelDescriptor {
    let word = word_for(depth);
    let mut it = interleaved(depth, 4, &places);
    it.components[0].step = 2 * word;
    it.log2_chroma_w = 1;
    it.layout[0].log2_w = 1;
    it
}

/// One plane, six bytes `U Y Y V Y Y` for four pixels. The luma component describes the first of each
/// two: the distances between luma samples are uneven.
pub(super) const fn uyyvyy() -> PixelDescriptor {
    let mut it = interleaved(8, 6, &[1, 0, 3]);
    it.components[0].step = 4;
    it.log2_chroma_w = 2;
    it.layout[0].log2_w = 2;
    it
}

/// One plane, each pixel a word of `bytes` bytes; the fields are shift and depth of each component.
pub(super) const fn bit_fields(bytes: u8, fields: &[(u8, u8)]) -> PixelDescriptor {
    let mut it = blank(1, fields.len() as u8, 0);
    let mut index = 0;
    while index < fields.len() {
        let (shift, depth) = fields[index];
        it.components[index] = Component {
            plane: 0,
            step: bytes,
            offset: 0,
            word: bytes,
            shift,
            depth,
        };
        if depth > it.bit_depth {
            it.bit_depth = depth;
        }
        index += 1;
    }
    it.layout[0] = full_size(bytes);
    it
}

/// One plane of pixels of `bits` bits, several to a byte; the fields are shift and depth of each
/// component.
pub(super) const fn bit_stream(bits: u8, fields: &[(u8, u8)]) -> PixelDescriptor {
    let mut it = bit_fields(1, fields).with(PixelFlags::BITSTREAM);
    let mut index = 0;
    while index < fields.len() {
        it.components[index].step = bits;
        index += 1;
    }
    it.layout[0].group_bits = bits;
    it
}

/// A plane of indices and a plane with the table of colours they mean.
pub(super) const fn palette() -> PixelDescriptor {
    let mut it = gray(8).with(PixelFlags::PALETTE).alpha();
    it.planes = 2;
    it
}

/// One plane, one sample per pixel, of a quarter red, half green, a quarter blue. The depths of the
/// components are shares of the sample's bits.
pub(super) const fn bayer(depth: u8) -> PixelDescriptor {
    let sample = alone(0, depth);
    let quarter = Component {
        depth: depth / 4,
        ..sample
    };
    let half = Component {
        depth: depth / 2,
        ..sample
    };
    let mut it = gray(depth).rgb().with(PixelFlags::BAYER);
    it.component_count = 3;
    it.components = [quarter, half, quarter, NO_COMPONENT];
    it
}

impl PixelDescriptor {
    const fn with(mut self, flags: PixelFlags) -> Self {
        self.flags = self.flags.union(flags);
        self
    }

    pub(super) const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub(super) const fn rgb(self) -> Self {
        self.with(PixelFlags::RGB)
    }

    pub(super) const fn xyz(self) -> Self {
        self.with(PixelFlags::XYZ)
    }

    pub(super) const fn alpha(self) -> Self {
        self.with(PixelFlags::ALPHA)
    }

    pub(super) const fn float(self) -> Self {
        self.with(PixelFlags::FLOAT)
    }

    pub(super) const fn full_range(self) -> Self {
        self.with(PixelFlags::FULL_RANGE)
    }

    pub(super) const fn big_endian(self) -> Self {
        self.with(PixelFlags::BIG_ENDIAN)
    }

    /// A fourth plane, of the size of the first.
    pub(super) const fn planar_alpha(mut self) -> Self {
        self.planes = 4;
        self.component_count = 4;
        self.components[3] = alone(3, self.bit_depth);
        self.layout[3] = self.layout[0];
        self.alpha()
    }

    /// Samples in the high bits of their words.
    pub(super) const fn msb_aligned(mut self) -> Self {
        let mut index = 0;
        while index < self.component_count as usize {
            let Component { word, depth, .. } = self.components[index];
            self.components[index].shift = 8 * word - depth;
            index += 1;
        }
        self
    }

    pub(super) const fn swapped_chroma(mut self) -> Self {
        let blue = self.components[1];
        self.components[1] = self.components[2];
        self.components[2] = blue;
        self
    }
}
