//! The table of all pixel formats: the enum, its names and its descriptors grow from here.
//!
//! Formats without a byte order come first, then those made of words, which exist in both orders and
//! also under the name without suffix that means the order of this machine. Hardware formats are not
//! listed: a frame on a device has the format its pixels have there, and says where it is by
//! [`Device`](crate::Device).

use super::descriptor::PixelDescriptor;
use super::layout::{
    bayer, bit_fields, bit_stream, gbr, gray, interleaved, packed_422, palette, semi_planar,
    uyyvyy, yuv,
};

macro_rules! formats {
    (
        bytes { $($single:ident, $single_name:literal, $single_layout:expr;)+ }
        words { $($native:ident, $little:ident, $big:ident, $name:literal, $layout:expr;)+ }
    ) => {
        /// How pixels lie in memory. Named as in FFmpeg: the format of
        /// [`name`](Self::name) `yuv420p10le` is `Yuv420p10Le`, and `Yuv420p10` is that of the two
        /// byte orders which this machine has.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum PixelFormat {
            $(#[doc = concat!("FFmpeg's `", $single_name, "`.")] $single,)+
            $(
                #[doc = concat!("FFmpeg's `", $name, "le`.")] $little,
                #[doc = concat!("FFmpeg's `", $name, "be`.")] $big,
            )+
        }

        #[allow(
            non_upper_case_globals,
            reason = "they stand where variants do: PixelFormat::P010 is one of two variants"
        )]
        impl PixelFormat {
            $(
                #[doc = concat!("FFmpeg's `", $name, "` in this machine's byte order.")]
                pub const $native: Self =
                    if cfg!(target_endian = "big") { Self::$big } else { Self::$little };
            )+

            /// All formats.
            pub const ALL: &[Self] =
                &[$(Self::$single,)+ $(Self::$little, Self::$big,)+];
        }

        /// One descriptor per format, in the order of the enum.
        pub(super) static DESCRIPTORS: &[PixelDescriptor] = &[
            $($single_layout.named($single_name),)+
            $(
                $layout.named(concat!($name, "le")),
                $layout.big_endian().named(concat!($name, "be")),
            )+
        ];
    };
}

