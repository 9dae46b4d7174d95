//! [`PixelDescriptor`]: where the samples of a pixel format lie, and how large its planes are.
//!
//! Only geometry: no sample is read here.

use bitflags::bitflags;

bitflags! {
    /// What kind of format it is.
    #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
    pub struct PixelFlags: u16 {
        /// One component is opacity.
        const ALPHA = 1;
        /// The colours are red, green and blue, not luma and chroma.
        const RGB = 1 << 1;
        /// Luma and chroma use the full range whatever the frame's colour description says.
        const FULL_RANGE = 1 << 2;
        /// Pixels are smaller than a byte, the first in the high bits.
        const BITSTREAM = 1 << 3;
        /// Samples are indices into a table of 256 native-endian `0xAARRGGBB` words, in plane 1.
        const PALETTE = 1 << 4;
        /// Samples are IEEE floats.
        const FLOAT = 1 << 5;
        /// Words of more than a byte have their high byte first.
        const BIG_ENDIAN = 1 << 6;
        /// Each pixel has one of three colours, by its place in a 2x2 pattern.
        const BAYER = 1 << 7;
        /// The colours are CIE X, Y and Z.
        const XYZ = 1 << 8;
    }
}

/// Where the samples of one component lie.
///
/// Sample `n` of a row is the word of `word` bytes at byte `n * step + offset`, shifted right by
/// `shift`, of which the low `depth` bits count. In [`BITSTREAM`](PixelFlags::BITSTREAM) formats
/// `step` is in bits, `offset` is 0, and `shift` counts within the `step` bits of a pixel.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The plane the component is in.
    pub plane: u8,
    /// Bytes from one sample to the next.
    pub step: u8,
    /// Bytes before the first sample.
    pub offset: u8,
    /// Bytes in the word that holds the sample.
    pub word: u8,
    /// Bits below the sample.
    pub shift: u8,
    /// Bits of the sample.
    pub depth: u8,
}

/// The bytes of a plane: groups of `group_bits`, each for a block of `1 << log2_w` by `1 << log2_h` pixels.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct PlaneLayout {
    pub(super) group_bits: u8,
    pub(super) log2_w: u8,
    pub(super) log2_h: u8,
}

/// What there is to know about a [`PixelFormat`](crate::PixelFormat).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PixelDescriptor {
    /// FFmpeg's name.
    pub name: &'static str,
    /// How many planes, the palette included.
    pub planes: u8,
    /// Bits per sample of the deepest component.
    pub bit_depth: u8,
    /// Chroma is narrower than luma by this power of two.
    pub log2_chroma_w: u8,
    /// Chroma is lower than luma by this power of two.
    pub log2_chroma_h: u8,
    /// What kind of format it is.
    pub flags: PixelFlags,
    pub(super) component_count: u8,
    pub(super) components: [Component; 4],
    pub(super) layout: [PlaneLayout; 4],
}

/// The size of a palette: one row of 256 words.
const PALETTE_ENTRIES: usize = 256;

impl PixelDescriptor {
    /// The components: luma, blue difference, red difference; or red, green, blue; then alpha.
    pub fn components(&self) -> &[Component] {
        &self.components[..usize::from(self.component_count)]
    }

    /// Bits per pixel on average, padding not counted: FFmpeg's `BITS_PER_PIXEL`.
    pub fn bits_per_pixel(&self) -> u32 {
        let log2_block = u32::from(self.log2_chroma_w + self.log2_chroma_h);
        let bits = self
            .components()
            .iter()
            .enumerate()
            .map(|(index, component)| {
                let samples = if is_chroma(index) { 0 } else { log2_block };
                u32::from(component.depth) << samples
            });
        bits.sum::<u32>() >> log2_block
    }

    /// Whether one component is opacity.
    pub fn has_alpha(&self) -> bool {
        self.flags.contains(PixelFlags::ALPHA)
    }

    /// Whether the colours are red, green and blue.
    pub fn is_rgb(&self) -> bool {
        self.flags.contains(PixelFlags::RGB)
    }

    /// Whether plane 1 is a palette.
    pub fn has_palette(&self) -> bool {
        self.flags.contains(PixelFlags::PALETTE)
    }

    /// How many samples wide a plane is, in a picture `width` pixels wide. Chroma rounds up. 0 for a
    /// plane the format does not have.
    pub fn plane_width(&self, plane: usize, width: u32) -> usize {
        match self.kind(plane) {
            Kind::Missing => 0,
            Kind::Palette => PALETTE_ENTRIES,
            Kind::Full => width as usize,
            Kind::Chroma => ceil_shift(width, self.log2_chroma_w),
        }
    }

    /// How many rows a plane has, in a picture `height` pixels high. Chroma rounds up. 0 for a plane
    /// the format does not have.
    pub fn plane_height(&self, plane: usize, height: u32) -> usize {
        match self.kind(plane) {
            Kind::Missing => 0,
            Kind::Palette => 1,
            Kind::Full | Kind::Chroma => ceil_shift(height, self.layout[plane].log2_h),
        }
    }

    /// How many bytes of a row are pixels, in a picture `width` pixels wide. 0 for a plane the format
    /// does not have; `usize::MAX` where the number would overflow.
    pub fn row_bytes(&self, plane: usize, width: u32) -> usize {
        match self.kind(plane) {
            Kind::Missing => 0,
            Kind::Palette => PALETTE_ENTRIES * 4,
            Kind::Full | Kind::Chroma => {
                let PlaneLayout {
                    group_bits, log2_w, ..
                } = self.layout[plane];
                let bits = ceil_shift(width, log2_w) as u64 * u64::from(group_bits);
                usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
            }
        }
    }

    /// What the offset of a crop must be a multiple of, horizontally and vertically, so that it
    /// starts at a whole sample of every plane and at a whole byte.
    pub fn crop_step(&self) -> (u32, u32) {
        if self.flags.contains(PixelFlags::BAYER) {
            return (2, 2);
        }
        if self.flags.contains(PixelFlags::BITSTREAM) {
            return (8 / u32::from(self.layout[0].group_bits), 1);
        }
        (1 << self.log2_chroma_w, 1 << self.log2_chroma_h)
    }

    /// The byte within a row at which pixel `x` starts, `x` being a multiple of the crop step.
    pub(crate) fn byte_offset(&self, plane: usize, x: u32) -> usize {
        if self.kind(plane) == Kind::Palette {
            0
        } else {
            self.row_bytes(plane, x)
        }
    }

    /// The row of a plane that shows row `y` of the picture.
    pub(crate) fn row_offset(&self, plane: usize, y: u32) -> usize {
        if self.kind(plane) == Kind::Palette {
            0
        } else {
            self.plane_height(plane, y)
        }
    }

    fn kind(&self, plane: usize) -> Kind {
        if plane >= usize::from(self.planes) {
            Kind::Missing
        } else if plane == 1 && self.has_palette() {
            Kind::Palette
        } else if is_chroma(plane) {
            Kind::Chroma
        } else {
            Kind::Full
        }
    }
}

#[derive(PartialEq)]
enum Kind {
    Missing,
    Palette,
    Full,
    Chroma,
}

/// Components, and planes where there are several, come in the order luma, chroma, chroma, alpha.
fn is_chroma(index: usize) -> bool {
    index == 1 || index == 2
}

fn ceil_shift(value: u32, shift: u8) -> usize {
    (u64::from(value)).div_ceil(1 << shift) as usize
}
