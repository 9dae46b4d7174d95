//! What plugins can ask about pixel formats.

use bmf_abi as abi;
use bmf_hmp::{PixelDescriptor, PixelFlags, PixelFormat};

use crate::text;

pub(super) unsafe extern "C" fn pixel_format(name: abi::Str, out: *mut abi::PixelFormat) -> bool {
    // SAFETY: the text is lent for the call.
    let name = unsafe { text::lossy(name) };
    // SAFETY: null, or it starts with its size.
    let fits = !out.is_null() && unsafe { (*out).size } >= size_of::<abi::PixelFormat>();
    let (true, Ok(format)) = (fits, name.parse::<PixelFormat>()) else {
        return false;
    };
    // SAFETY: `out` is for this.
    unsafe { out.write(describe(format.descriptor())) };
    true
}

fn describe(descriptor: &PixelDescriptor) -> abi::PixelFormat {
    let mut components = [abi::PixelComponent {
        plane: 0,
        step: 0,
        offset: 0,
        word: 0,
        shift: 0,
        depth: 0,
        reserved: [0; 2],
    }; 4];
    for (raw, component) in components.iter_mut().zip(descriptor.components()) {
        *raw = abi::PixelComponent {
            plane: component.plane,
            step: component.step,
            offset: component.offset,
            word: component.word,
            shift: component.shift,
            depth: component.depth,
            reserved: [0; 2],
        };
    }
    abi::PixelFormat {
        size: size_of::<abi::PixelFormat>(),
        name: abi::Str::new(descriptor.name),
        plane_count: descriptor.planes.into(),
        component_count: descriptor.components().len() as u32,
        depth: descriptor.bit_depth.into(),
        flags: flags(descriptor.flags),
        planes: std::array::from_fn(|plane| groups(descriptor, plane)),
        components,
    }
}

fn flags(flags: PixelFlags) -> u32 {
    let codes = [
        (PixelFlags::ALPHA, abi::PixelFormat::ALPHA),
        (PixelFlags::RGB, abi::PixelFormat::RGB),
        (PixelFlags::FULL_RANGE, abi::PixelFormat::FULL_RANGE),
        (PixelFlags::BITSTREAM, abi::PixelFormat::BITSTREAM),
        (PixelFlags::PALETTE, abi::PixelFormat::PALETTE),
        (PixelFlags::FLOAT, abi::PixelFormat::FLOAT),
        (PixelFlags::BIG_ENDIAN, abi::PixelFormat::BIG_ENDIAN),
        (PixelFlags::BAYER, abi::PixelFormat::BAYER),
        (PixelFlags::XYZ, abi::PixelFormat::XYZ),
    ];
    let set = codes.iter().filter(|(flag, _)| flags.contains(*flag));
    set.fold(0, |sum, (_, code)| sum | code)
}

/// The bytes of a plane: how many pixels share a group follows from what pictures of a few pixels take.
fn groups(descriptor: &PixelDescriptor, plane: usize) -> abi::PixelPlane {
    let is_palette = plane == 1 && descriptor.has_palette();
    if plane >= usize::from(descriptor.planes) || is_palette {
        return abi::PixelPlane {
            bits: 0,
            log2_width: 0,
            log2_height: 0,
            reserved: 0,
        };
    }
    let is_one_group = |&log2: &u8| {
        descriptor.row_bytes(plane, 1 << log2) == descriptor.row_bytes(plane, 1)
            && !descriptor.flags.contains(PixelFlags::BITSTREAM)
    };
    let is_one_row = |&log2: &u8| descriptor.plane_height(plane, 1 << log2) == 1;
    let log2_width = (1..4).take_while(is_one_group).last().unwrap_or(0);
    let log2_height = (1..4).take_while(is_one_row).last().unwrap_or(0);
    abi::PixelPlane {
        // Eight groups have as many bytes as one has bits.
        bits: descriptor.row_bytes(plane, 8 << log2_width) as u8,
        log2_width,
        log2_height,
        reserved: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> String {
        let format = describe(name.parse::<PixelFormat>().unwrap().descriptor());
        let planes = &format.planes[..format.plane_count as usize];
        let planes = planes.iter().map(|plane| {
            let (width, height) = (1 << plane.log2_width, 1 << plane.log2_height);
            format!("{}/{width}x{height}", plane.bits)
        });
        let planes: Vec<String> = planes.collect();
        let depths = &format.components[..format.component_count as usize];
        let depths: Vec<u8> = depths.iter().map(|component| component.depth).collect();
        format!("{} {depths:?} {:#x}", planes.join(" "), format.flags)
    }

    #[test]
    fn formats_are_described_by_their_groups() {
        insta::assert_snapshot!(check("yuv420p"), @"8/1x1 8/2x2 8/2x2 [8, 8, 8] 0x0");
        insta::assert_snapshot!(check("nv12"), @"8/1x1 16/2x2 [8, 8, 8] 0x0");
        insta::assert_snapshot!(check("yuyv422"), @"32/2x1 [8, 8, 8] 0x0");
        insta::assert_snapshot!(check("monob"), @"1/1x1 [1] 0x8");
        insta::assert_snapshot!(check("pal8"), @"8/1x1 0/1x1 [8] 0x11");
        insta::assert_snapshot!(check("rgba64le"), @"64/1x1 [16, 16, 16, 16] 0x3");
    }
}
