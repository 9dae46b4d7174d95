//! Tests of the table of pixel formats, against itself and against the `ffmpeg` command.

use std::collections::HashSet;
use std::fmt::Write;
use std::process::Command;

use super::*;

fn describe(formats: &[PixelFormat]) -> String {
    let mut text = String::new();
    for format in formats {
        let it = format.descriptor();
        let planes = (0..usize::from(it.planes))
            .map(|plane| format!("{}x{}", it.row_bytes(plane, 17), it.plane_height(plane, 9)));
        let depths = it
            .components()
            .iter()
            .map(|component| component.depth.to_string());
        let _ = writeln!(
            text,
            "{} depths {} planes {} crop {:?}",
            it.name,
            depths.collect::<Vec<_>>().join("-"),
            planes.collect::<Vec<_>>().join(" "),
            it.crop_step(),
        );
    }
    text
}

/// Bytes and rows of the planes of a picture of 17x9: chroma rounds up.
#[test]
fn planes_of_an_odd_picture() {
    use PixelFormat as P;
    let formats = [
        P::Yuv420p,
        P::Yuv422p,
        P::Yuv410p,
        P::Yuv411p,
        P::Yuv440p,
        P::Yuva420p,
        P::Yuv420p10,
        P::Nv12,
        P::Nv24,
        P::P010,
        P::P210,
        P::Gbrp,
        P::Gbrap16,
        P::Rgb24,
        P::Rgba,
        P::Rgb48,
        P::Rgb565,
        P::Yuyv422,
        P::Uyyvyy411,
        P::Y210,
        P::Gray,
        P::Gray16,
        P::Ya8,
        P::Pal8,
        P::Monow,
        P::Rgb4,
        P::BayerRggb8,
        P::GrayF32,
        P::Gbrpf32,
        P::RgbaF16,
        P::X2rgb10,
        P::Xyz12,
    ];
    insta::assert_snapshot!(describe(&formats), @"
    yuv420p depths 8-8-8 planes 17x9 9x5 9x5 crop (2, 2)
    yuv422p depths 8-8-8 planes 17x9 9x9 9x9 crop (2, 1)
    yuv410p depths 8-8-8 planes 17x9 5x3 5x3 crop (4, 4)
    yuv411p depths 8-8-8 planes 17x9 5x9 5x9 crop (4, 1)
    yuv440p depths 8-8-8 planes 17x9 17x5 17x5 crop (1, 2)
    yuva420p depths 8-8-8-8 planes 17x9 9x5 9x5 17x9 crop (2, 2)
    yuv420p10le depths 10-10-10 planes 34x9 18x5 18x5 crop (2, 2)
    nv12 depths 8-8-8 planes 17x9 18x5 crop (2, 2)
    nv24 depths 8-8-8 planes 17x9 34x9 crop (1, 1)
    p010le depths 10-10-10 planes 34x9 36x5 crop (2, 2)
    p210le depths 10-10-10 planes 34x9 36x9 crop (2, 1)
    gbrp depths 8-8-8 planes 17x9 17x9 17x9 crop (1, 1)
    gbrap16le depths 16-16-16-16 planes 34x9 34x9 34x9 34x9 crop (1, 1)
    rgb24 depths 8-8-8 planes 51x9 crop (1, 1)
    rgba depths 8-8-8-8 planes 68x9 crop (1, 1)
    rgb48le depths 16-16-16 planes 102x9 crop (1, 1)
    rgb565le depths 5-6-5 planes 34x9 crop (1, 1)
    yuyv422 depths 8-8-8 planes 36x9 crop (2, 1)
    uyyvyy411 depths 8-8-8 planes 30x9 crop (4, 1)
    y210le depths 10-10-10 planes 72x9 crop (2, 1)
    gray depths 8 planes 17x9 crop (1, 1)
    gray16le depths 16 planes 34x9 crop (1, 1)
    ya8 depths 8-8 planes 34x9 crop (1, 1)
    pal8 depths 8 planes 17x9 1024x1 crop (1, 1)
    monow depths 1 planes 3x9 crop (8, 1)
    rgb4 depths 1-2-1 planes 9x9 crop (2, 1)
    bayer_rggb8 depths 2-4-2 planes 17x9 crop (2, 2)
    grayf32le depths 32 planes 68x9 crop (1, 1)
    gbrpf32le depths 32-32-32 planes 68x9 68x9 68x9 crop (1, 1)
    rgbaf16le depths 16-16-16-16 planes 136x9 crop (1, 1)
    x2rgb10le depths 10-10-10 planes 68x9 crop (1, 1)
    xyz12le depths 12-12-12 planes 102x9 crop (1, 1)
    ");
}

#[test]
fn where_samples_lie() {
    let show = |format: PixelFormat| {
        let components = format.descriptor().components().iter().map(|c| {
            format!(
                "{}:{}+{}/{}>>{}",
                c.plane, c.offset, c.step, c.word, c.shift
            )
        });
        format!("{format} {}", components.collect::<Vec<_>>().join(" "))
    };
    use PixelFormat::*;
    let lines = [
        Nv21, P010Le, Bgra, Xrgb, Gbrap, Rgb565Be, Rgb8, Uyvy422, Ayuv64Le, Xyz12Le, X2bgr10Le,
    ]
    .map(show);
    insta::assert_snapshot!(lines.join("\n"), @"
    nv21 0:0+1/1>>0 1:1+2/1>>0 1:0+2/1>>0
    p010le 0:0+2/2>>6 1:0+4/2>>6 1:2+4/2>>6
    bgra 0:2+4/1>>0 0:1+4/1>>0 0:0+4/1>>0 0:3+4/1>>0
    0rgb 0:1+4/1>>0 0:2+4/1>>0 0:3+4/1>>0
    gbrap 2:0+1/1>>0 0:0+1/1>>0 1:0+1/1>>0 3:0+1/1>>0
    rgb565be 0:0+2/2>>11 0:0+2/2>>5 0:0+2/2>>0
    rgb8 0:0+1/1>>6 0:0+1/1>>3 0:0+1/1>>0
    uyvy422 0:1+2/1>>0 0:0+4/1>>0 0:2+4/1>>0
    ayuv64le 0:2+8/2>>0 0:4+8/2>>0 0:6+8/2>>0 0:0+8/2>>0
    xyz12le 0:0+6/2>>4 0:2+6/2>>4 0:4+6/2>>4
    x2bgr10le 0:0+4/4>>0 0:0+4/4>>10 0:0+4/4>>20
    ");
}

#[test]
fn names_are_unique_and_round_trip() {
    let names: HashSet<_> = PixelFormat::ALL
        .iter()
        .map(|format| format.name())
        .collect();
    assert_eq!(names.len(), PixelFormat::ALL.len());
    for &format in PixelFormat::ALL {
        assert_eq!(PixelFormat::from_name(format.name()), Some(format));
    }
    assert_eq!(
        PixelFormat::Yuv420p10.name().parse(),
        Ok(PixelFormat::Yuv420p10)
    );
    assert_eq!("rgb48".parse(), Ok(PixelFormat::Rgb48));
    insta::assert_snapshot!("yuv421p".parse::<PixelFormat>().unwrap_err(), @"'yuv421p' is no pixel format: use FFmpeg's names, such as yuv420p, nv12 or rgba (ffmpeg -pix_fmts lists them)");
}

#[test]
fn serde_uses_names() {
    assert_eq!(
        serde_json::to_string(&PixelFormat::Nv12).unwrap(),
        "\"nv12\""
    );
    assert_eq!(
        serde_json::from_str::<PixelFormat>("\"0rgb\"").unwrap(),
        PixelFormat::Xrgb
    );
}

/// Every component lies within its plane's groups of bytes, and planes are exactly those in use.
#[test]
fn descriptors_are_consistent() {
    for format in PixelFormat::ALL {
        let it = format.descriptor();
        let mut used: HashSet<usize> = it.has_palette().then_some(1).into_iter().collect();
        for component in it.components() {
            let plane = usize::from(component.plane);
            used.insert(plane);
            let group = usize::from(it.layout[plane].group_bits);
            if !it.flags.contains(PixelFlags::BITSTREAM) {
                let end = usize::from(component.offset + component.word) * 8;
                assert!(
                    end <= group && usize::from(component.step) * 8 <= group,
                    "{format}"
                );
            }
            assert!(
                component.shift + component.depth <= component.word * 8,
                "{format}"
            );
        }
        assert_eq!(used, (0..usize::from(it.planes)).collect(), "{format}");
        assert_eq!(
            it.has_alpha(),
            it.component_count == 4 || it.component_count == 2 || it.has_palette()
        );
        assert_eq!(
            (
                it.plane_height(4, 9),
                it.row_bytes(4, 9),
                it.plane_width(4, 9)
            ),
            (0, 0, 0)
        );
    }
}

#[test]
fn huge_widths_do_not_overflow() {
    let bytes = PixelFormat::RgbaF32.descriptor().row_bytes(0, u32::MAX);
    assert_eq!(bytes as u64, 16 * u64::from(u32::MAX));
}

/// A line of `ffmpeg -pix_fmts`.
struct Listed<'a> {
    flags: &'a str,
    name: &'a str,
    components: usize,
    bits_per_pixel: u32,
    depths: &'a str,
}

fn parse_line(line: &str) -> Option<Listed<'_>> {
    let mut words = line.split_whitespace();
    let (flags, name) = (words.next()?, words.next()?);
    let (components, bits) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Listed {
        flags,
        name,
        components,
        bits_per_pixel: bits,
        depths: words.next()?,
    })
}

