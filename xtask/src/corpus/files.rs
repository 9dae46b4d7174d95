//! The files of the corpus: what people have, each kind once, and as small as shows it. `V` and `A` stand for test
//! pictures and tones, see `make.rs`.

use crate::damage::Damage;

/// A file and how it is made.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its name; the container is what the extension says.
    pub(crate) file: &'static str,
    pub(super) make: Make,
    /// Why bmf gives other frames than `ffmpeg`, where that is known and meant.
    pub(super) differs: Option<&'static str>,
    /// Whether the same frames come each time that FFmpeg decodes the file; else only times and sizes are compared.
    pub(super) is_steady: bool,
}

/// What a file is made of.
#[derive(Debug)]
pub(super) enum Make {
    /// Arguments of `ffmpeg`.
    Ffmpeg(&'static str),
    /// Another file, damaged.
    Damaged(&'static str, Damage),
    /// Others, one after the other.
    Joined(&'static [&'static str]),
}

impl Case {
    /// Whether it is made of other files of the corpus.
    pub(super) fn is_derived(&self) -> bool {
        match self.make {
            Make::Ffmpeg(arguments) => arguments.contains("-i "),
            Make::Damaged(..) | Make::Joined(_) => true,
        }
    }

    /// Whether its streams are not what their encoders wrote.
    pub(super) fn is_damaged(&self) -> bool {
        matches!(self.make, Make::Damaged(..))
    }
}

const fn made(file: &'static str, arguments: &'static str) -> Case {
    Case {
        file,
        make: Make::Ffmpeg(arguments),
        differs: None,
        is_steady: true,
    }
}

const fn damaged(file: &'static str, from: &'static str, damage: Damage) -> Case {
    Case {
        file,
        make: Make::Damaged(from, damage),
        differs: None,
        is_steady: true,
    }
}

const fn joined(file: &'static str, files: &'static [&'static str]) -> Case {
    Case {
        file,
        make: Make::Joined(files),
        differs: None,
        is_steady: true,
    }
}

/// All of them.
pub(crate) const CASES: &[Case] = &[
    // Containers, with the codecs that are usual in them.
    made(
        "h264.mp4",
        "V A -c:v libx264 -preset veryfast -bf 2 -g 12 -c:a aac",
    ),
    made(
        "h264.mov",
        "V A -c:v libx264 -preset veryfast -c:a pcm_s16be",
    ),
    made(
        "h264.mkv",
        "V A -c:v libx264 -preset veryfast -bf 2 -c:a libopus -ar 48000",
    ),
    made(
        "h264.ts",
        "V A -c:v libx264 -preset veryfast -bf 2 -g 12 -c:a aac",
    ),
    made(
        "h264.m2ts",
        "V A:48000:5.1 -c:v libx264 -preset veryfast -c:a ac3",
    ),
    made(
        "h264.flv",
        "V A -c:v libx264 -preset veryfast -bf 2 -c:a aac",
    ),
    made(
        "h264.avi",
        "V A -c:v libx264 -preset veryfast -bf 0 -c:a mp3",
    ),
    made("h264.h264", "V -c:v libx264 -preset veryfast -bf 2"),
    made(
        "h264.m3u8",
        "V A -c:v libx264 -preset veryfast -g 10 -c:a aac -hls_time 0.4 -hls_segment_filename hls-%d.ts",
    ),
    made(
        "faststart.mp4",
        "V A -c:v libx264 -preset veryfast -c:a aac -movflags +faststart",
    ),
    made(
        "fragments.mp4",
        "V A -c:v libx264 -preset veryfast -g 10 -c:a aac -movflags +frag_keyframe+empty_moov",
    ),
    made(
        "hevc.mp4",
        "V A -c:v libx265 -preset ultrafast -x265-params log-level=none -c:a aac",
    ),
    made(
        "hevc.mkv",
        "V A -c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3 -c:a flac",
    ),
    made(
        "hevc.ts",
        "V A -c:v libx265 -preset ultrafast -x265-params log-level=none -c:a eac3",
    ),
    made("mpeg2.ts", "V A -c:v mpeg2video -bf 2 -c:a mp2"),
    made("mpeg2.mpg", "V A -c:v mpeg2video -bf 2 -c:a mp2"),
    made(
        "mpeg2.mxf",
        "V:160x120:25 A:48000:mono -c:v mpeg2video -pix_fmt yuv422p -c:a pcm_s16le",
    ),
    made("mpeg1.mpg", "V -c:v mpeg1video"),
    made("mpeg4.avi", "V A -c:v mpeg4 -bf 1 -c:a mp3"),
    made("mpeg4.mp4", "V A -c:v mpeg4 -c:a aac"),
    made("h263.3gp", "V:176x144:25 A:8000:mono -c:v h263 -c:a aac"),
    made("mjpeg.avi", "V A -c:v mjpeg -pix_fmt yuvj420p -c:a pcm_u8"),
    made(
        "vp8.webm",
        "V A -c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis",
    ),
    made(
        "vp9.webm",
        "V A -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus -ar 48000",
    ),
    made(
        "vp9.mp4",
        "V -c:v libvpx-vp9 -deadline realtime -cpu-used 8",
    ),
    made(
        "av1.mkv",
        "V:64x48:10 -c:v libaom-av1 -cpu-used 8 -usage realtime",
    ),
    made(
        "av1.mp4",
        "V:64x48:10 A -c:v libaom-av1 -cpu-used 8 -usage realtime -c:a aac",
    ),
    made(
        "prores.mov",
        "V A:48000:stereo -c:v prores_ks -pix_fmt yuv422p10le -c:a pcm_s24le",
    ),
    made(
        "dnxhr.mov",
        "V:256x120:25 -c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p",
    ),
    made("ffv1.mkv", "V A -c:v ffv1 -c:a flac"),
    made("huffyuv.avi", "V -c:v huffyuv -pix_fmt yuv422p"),
    made(
        "raw.avi",
        "V A -c:v rawvideo -pix_fmt yuv420p -c:a pcm_s16le",
    ),
    made(
        "raw.nut",
        "V A -c:v rawvideo -pix_fmt yuv420p -c:a pcm_s16le",
    ),
    made("raw.y4m", "V -pix_fmt yuv420p"),
    made("theora.ogv", "V A -c:v libtheora -c:a libvorbis"),
    made("wmv2.asf", "V A -c:v wmv2 -c:a wmav2"),
    made("flv1.flv", "V A -c:v flv -c:a mp3"),
    made("animation.mov", "V -c:v qtrle -pix_fmt rgb24"),
    made("moving.gif", "V:64x48:10"),
    made("moving.apng", "V:64x48:10 -pix_fmt rgba"),
    made("pictures/%02d.png", "V:64x48:10"),
    made("photos/%02d.jpg", "V:64x48:10 -pix_fmt yuvj420p"),
    made("one.png", "V:64x48:25 -frames:v 1 -pix_fmt rgba"),
    made("one.jpg", "V:64x48:25 -frames:v 1 -pix_fmt yuvj444p"),
    made("one.webp", "V:64x48:25 -frames:v 1 -c:v libwebp"),
    made("one.bmp", "V:64x48:25 -frames:v 1 -pix_fmt bgr24"),
    made("one.tiff", "V:64x48:25 -frames:v 1 -pix_fmt rgb48le"),
    // Sound alone.
    made("pcm.wav", "A -c:a pcm_s16le"),
    made("pcm24.wav", "A:48000:5.1 -c:a pcm_s24le"),
    made("float.wav", "A:8000:mono -c:a pcm_f32le"),
    made("double.wav", "A -c:a pcm_f64le"),
    made("pcm.aiff", "A -c:a pcm_s16be"),
    made("law.au", "A:8000:mono -c:a pcm_mulaw"),
    made("sound.flac", "A:96000:stereo -c:a flac -sample_fmt s32"),
    made("sound.mp3", "A -c:a libmp3lame"),
    made("sound.m4a", "A -c:a aac"),
    made("alac.m4a", "A -c:a alac"),
    made("sound.aac", "A -c:a aac"),
    made("vorbis.ogg", "A -c:a libvorbis"),
    made("opus.ogg", "A:48000:stereo -c:a libopus"),
    made("sound.ac3", "A:48000:5.1 -c:a ac3"),
    made("sound.mka", "A:48000:5.1 -c:a libopus"),
    made("sound.wma", "A -c:a wmav2"),
    made("wavpack.wv", "A -c:a wavpack"),
    // Pixel formats.
    made(
        "h264-422.mp4",
        "V -c:v libx264 -preset veryfast -pix_fmt yuv422p",
    ),
    made(
        "h264-444.mp4",
        "V -c:v libx264 -preset veryfast -pix_fmt yuv444p",
    ),
    made(
        "h264-10bit.mkv",
        "V -c:v libx264 -preset veryfast -pix_fmt yuv420p10le",
    ),
    made(
        "h264-422-10bit.mov",
        "V -c:v libx264 -preset veryfast -pix_fmt yuv422p10le",
    ),
    made(
        "h264-gray.mp4",
        "V -c:v libx264 -preset veryfast -pix_fmt gray",
    ),
    made(
        "h264-full.mp4",
        "V -c:v libx264 -preset veryfast -pix_fmt yuvj420p -color_range pc",
    ),
    made(
        "h264-rgb.mp4",
        "V -c:v libx264rgb -preset veryfast -pix_fmt rgb24",
    ),
    made(
        "h264-hdr.mp4",
        "V -c:v libx264 -preset veryfast -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc",
    ),
    made(
        "hevc-10bit.mp4",
        "V -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le",
    ),
    made(
        "hevc-444-12bit.mkv",
        "V -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv444p12le",
    ),
    made(
        "vp9-444.webm",
        "V:64x48:25 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv444p",
    ),
    made(
        "vp9-10bit.webm",
        "V:64x48:25 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le",
    ),
    made(
        "vp8-alpha.webm",
        "V:64x48:25 -c:v libvpx -auto-alt-ref 0 -deadline realtime -pix_fmt yuva420p",
    ),
    made(
        "prores-alpha.mov",
        "V:64x48:25 -c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le",
    ),
    made("ffv1-gray16.mkv", "V:64x48:25 -c:v ffv1 -pix_fmt gray16le"),
    made(
        "ffv1-444-16bit.mkv",
        "V:64x48:25 -c:v ffv1 -pix_fmt yuv444p16le",
    ),
    made("ffv1-gbrp12.mkv", "V:64x48:25 -c:v ffv1 -pix_fmt gbrp12le"),
    made("ffv1-alpha.mkv", "V:64x48:25 -c:v ffv1 -pix_fmt yuva420p"),
    made("raw-uyvy.mov", "V:64x48:25 -c:v rawvideo -pix_fmt uyvy422"),
    made("raw-rgb.avi", "V:64x48:25 -c:v rawvideo -pix_fmt bgr24"),
    made("raw-nv12.mkv", "V:64x48:25 -c:v rawvideo -pix_fmt nv12"),
    // Frame rates, and none.
    made(
        "rate-23.976.mp4",
        "V:64x48:24000/1001 A -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "rate-29.97.mkv",
        "V:64x48:30000/1001 A -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "rate-30.ts",
        "V:64x48:30 A -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "rate-50.mp4",
        "V:64x48:50 A -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "rate-60.flv",
        "V:64x48:60 A -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "rate-59.94.ts",
        "V:64x48:60000/1001 A -c:v mpeg2video -c:a mp2",
    ),
    made(
        "rate-1.mp4",
        "V:64x48:1 A -c:v libx264 -preset veryfast -c:a aac",
    ),
    made("rate-12.5.avi", "V:64x48:25/2 -c:v mpeg4"),
    made(
        "vfr.mp4",
        "V:64x48:50 A -vf select=not(mod(n\\,3))+not(mod(n\\,7)) -fps_mode vfr -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "vfr.mkv",
        "V:64x48:50 -vf select=lt(n\\,10)+not(mod(n\\,9)) -fps_mode vfr -c:v libx264 -preset veryfast",
    ),
    made(
        "vfr.webm",
        "V:64x48:30 -vf setpts=N*N*0.01/TB -fps_mode vfr -c:v libvpx -deadline realtime",
    ),
    // Turned, interlaced, of odd sizes, with pixels that are no squares.
    made(
        "turned-90.mp4",
        "-i h264.mp4 -c copy -metadata:s:v rotate=90",
    ),
    made(
        "turned-180.mp4",
        "-i h264.mp4 -c copy -metadata:s:v rotate=180",
    ),
    made(
        "turned-270.mov",
        "-i h264.mov -c copy -metadata:s:v rotate=270",
    ),
    made(
        "turned-30.mp4",
        "-i h264.mp4 -c copy -metadata:s:v rotate=30",
    ),
    made(
        "fields-h264.mp4",
        "V:160x128:25 -c:v libx264 -preset veryfast -flags +ildct+ilme -x264-params tff=1",
    ),
    made(
        "fields-mpeg2.ts",
        "V:160x128:25 A -c:v mpeg2video -flags +ildct+ilme -bf 2 -c:a mp2",
    ),
    made(
        "fields-bottom.mxf",
        "V:160x128:25 -c:v mpeg2video -flags +ildct+ilme -top 0 -pix_fmt yuv422p",
    ),
    made(
        "odd-h264.mp4",
        "V:161x121:25 -c:v libx264 -preset veryfast -pix_fmt yuv444p",
    ),
    made(
        "odd-vp8.webm",
        "V:161x121:25 -c:v libvpx -deadline realtime",
    ),
    made("odd-mjpeg.avi", "V:97x31:25 -c:v mjpeg -pix_fmt yuvj420p"),
    made("odd-ffv1.mkv", "V:33x17:25 -c:v ffv1 -pix_fmt yuv420p"),
    made(
        "pixels-wide.mp4",
        "V -c:v libx264 -preset veryfast -vf setsar=4/3",
    ),
    // Several streams, and streams that begin or end elsewhere.
    made(
        "many.mkv",
        "V A V:64x48:30 A:48000:5.1 A:8000:mono -map 0 -map 1 -map 2 -map 3 -map 4 -c:v libx264 -preset veryfast -c:a flac",
    ),
    made(
        "many.mp4",
        "V A A:48000:5.1 -map 0 -map 1 -map 2 -c:v libx264 -preset veryfast -c:a aac",
    ),
    made(
        "many.ts",
        "V A V:64x48:25 A:48000:mono -map 0 -map 1 -map 2 -map 3 -c:v mpeg2video -c:a mp2 -program title=a:st=0:st=1 -program title=b:st=2:st=3",
    ),
    made(
        "cover.m4a",
        "-i sound.m4a -i one.jpg -map 0 -map 1 -c copy -disposition:v attached_pic",
    ),
    made("cover.mp3", "-i sound.mp3 -i one.jpg -map 0 -map 1 -c copy"),
    made(
        "sound-later.mkv",
        "-i h264.mp4 -itsoffset 0.4 -i h264.mp4 -map 0:v -map 1:a -c copy",
    ),
    made(
        "sound-earlier.mp4",
        "-i h264.mp4 -itsoffset -0.3 -i h264.mp4 -map 0:v -map 1:a -c copy",
    ),
    made(
        "begins-late.ts",
        "-i h264.mp4 -c copy -output_ts_offset 1000",
    ),
    made(
        "begins-late.mkv",
        "-i h264.mp4 -c copy -output_ts_offset 10",
    ),
    made("edit-list.mp4", "-ss 0.5 -i h264.mp4 -c copy"),
    made(
        "no-sound.mp4",
        "-i h264.mp4 -i h264.mp4 -map 0:v -map 1:a -c copy -frames:a 0",
    ),
    made("wraps.ts", "-i h264.mp4 -c copy -output_ts_offset 95442.5"),
    // Broken in all the ways that files are.
    Case {
        differs: Some(
            "an H.264 decoder is fed with MPEG-2; for the times of its last pictures both guess",
        ),
        ..joined("spliced.ts", &["h264.ts", "mpeg2.ts"])
    },
    joined("again.ts", &["h264.ts", "h264.ts"]),
    joined("back.ts", &["rate-30.ts", "h264.ts", "rate-30.ts"]),
    joined("two.mp3", &["sound.mp3", "sound.mp3"]),
    damaged("cut.mp4", "faststart.mp4", Damage::Cut(60)),
    damaged("cut.mkv", "h264.mkv", Damage::Cut(60)),
    damaged("cut.webm", "vp9.webm", Damage::Cut(60)),
    damaged("cut.ts", "h264.ts", Damage::Cut(60)),
    damaged("cut.flv", "h264.flv", Damage::Cut(60)),
    damaged("cut-no-index.avi", "mpeg4.avi", Damage::Cut(60)),
    damaged("cut.wav", "pcm.wav", Damage::Cut(60)),
    damaged("cut.flac", "sound.flac", Damage::Cut(60)),
    damaged("cut.png", "one.png", Damage::Cut(60)),
    damaged("cut.jpg", "one.jpg", Damage::Cut(60)),
    damaged("cut-fragments.mp4", "fragments.mp4", Damage::Cut(60)),
    damaged("no-moov.mp4", "h264.mp4", Damage::Cut(60)),
    damaged("header-only.mp4", "faststart.mp4", Damage::Cut(2)),
    damaged("empty.mp4", "h264.mp4", Damage::Cut(0)),
    damaged(
        "flips.mp4",
        "faststart.mp4",
        Damage::Flip {
            each: 1500,
            but: 20,
        },
    ),
    damaged(
        "flips.mkv",
        "h264.mkv",
        Damage::Flip {
            each: 1500,
            but: 10,
        },
    ),
    damaged("flips.ts", "h264.ts", Damage::Flip { each: 1500, but: 5 }),
    // Where slices are lost the decoder shows memory as it found it.
    Case {
        is_steady: false,
        ..damaged(
            "flips-hevc.ts",
            "hevc.ts",
            Damage::Flip { each: 1500, but: 5 },
        )
    },
    damaged(
        "flips-mpeg2.mpg",
        "mpeg2.mpg",
        Damage::Flip { each: 1500, but: 5 },
    ),
    damaged(
        "flips-mpeg4.avi",
        "mpeg4.avi",
        Damage::Flip {
            each: 1500,
            but: 20,
        },
    ),
    damaged(
        "flips-vp9.webm",
        "vp9.webm",
        Damage::Flip {
            each: 1500,
            but: 20,
        },
    ),
    damaged("flips.mp3", "sound.mp3", Damage::Flip { each: 700, but: 5 }),
    damaged("flips.aac", "sound.aac", Damage::Flip { each: 700, but: 5 }),
    damaged(
        "flips.flac",
        "sound.flac",
        Damage::Flip { each: 3000, but: 5 },
    ),
    damaged(
        "flips.ogg",
        "vorbis.ogg",
        Damage::Flip {
            each: 1500,
            but: 30,
        },
    ),
    damaged("noise.ts", "h264.ts", Damage::Noise(3000)),
    damaged("noise.mkv", "h264.mkv", Damage::Noise(3000)),
    damaged("noise.mp4", "faststart.mp4", Damage::Noise(3000)),
    damaged("noise.mp3", "sound.mp3", Damage::Noise(2000)),
    damaged("hole.ts", "h264.ts", Damage::Hole(5000)),
    damaged("hole.mpg", "mpeg2.mpg", Damage::Hole(5000)),
    damaged("hole.flv", "h264.flv", Damage::Hole(3000)),
    damaged("swapped.ts", "mpeg2.ts", Damage::Swap(4000)),
];