formats! {
    bytes {
        // Planar Y'CbCr, 8 bits.
        Yuv420p, "yuv420p", yuv(8, 1, 1);
        Yuv422p, "yuv422p", yuv(8, 1, 0);
        Yuv444p, "yuv444p", yuv(8, 0, 0);
        Yuv410p, "yuv410p", yuv(8, 2, 2);
        Yuv411p, "yuv411p", yuv(8, 2, 0);
        Yuv440p, "yuv440p", yuv(8, 0, 1);

        // The same at full range, as MJPEG has it; deprecated in FFmpeg, but decoders still give it.
        Yuvj420p, "yuvj420p", yuv(8, 1, 1).full_range();
        Yuvj422p, "yuvj422p", yuv(8, 1, 0).full_range();
        Yuvj444p, "yuvj444p", yuv(8, 0, 0).full_range();
        Yuvj440p, "yuvj440p", yuv(8, 0, 1).full_range();
        Yuvj411p, "yuvj411p", yuv(8, 2, 0).full_range();

        // Planar Y'CbCr with alpha.
        Yuva420p, "yuva420p", yuv(8, 1, 1).planar_alpha();
        Yuva422p, "yuva422p", yuv(8, 1, 0).planar_alpha();
        Yuva444p, "yuva444p", yuv(8, 0, 0).planar_alpha();

        // A plane of luma, a plane of interleaved chroma.
        Nv12, "nv12", semi_planar(8, 1, 1);
        Nv21, "nv21", semi_planar(8, 1, 1).swapped_chroma();
        Nv16, "nv16", semi_planar(8, 1, 0);
        Nv24, "nv24", semi_planar(8, 0, 0);
        Nv42, "nv42", semi_planar(8, 0, 0).swapped_chroma();

        // Packed Y'CbCr.
        Yuyv422, "yuyv422", packed_422(8, [0, 1, 3]);
        Uyvy422, "uyvy422", packed_422(8, [1, 0, 2]);
        Uyyvyy411, "uyyvyy411", uyyvyy();
        Yvyu422, "yvyu422", packed_422(8, [0, 3, 1]);
        Vuya, "vuya", interleaved(8, 4, &[2, 1, 0, 3]).alpha();
        Vuyx, "vuyx", interleaved(8, 4, &[2, 1, 0]);

        // Packed RGB, a byte each.
        Rgb24, "rgb24", interleaved(8, 3, &[0, 1, 2]).rgb();
        Bgr24, "bgr24", interleaved(8, 3, &[2, 1, 0]).rgb();
        Argb, "argb", interleaved(8, 4, &[1, 2, 3, 0]).rgb().alpha();
        Rgba, "rgba", interleaved(8, 4, &[0, 1, 2, 3]).rgb().alpha();
        Abgr, "abgr", interleaved(8, 4, &[3, 2, 1, 0]).rgb().alpha();
        Bgra, "bgra", interleaved(8, 4, &[2, 1, 0, 3]).rgb().alpha();
        Xrgb, "0rgb", interleaved(8, 4, &[1, 2, 3]).rgb();
        Rgb0, "rgb0", interleaved(8, 4, &[0, 1, 2]).rgb();
        Xbgr, "0bgr", interleaved(8, 4, &[3, 2, 1]).rgb();
        Bgr0, "bgr0", interleaved(8, 4, &[2, 1, 0]).rgb();

        // Packed RGB in bit fields.
        Bgr8, "bgr8", bit_fields(1, &[(0, 3), (3, 3), (6, 2)]).rgb();
        Bgr4, "bgr4", bit_stream(4, &[(0, 1), (1, 2), (3, 1)]).rgb();
        Bgr4Byte, "bgr4_byte", bit_fields(1, &[(0, 1), (1, 2), (3, 1)]).rgb();
        Rgb8, "rgb8", bit_fields(1, &[(6, 2), (3, 3), (0, 3)]).rgb();
        Rgb4, "rgb4", bit_stream(4, &[(3, 1), (1, 2), (0, 1)]).rgb();
        Rgb4Byte, "rgb4_byte", bit_fields(1, &[(3, 1), (1, 2), (0, 1)]).rgb();

        // Planar RGB.
        Gbrp, "gbrp", gbr(8);
        Gbrap, "gbrap", gbr(8).planar_alpha();

        // Luma only, one bit, palette.
        Gray, "gray", gray(8);
        Monow, "monow", bit_stream(1, &[(0, 1)]);
        Monob, "monob", bit_stream(1, &[(0, 1)]);
        Pal8, "pal8", palette();
        Ya8, "ya8", interleaved(8, 2, &[0, 1]).alpha();

        // Raw cameras and digital cinema.
        BayerBggr8, "bayer_bggr8", bayer(8);
        BayerRggb8, "bayer_rggb8", bayer(8);
        BayerGbrg8, "bayer_gbrg8", bayer(8);
        BayerGrbg8, "bayer_grbg8", bayer(8);
    }
    words {
        // Planar Y'CbCr, 9 to 16 bits.
        Yuv420p9, Yuv420p9Le, Yuv420p9Be, "yuv420p9", yuv(9, 1, 1);
        Yuv444p9, Yuv444p9Le, Yuv444p9Be, "yuv444p9", yuv(9, 0, 0);
        Yuv422p9, Yuv422p9Le, Yuv422p9Be, "yuv422p9", yuv(9, 1, 0);
        Yuv420p10, Yuv420p10Le, Yuv420p10Be, "yuv420p10", yuv(10, 1, 1);
        Yuv422p10, Yuv422p10Le, Yuv422p10Be, "yuv422p10", yuv(10, 1, 0);
        Yuv444p10, Yuv444p10Le, Yuv444p10Be, "yuv444p10", yuv(10, 0, 0);
        Yuv440p10, Yuv440p10Le, Yuv440p10Be, "yuv440p10", yuv(10, 0, 1);
        Yuv420p12, Yuv420p12Le, Yuv420p12Be, "yuv420p12", yuv(12, 1, 1);
        Yuv422p12, Yuv422p12Le, Yuv422p12Be, "yuv422p12", yuv(12, 1, 0);
        Yuv444p12, Yuv444p12Le, Yuv444p12Be, "yuv444p12", yuv(12, 0, 0);
        Yuv440p12, Yuv440p12Le, Yuv440p12Be, "yuv440p12", yuv(12, 0, 1);
        Yuv420p14, Yuv420p14Le, Yuv420p14Be, "yuv420p14", yuv(14, 1, 1);
        Yuv422p14, Yuv422p14Le, Yuv422p14Be, "yuv422p14", yuv(14, 1, 0);
        Yuv444p14, Yuv444p14Le, Yuv444p14Be, "yuv444p14", yuv(14, 0, 0);
        Yuv420p16, Yuv420p16Le, Yuv420p16Be, "yuv420p16", yuv(16, 1, 1);
        Yuv422p16, Yuv422p16Le, Yuv422p16Be, "yuv422p16", yuv(16, 1, 0);
        Yuv444p16, Yuv444p16Le, Yuv444p16Be, "yuv444p16", yuv(16, 0, 0);

        // Planar Y'CbCr with alpha.
        Yuva420p9, Yuva420p9Le, Yuva420p9Be, "yuva420p9", yuv(9, 1, 1).planar_alpha();
        Yuva422p9, Yuva422p9Le, Yuva422p9Be, "yuva422p9", yuv(9, 1, 0).planar_alpha();
        Yuva444p9, Yuva444p9Le, Yuva444p9Be, "yuva444p9", yuv(9, 0, 0).planar_alpha();
        Yuva420p10, Yuva420p10Le, Yuva420p10Be, "yuva420p10", yuv(10, 1, 1).planar_alpha();
        Yuva422p10, Yuva422p10Le, Yuva422p10Be, "yuva422p10", yuv(10, 1, 0).planar_alpha();
        Yuva444p10, Yuva444p10Le, Yuva444p10Be, "yuva444p10", yuv(10, 0, 0).planar_alpha();
        Yuva422p12, Yuva422p12Le, Yuva422p12Be, "yuva422p12", yuv(12, 1, 0).planar_alpha();
        Yuva444p12, Yuva444p12Le, Yuva444p12Be, "yuva444p12", yuv(12, 0, 0).planar_alpha();
        Yuva420p16, Yuva420p16Le, Yuva420p16Be, "yuva420p16", yuv(16, 1, 1).planar_alpha();
        Yuva422p16, Yuva422p16Le, Yuva422p16Be, "yuva422p16", yuv(16, 1, 0).planar_alpha();
        Yuva444p16, Yuva444p16Le, Yuva444p16Be, "yuva444p16", yuv(16, 0, 0).planar_alpha();

        // A plane of luma, a plane of interleaved chroma.
        Nv20, Nv20Le, Nv20Be, "nv20", semi_planar(10, 1, 0);
        P010, P010Le, P010Be, "p010", semi_planar(10, 1, 1).msb_aligned();
        P016, P016Le, P016Be, "p016", semi_planar(16, 1, 1).msb_aligned();
        P210, P210Le, P210Be, "p210", semi_planar(10, 1, 0).msb_aligned();
        P410, P410Le, P410Be, "p410", semi_planar(10, 0, 0).msb_aligned();
        P216, P216Le, P216Be, "p216", semi_planar(16, 1, 0).msb_aligned();
        P416, P416Le, P416Be, "p416", semi_planar(16, 0, 0).msb_aligned();
        P012, P012Le, P012Be, "p012", semi_planar(12, 1, 1).msb_aligned();
        P212, P212Le, P212Be, "p212", semi_planar(12, 1, 0).msb_aligned();
        P412, P412Le, P412Be, "p412", semi_planar(12, 0, 0).msb_aligned();

        // Packed Y'CbCr.
        Ayuv64, Ayuv64Le, Ayuv64Be, "ayuv64", interleaved(16, 4, &[1, 2, 3, 0]).alpha();
        Y210, Y210Le, Y210Be, "y210", packed_422(10, [0, 1, 3]).msb_aligned();
        Y212, Y212Le, Y212Be, "y212", packed_422(12, [0, 1, 3]).msb_aligned();
        Xv30, Xv30Le, Xv30Be, "xv30", bit_fields(4, &[(10, 10), (0, 10), (20, 10)]);
        Xv36, Xv36Le, Xv36Be, "xv36", interleaved(12, 4, &[1, 0, 2]).msb_aligned();

        // Packed RGB, two bytes each.
        Rgb48, Rgb48Le, Rgb48Be, "rgb48", interleaved(16, 3, &[0, 1, 2]).rgb();
        Bgr48, Bgr48Le, Bgr48Be, "bgr48", interleaved(16, 3, &[2, 1, 0]).rgb();
        Rgba64, Rgba64Le, Rgba64Be, "rgba64", interleaved(16, 4, &[0, 1, 2, 3]).rgb().alpha();
        Bgra64, Bgra64Le, Bgra64Be, "bgra64", interleaved(16, 4, &[2, 1, 0, 3]).rgb().alpha();
        RgbaF16, RgbaF16Le, RgbaF16Be, "rgbaf16", interleaved(16, 4, &[0, 1, 2, 3]).rgb().alpha().float();
        RgbF32, RgbF32Le, RgbF32Be, "rgbf32", interleaved(32, 3, &[0, 1, 2]).rgb().float();
        RgbaF32, RgbaF32Le, RgbaF32Be, "rgbaf32", interleaved(32, 4, &[0, 1, 2, 3]).rgb().alpha().float();

        // Packed RGB in bit fields.
        Rgb565, Rgb565Le, Rgb565Be, "rgb565", bit_fields(2, &[(11, 5), (5, 6), (0, 5)]).rgb();
        Rgb555, Rgb555Le, Rgb555Be, "rgb555", bit_fields(2, &[(10, 5), (5, 5), (0, 5)]).rgb();
        Bgr565, Bgr565Le, Bgr565Be, "bgr565", bit_fields(2, &[(0, 5), (5, 6), (11, 5)]).rgb();
        Bgr555, Bgr555Le, Bgr555Be, "bgr555", bit_fields(2, &[(0, 5), (5, 5), (10, 5)]).rgb();
        Rgb444, Rgb444Le, Rgb444Be, "rgb444", bit_fields(2, &[(8, 4), (4, 4), (0, 4)]).rgb();
        Bgr444, Bgr444Le, Bgr444Be, "bgr444", bit_fields(2, &[(0, 4), (4, 4), (8, 4)]).rgb();
        X2rgb10, X2rgb10Le, X2rgb10Be, "x2rgb10", bit_fields(4, &[(20, 10), (10, 10), (0, 10)]).rgb();
        X2bgr10, X2bgr10Le, X2bgr10Be, "x2bgr10", bit_fields(4, &[(0, 10), (10, 10), (20, 10)]).rgb();

        // Planar RGB.
        Gbrp9, Gbrp9Le, Gbrp9Be, "gbrp9", gbr(9);
        Gbrp10, Gbrp10Le, Gbrp10Be, "gbrp10", gbr(10);
        Gbrap10, Gbrap10Le, Gbrap10Be, "gbrap10", gbr(10).planar_alpha();
        Gbrp12, Gbrp12Le, Gbrp12Be, "gbrp12", gbr(12);
        Gbrap12, Gbrap12Le, Gbrap12Be, "gbrap12", gbr(12).planar_alpha();
        Gbrp14, Gbrp14Le, Gbrp14Be, "gbrp14", gbr(14);
        Gbrap14, Gbrap14Le, Gbrap14Be, "gbrap14", gbr(14).planar_alpha();
        Gbrp16, Gbrp16Le, Gbrp16Be, "gbrp16", gbr(16);
        Gbrap16, Gbrap16Le, Gbrap16Be, "gbrap16", gbr(16).planar_alpha();
        Gbrpf32, Gbrpf32Le, Gbrpf32Be, "gbrpf32", gbr(32).float();
        Gbrapf32, Gbrapf32Le, Gbrapf32Be, "gbrapf32", gbr(32).planar_alpha().float();

        // Luma only, one bit, palette.
        Ya16, Ya16Le, Ya16Be, "ya16", interleaved(16, 2, &[0, 1]).alpha();
        Gray9, Gray9Le, Gray9Be, "gray9", gray(9);
        Gray10, Gray10Le, Gray10Be, "gray10", gray(10);
        Gray12, Gray12Le, Gray12Be, "gray12", gray(12);
        Gray14, Gray14Le, Gray14Be, "gray14", gray(14);
        Gray16, Gray16Le, Gray16Be, "gray16", gray(16);
        GrayF32, GrayF32Le, GrayF32Be, "grayf32", gray(32).float();

        // Raw cameras and digital cinema.
        Xyz12, Xyz12Le, Xyz12Be, "xyz12", interleaved(12, 3, &[0, 1, 2]).msb_aligned().xyz();
        BayerBggr16, BayerBggr16Le, BayerBggr16Be, "bayer_bggr16", bayer(16);
        BayerRggb16, BayerRggb16Le, BayerRggb16Be, "bayer_rggb16", bayer(16);
        BayerGbrg16, BayerGbrg16Le, BayerGbrg16Be, "bayer_gbrg16", bayer(16);
        BayerGrbg16, BayerGrbg16Le, BayerGrbg16Be, "bayer_grbg16", bayer(16);
    }
}