#[test]
fn the_installed_ffmpeg_agrees() {
    let output = match Command::new("ffmpeg")
        .args(["-hide_banner", "-pix_fmts"])
        .output()
    {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap(),
        _ => return println!("skipped: no ffmpeg command on PATH"),
    };
    let mut compared = 0;
    for listed in output.lines().filter_map(parse_line) {
        let hardware = listed.flags.contains('H');
        let format = PixelFormat::from_name(listed.name);
        let Some(it) = format.map(PixelFormat::descriptor) else {
            assert!(hardware, "ffmpeg's {} is missing", listed.name);
            continue;
        };
        let depths: Vec<_> = it
            .components()
            .iter()
            .map(|c| c.depth.to_string())
            .collect();
        assert_eq!(it.name, listed.name);
        assert_eq!(depths.join("-"), listed.depths, "{}", it.name);
        assert_eq!(it.components().len(), listed.components, "{}", it.name);
        assert_eq!(it.bits_per_pixel(), listed.bits_per_pixel, "{}", it.name);
        assert_eq!(it.has_palette(), listed.flags.contains('P'), "{}", it.name);
        assert_eq!(
            it.flags.contains(PixelFlags::BITSTREAM),
            listed.flags.contains('B'),
            "{}",
            it.name
        );
        compared += 1;
    }
    assert!(
        compared > 100,
        "only {compared} formats were recognised in ffmpeg's list"
    );
}
