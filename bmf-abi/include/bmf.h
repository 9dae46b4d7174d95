/*
 * bmf.h: the contract between bmf and its plugins, for C99 and C++14.
 *
 * Generated from the sources of bmf-abi by `cargo xtask header`: change those, or bmf.tail.h for
 * what follows the contract.
 *
 * - Frozen. No field is ever added, removed, moved or given another meaning within one
 * BMF_VERSION_MAJOR. What is new is reached by an `extension` function: a name with a version goes
 * in, a table or null comes out. Who finds null does without.
 * - Every table starts with its own `size` in bytes, so that a damaged or foreign one is
 * recognised.
 * - Text is UTF-8, a pointer and a length, no final zero; it is borrowed for the call, or for the
 * life of what it belongs to where that is said. What a callee wants to say at length it writes
 * into a bmf_sink of its caller; no memory changes hands.
 * - Ownership. bmf_packet by value passes its reference on; by pointer it is borrowed, or filled in
 * where the name is `out`. References are counted in the header, inline; the last one to go calls
 * the maker's own `destroy`, on whatever thread that is.
 * - Threads. The calls to one bmf_module come one at a time, from changing threads. Everything in
 * bmf_host may be called from any thread, except where a bmf_task is passed: only in the call that
 * lent it, only from the thread that makes it.
 * - No unwinding. Neither a Rust panic nor a C++ exception may leave a function of a table. Catch
 * it and return BMF_PANICKED or BMF_FAILED; a function that writes JSON and returns nothing writes
 * `{"panicked": "message"}`.
 * - Yes and no. Functions that plugins may have made answer with an int32_t, 0 for no; only those
 * of the host answer with a `bool`.
 * - JSON may be of a newer minor version than its reader. Keys that the reader does not know are
 * passed over. A kind of port that it does not know is `any`. An input manager that it does not
 * know, or a value of another shape than it knows, makes that kind of module unusable, but not the
 * others of its library.
 * - GPU memory that is passed on is complete: who wrote to it has waited for the device, so that
 * readers need to wait for no stream of it. An extension may say otherwise, of what both its sides
 * know.
 * - Libraries are never unloaded, so functions and statics of a plugin stay valid.
 */
#ifndef BMF_H
#define BMF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bmf_str bmf_str;
typedef struct bmf_sink bmf_sink;
typedef struct bmf_pair_sink bmf_pair_sink;
typedef struct bmf_error_info bmf_error_info;
typedef struct bmf_error_sink bmf_error_sink;
typedef struct bmf_buffer bmf_buffer;
typedef struct bmf_buffer_vtable bmf_buffer_vtable;
typedef struct bmf_payload bmf_payload;
typedef struct bmf_payload_vtable bmf_payload_vtable;
typedef struct bmf_import bmf_import;
typedef struct bmf_packet bmf_packet;
typedef struct bmf_rational bmf_rational;
typedef struct bmf_plane bmf_plane;
typedef struct bmf_video_view bmf_video_view;
typedef struct bmf_audio_view bmf_audio_view;
typedef struct bmf_encoded_view bmf_encoded_view;
typedef struct bmf_tensor_view bmf_tensor_view;
typedef struct bmf_bytes_view bmf_bytes_view;
typedef struct bmf_packets_view bmf_packets_view;
typedef struct bmf_plane_view bmf_plane_view;
typedef struct bmf_pixel_plane bmf_pixel_plane;
typedef struct bmf_pixel_component bmf_pixel_component;
typedef struct bmf_pixel_format bmf_pixel_format;
typedef struct bmf_task bmf_task;
typedef struct bmf_context bmf_context;
typedef struct bmf_module_type bmf_module_type;
typedef struct bmf_module bmf_module;
typedef struct bmf_module_vtable bmf_module_vtable;
typedef struct bmf_promise bmf_promise;
typedef struct bmf_host bmf_host;
typedef struct bmf_log_record bmf_log_record;
typedef struct bmf_task_input bmf_task_input;
typedef struct bmf_task_output bmf_task_output;
typedef struct bmf_task_api bmf_task_api;
typedef struct bmf_action bmf_action;
typedef struct bmf_context_api bmf_context_api;
typedef struct bmf_media_api bmf_media_api;
typedef struct bmf_plugin bmf_plugin;

/** Two sides with different numbers do not understand each other. */
#define BMF_VERSION_MAJOR 1

/** Grows with each extension that is listed; both sides understand each other whatever it is. */
#define BMF_VERSION_MINOR 0

/** No time, no tick: the value of an int64_t that is not there. */
#define BMF_NONE INT64_MIN

/** Success. */
#define BMF_OK 0

/** The call failed; why was told to the bmf_error_sink. */
#define BMF_FAILED (-1)

/** The code behind the call panicked; the message was told to the bmf_error_sink. */
#define BMF_PANICKED (-2)

/*
 * Text that is lent, and where a callee writes what its caller wants to know.
 */

/** Borrowed UTF-8 without a final zero. A null pointer with length 0 is the empty text. */
struct bmf_str {
    /** The first byte. */
    const char *ptr;
    /** How many bytes. */
    size_t len;
};

/**
 * Where a callee writes text for its caller, in any number of pieces. Lent for one call, used from
 * the thread of that call.
 */
struct bmf_sink {
    /** Passed to `write`. */
    void *target;
    /** Takes a copy of `text`. */
    void (*write)(void *target, bmf_str text);
};

/** Where a callee writes pairs of texts, such as metadata. As bmf_sink. */
struct bmf_pair_sink {
    /** Passed to `write`. */
    void *target;
    /** Takes copies of both. */
    void (*write)(void *target, bmf_str key, bmf_str value);
};

/** Why something failed. */
struct bmf_error_info {
    /** `sizeof` of this struct. */
    size_t size;
    /** What happened, to which file or stream, with its causes. */
    bmf_str message;
    /** What the user can do; may be empty. */
    bmf_str hint;
    /** The port it happened on; may be empty. */
    bmf_str port;
    /** The time of the packet it happened at, in microseconds, or BMF_NONE. */
    int64_t timestamp;
};

/**
 * Where a callee tells why it failed, before it returns BMF_FAILED or BMF_PANICKED. The last report
 * counts. As bmf_sink.
 */
struct bmf_error_sink {
    /** Passed to `report`. */
    void *target;
    /** Takes copies of all texts. */
    void (*report)(void *target, const bmf_error_info *error);
};

/*
 * The two counted objects: memory, and what a packet carries. Both sides of a border hold the same
 * object; the header at its start is all that they share.
 *
 * Counting:
 *
 * `refs` starts at 1. Whoever wants to keep an object adds 1 (relaxed). Whoever lets go subtracts 1
 * (release); who finds that it was the last makes an acquire fence, then
 *
 * - of a payload, frees the list of bmf_imports, each by its own `drop`;
 * - calls `destroy` of the vtable, which frees the object with the allocator that made it.
 *
 * An object is immutable while more than one reference exists.
 */

/**
 * Keeps memory alive. Which bytes of it are meant stands beside the reference (bmf_plane).
 */
struct bmf_buffer {
    /** References to it. */
    size_t refs;
    /** Its maker's functions. */
    const bmf_buffer_vtable *vtable;
};

/** What the maker of a bmf_buffer does for it. May be called from any thread. */
struct bmf_buffer_vtable {
    /** `sizeof` of this struct. */
    size_t size;
    /** Frees the memory and the object. */
    void (*destroy)(bmf_buffer *);
    /**
     * Whether the memory may be written by who holds the only reference: nobody refers to it from
     * outside (a decoder's list of references, a file mapping). 0 is no; anything else is yes, and
     * stays so until a reference is added.
     */
    int32_t (*is_unique)(const bmf_buffer *);
    /** Growth: a table for this memory, or null. */
    const void *(*extension)(const bmf_buffer *, bmf_str id);
};

/** What a packet carries, whatever that is. Its maker's own data follow the header. */
struct bmf_payload {
    /** References to it. */
    size_t refs;
    /** Its maker's functions. */
    const bmf_payload_vtable *vtable;
    /** What readers in other libraries have made of its views; null at first. */
    bmf_import *imports;
};

/**
 * What the maker of a bmf_payload does for it. May be called from any thread, several at a time.
 */
struct bmf_payload_vtable {
    /** `sizeof` of this struct. */
    size_t size;
    /**
     * The name of what it is: `bmf.video_frame`, or one with its maker's own prefix. Valid for
     * ever.
     */
    bmf_str tag;
    /**
     * The library that made it, as the address of anything in it. Only code of that library may
     * look behind the header.
     */
    const void *image;
    /** Frees the object. */
    void (*destroy)(bmf_payload *);
    /** Bytes of memory it holds, for queue limits and memory budgets. */
    size_t (*bytes)(const bmf_payload *);
    /**
     * Fills in the view of this `kind` (BMF_VIEW_VIDEO and its like), whose `size` its reader has
     * set; 0 if there is none. What a view points to lives as long as the payload.
     */
    int32_t (*view)(const bmf_payload *, uint32_t kind, void *out);
    /** Growth: a table for this payload, or null. */
    const void *(*extension)(const bmf_payload *, bmf_str id);
};

/**
 * What a reader has made of a payload of another library, kept with it so that it is made once. A
 * list to which anyone may add in front, by compare and exchange, and from which nobody takes until
 * the payload goes.
 */
struct bmf_import {
    /** The next one. */
    bmf_import *next;
    /** The library that made it, which alone may look behind this header. */
    const void *image;
    /** Frees it. */
    void (*drop)(bmf_import *);
};

/** A time in microseconds, and one reference to a payload. The same as what travels on streams. */
struct bmf_packet {
    /** When the payload is due. */
    int64_t timestamp;
    /** Never null in a packet that is passed. */
    bmf_payload *payload;
};

/*
 * Plain pictures of what payloads hold: pointers into them, nothing copied. Which views a payload
 * has goes with its tag:
 *
 * | tag | views |
 * |---|---|
 * | `bmf.video_frame` | bmf_video_view, bmf_plane_view, metadata into a bmf_pair_sink |
 * | `bmf.audio_frame` | bmf_audio_view, bmf_plane_view, metadata |
 * | `bmf.encoded_packet` | bmf_encoded_view |
 * | `bmf.tensor` | bmf_tensor_view |
 * | `bmf.bytes`, `bmf.text` | bmf_bytes_view |
 * | `bmf.json` | BMF_VIEW_TEXT into a bmf_sink |
 * | `bmf.int`, `bmf.bool` | BMF_VIEW_INT: an int64_t |
 * | `bmf.packets` | bmf_packets_view |
 *
 * A reader sets `size` before it asks. Ticks that are not known are BMF_NONE; where no tick is
 * known, the time base does not count. Sound and encoded data are in main memory.
 */

/** A fraction. 0/1 stands for what is not known. */
struct bmf_rational {
    /** Numerator. */
    int32_t num;
    /** Denominator, never 0. */
    int32_t den;
};

/** A window into memory, and what keeps it alive. One of no bytes may be all null. */
struct bmf_plane {
    /**
     * The lowest address, on the device. Read only, unless it came from a function that says
     * otherwise.
     */
    uint8_t *data;
    /** Bytes in the window. */
    size_t len;
    /** Valid bytes behind the window, which vector code may read. */
    size_t slack;
    /**
     * Bytes from one row to the next below; negative where the picture is stored upside down (then
     * the first row is the one at the highest address). 0 for what has no rows.
     */
    ptrdiff_t stride;
    /** Borrowed. Add a reference to keep the memory longer than what the window was taken from. */
    bmf_buffer *buffer;
};

/** A decoded picture. */
struct bmf_video_view {
    /** `sizeof` of this struct. */
    size_t size;
    /** FFmpeg's name of the pixel format, such as `yuv420p`. Valid for ever. */
    bmf_str format;
    /** In pixels, at least 1. */
    uint32_t width;
    /** In pixels, at least 1. */
    uint32_t height;
    /** How many of `planes` are used. */
    uint32_t plane_count;
    /** Where the pixels are: BMF_DEVICE_CPU or BMF_DEVICE_CUDA. */
    uint32_t device_kind;
    /** Which device of that kind. */
    uint32_t device_index;
    /**
     * Any of BMF_VIDEO_KEY_FRAME, BMF_VIDEO_INTERLACED, BMF_VIDEO_TOP_FIELD_FIRST.
     */
    uint32_t flags;
    /** When to show it, in ticks, or BMF_NONE. */
    int64_t pts;
    /** How long, in ticks; 0 if not known. */
    int64_t duration;
    /** The length of a tick in seconds. */
    bmf_rational time_base;
    /** Pictures per second, or 0/1. */
    bmf_rational frame_rate;
    /** Width of a pixel over its height, or 0/1. */
    bmf_rational sample_aspect_ratio;
    /** Code points of ITU-T H.273; 2 is unspecified. */
    uint32_t color_primaries;
    /** As above. */
    uint32_t color_transfer;
    /** As above. */
    uint32_t color_matrix;
    /** BMF_VIDEO_RANGE_LIMITED, BMF_VIDEO_RANGE_FULL or 0. */
    uint32_t color_range;
    /** 0 unspecified, 1 left, 2 centre, 3 top left, 4 top, 5 bottom left, 6 bottom. */
    uint32_t chroma_location;
    /** Padding, 0. */
    uint32_t reserved;
    /** The planes, in the format's order. */
    bmf_plane planes[4];
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_VIDEO 1

/** Pixels in main memory. */
#define BMF_DEVICE_CPU 0

/** Pixels in the memory of an NVIDIA GPU, complete on every stream of that device. */
#define BMF_DEVICE_CUDA 1

/** Decoding can start here. */
#define BMF_VIDEO_KEY_FRAME 1

/** Two fields, woven. */
#define BMF_VIDEO_INTERLACED 2

/** The field to show first is the top one. */
#define BMF_VIDEO_TOP_FIELD_FIRST 4

/** Luma from 16 to 235, chroma from 16 to 240; of more bits, as many times that. */
#define BMF_VIDEO_RANGE_LIMITED 1

/** All values count. */
#define BMF_VIDEO_RANGE_FULL 2

/** Decoded sound. Samples lie at addresses that are multiples of their size. */
struct bmf_audio_view {
    /** `sizeof` of this struct. */
    size_t size;
    /**
     * FFmpeg's name of the sample format: `s16`, or `fltp` where each channel has a plane of its
     * own. Valid for ever.
     */
    bmf_str format;
    /** Samples per channel. */
    uint64_t samples;
    /** Samples per second. */
    uint32_t sample_rate;
    /** How many channels. */
    uint32_t channels;
    /** Which ones, as FFmpeg's bit mask; 0 if that is not known. */
    uint64_t channel_mask;
    /** How many planes there are: `channels`, or 1. bmf_plane_view has each. */
    uint32_t plane_count;
    /** Padding, 0. */
    uint32_t reserved;
    /** When to play it, in ticks, or BMF_NONE. */
    int64_t pts;
    /** How long, in ticks; 0 if not known. */
    int64_t duration;
    /** The length of a tick in seconds. */
    bmf_rational time_base;
    /** The first planes. */
    bmf_plane planes[8];
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_AUDIO 2

/** A piece of an encoded stream. */
struct bmf_encoded_view {
    /** `sizeof` of this struct. */
    size_t size;
    /** The bytes. */
    bmf_plane data;
    /** When to show what is in it, in ticks, or BMF_NONE. */
    int64_t pts;
    /** When to decode it, in ticks, or BMF_NONE. */
    int64_t dts;
    /** How long it lasts, in ticks; 0 if not known. */
    int64_t duration;
    /** The length of a tick in seconds. */
    bmf_rational time_base;
    /**
     * What the stream carries: BMF_MEDIA_VIDEO, BMF_MEDIA_AUDIO, BMF_MEDIA_SUBTITLE or
     * BMF_MEDIA_DATA.
     */
    uint32_t media;
    /** Which stream of its file. */
    uint32_t stream_index;
    /** Whether decoding can start here: 0 or 1. */
    uint32_t key_frame;
    /** Padding, 0. */
    uint32_t reserved;
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_ENCODED 3

/** Pictures. */
#define BMF_MEDIA_VIDEO 0

/** Sound. */
#define BMF_MEDIA_AUDIO 1

/** Subtitles. */
#define BMF_MEDIA_SUBTITLE 2

/** Anything else. */
#define BMF_MEDIA_DATA 3

/** An array of numbers. Each lies at an address that is a multiple of its size. */
struct bmf_tensor_view {
    /** `sizeof` of this struct. */
    size_t size;
    /**
     * The memory, from the first element on; its `stride` is 0. Along dimensions with a negative
     * stride elements lie before it.
     */
    bmf_plane data;
    /** `u8 i8 u16 i16 i32 i64 f16 f32 f64`. Valid for ever. */
    bmf_str scalar;
    /** Where it is, as in bmf_video_view. */
    uint32_t device_kind;
    /** Which device of that kind. */
    uint32_t device_index;
    /** How many dimensions. */
    size_t dimensions;
    /** The size of each dimension. */
    const size_t *shape;
    /** Elements from one index to the next, of each dimension. */
    const ptrdiff_t *strides;
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_TENSOR 4

/** Bytes, or UTF-8. */
struct bmf_bytes_view {
    /** `sizeof` of this struct. */
    size_t size;
    /** The first byte. */
    const uint8_t *data;
    /** How many. */
    size_t len;
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_BYTES 5

/** The `kind` to ask for to have JSON written into a bmf_sink. */
#define BMF_VIEW_TEXT 6

/** The `kind` to ask for to have an int64_t filled in; 0 or 1 for a truth value. */
#define BMF_VIEW_INT 7

/** Several packets as one. */
struct bmf_packets_view {
    /** `sizeof` of this struct. */
    size_t size;
    /** The first one; all are borrowed. */
    const bmf_packet *packets;
    /** How many. */
    size_t len;
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_PACKETS 8

/** One plane of a picture or of sound. */
struct bmf_plane_view {
    /** `sizeof` of this struct. */
    size_t size;
    /** Which one; the reader sets it. */
    size_t index;
    /** Filled in. */
    bmf_plane plane;
};

/** The `kind` to ask a payload for. */
#define BMF_VIEW_PLANE 9

/** The `kind` to ask for to have metadata written into a bmf_pair_sink. */
#define BMF_VIEW_METADATA 10

/**
 * The bytes of a plane: groups of `bits`, each for a block of pixels whose sides are powers of two.
 * Blocks at the right and lower edge may reach beyond the picture. Of a palette all are 0.
 */
struct bmf_pixel_plane {
    /** Bits of a group. */
    uint8_t bits;
    /** The width of a block is 2 to the power of this. */
    uint8_t log2_width;
    /** The height of a block is 2 to the power of this. */
    uint8_t log2_height;
    /** Padding, 0. */
    uint8_t reserved;
};

/**
 * Where the samples of a component lie. Sample `n` of a row is the word of `word` bytes at byte `n
 * * step + offset`, shifted right by `shift`, of which the low `depth` bits count. In formats of
 * BMF_PIXEL_FORMAT_BITSTREAM `step` is in bits, and `shift` counts within a pixel's.
 */
struct bmf_pixel_component {
    /** The plane it is in. */
    uint8_t plane;
    /** Bytes from one sample to the next. */
    uint8_t step;
    /** Bytes before the first sample. */
    uint8_t offset;
    /** Bytes in the word that holds a sample. */
    uint8_t word;
    /** Bits below the sample. */
    uint8_t shift;
    /** Bits of the sample. */
    uint8_t depth;
    /** Padding, 0. */
    uint8_t reserved[2];
};

/** Where the samples of a pixel format lie. */
struct bmf_pixel_format {
    /** `sizeof` of this struct. */
    size_t size;
    /** FFmpeg's name. Valid for ever. */
    bmf_str name;
    /** How many of `planes` are used. */
    uint32_t plane_count;
    /** How many of `components` are used. */
    uint32_t component_count;
    /** Bits per sample of the deepest component. */
    uint32_t depth;
    /** Any of BMF_PIXEL_FORMAT_ALPHA, BMF_PIXEL_FORMAT_RGB and so on. */
    uint32_t flags;
    /** The bytes of each plane. */
    bmf_pixel_plane planes[4];
    /** Luma, blue difference, red difference; or red, green, blue; then alpha. */
    bmf_pixel_component components[4];
};

/** One component is opacity. */
#define BMF_PIXEL_FORMAT_ALPHA 1

/** The colours are red, green and blue, not luma and chroma. */
#define BMF_PIXEL_FORMAT_RGB 2

/** Luma and chroma use the full range whatever the picture's `color_range` says. */
#define BMF_PIXEL_FORMAT_FULL_RANGE 4

/** Pixels are smaller than a byte, the first in the high bits. */
#define BMF_PIXEL_FORMAT_BITSTREAM 8

/** Samples are indices into plane 1: 256 native-endian words `0xAARRGGBB`, one row. */
#define BMF_PIXEL_FORMAT_PALETTE 16

/** Samples are IEEE floats. */
#define BMF_PIXEL_FORMAT_FLOAT 32

/** Words of more than a byte have their high byte first. */
#define BMF_PIXEL_FORMAT_BIG_ENDIAN 64

/** Each pixel has one of three colours, by its place in a 2x2 pattern. */
#define BMF_PIXEL_FORMAT_BAYER 128

/** The colours are CIE X, Y and Z. */
#define BMF_PIXEL_FORMAT_XYZ 256

/*
 * What a plugin offers: kinds of modules, and the modules made of them.
 */

/** One unit of work. Only the host knows what is in it; bmf_task_api has its functions. */
struct bmf_task;

/**
 * What a module knows of its surroundings. Only the host knows what is in it; bmf_context_api has
 * its functions. Valid from `open` until `destroy` returns.
 */
struct bmf_context;

/** A kind of module. All functions may be called from any thread, several at a time. */
struct bmf_module_type {
    /** `sizeof` of this struct. */
    size_t size;
    /** The maker's own; passed back to each function. */
    const void *data;
    /**
     * Writes the descriptor as JSON: name, version, ports, options and so on. Its keys are those of
     * `bmf inspect --json NAME`; only `name` must be there.
     */
    void (*describe)(const void *data, const bmf_sink *out);
    /**
     * Checks options, a JSON object, and writes what is wrong as a JSON array of objects with
     * `path`, `kind` (`"invalid"` or `"unknown"`), `message` and perhaps `hint`. Null: only the
     * names of options are checked, against the JSON Schema under `options` of the descriptor, if
     * that has `properties`.
     */
    void (*check)(const void *data, bmf_str options, const bmf_sink *out);
    /**
     * Makes a module with these options, a JSON object. Opens nothing. BMF_OK, BMF_FAILED or
     * BMF_PANICKED.
     */
    int32_t (*create)(
        const void *data,
        bmf_str options,
        bmf_module *out,
        const bmf_error_sink *error);
    /**
     * Whether several modules may share the input of one node: writes JSON, `"possible"`,
     * `{"doubtful": "why"}` or `{"impossible": "why"}`. Null: they may.
     */
    void (*sharing)(const void *data, bmf_str options, const bmf_sink *out);
    /**
     * What `{"verb": …, "args": [{"word": …} or {"pair": [key, value]}, …]}` of a one-line graph
     * stands for: writes `{"ok": {"options": …, "takes": "video"}}` or `{"error": "why"}`. Called
     * only with the verbs of the descriptor. Null: the module has no verbs.
     */
    void (*shorthand)(const void *data, bmf_str request, const bmf_sink *out);
    /** Growth: a table for this kind of module, or null. */
    const void *(*extension)(const void *data, bmf_str id);
};

/** A module: an object and its functions. Whoever has it calls `destroy` once. */
struct bmf_module {
    /** Passed to each function. */
    void *data;
    /** Valid as long as the module. */
    const bmf_module_vtable *vtable;
};

/**
 * The functions of a bmf_module. Called one at a time, from changing threads: `open` once, `start`
 * after it, `process` as often as there is work, `close` once if `open` succeeded, `report`,
 * `destroy`. Those that return an int32_t return BMF_OK, BMF_FAILED or BMF_PANICKED. Null stands
 * for a function that does nothing and succeeds.
 */
struct bmf_module_vtable {
    /** `sizeof` of this struct. */
    size_t size;
    /** Prepares the module: files and devices are opened here. */
    int32_t (*open)(void *data, const bmf_context *context, const bmf_error_sink *error);
    /** Sends what must be there before the first input; again after each `flush`. */
    int32_t (*start)(void *data, bmf_task *task, const bmf_error_sink *error);
    /**
     * Fills in what the module promises about the times of its outputs. Asked at most once, after
     * `open`.
     */
    void (*promise)(void *data, bmf_promise *out);
    /**
     * Forgets what was taken and not sent; a source goes on from `seek`, unless that is BMF_NONE.
     */
    int32_t (*flush)(void *data, int64_t seek, const bmf_error_sink *error);
    /**
     * Handles one task. Also returns BMF_FLOW_WAIT, BMF_FLOW_MORE or BMF_FLOW_DONE.
     */
    int32_t (*process)(void *data, bmf_task *task, const bmf_error_sink *error);
    /**
     * Releases what `open` took. `ending` is BMF_ENDING_FINISHED, BMF_ENDING_STOPPED or
     * BMF_ENDING_FAILED; on the last two partial outputs are to be finished as well as possible.
     */
    int32_t (*close)(void *data, uint32_t ending, const bmf_error_sink *error);
    /**
     * Writes counters, files written and warnings as JSON: `{"counters": {"name": 1}, "outputs":
     * [{"path": …}], "warnings": […]}`. Read once, after `close`.
     */
    void (*report)(void *data, const bmf_sink *out);
    /** Frees the module, whether or not it was opened. */
    int32_t (*destroy)(void *data, const bmf_error_sink *error);
    /** Growth: a table for this module, or null. */
    const void *(*extension)(void *data, bmf_str id);
};

/** Call again when there is new input; where none can come any more, the same as BMF_FLOW_DONE. */
#define BMF_FLOW_WAIT 0

/** Call again even without new input. */
#define BMF_FLOW_MORE 1

/** All outputs end; no further call but `close`. */
#define BMF_FLOW_DONE 2

/** The module said it was done, or its inputs ended. */
#define BMF_ENDING_FINISHED 0

/** The graph was cancelled, or nobody consumes the outputs any more. */
#define BMF_ENDING_STOPPED 1

/** This node or another one failed. */
#define BMF_ENDING_FAILED 2

/** What a module promises about the times of the packets it sends. */
struct bmf_promise {
    /** BMF_PROMISE_NOTHING, BMF_PROMISE_OFFSET or BMF_PROMISE_PER_PORT. */
    uint32_t kind;
    /** Padding, 0. */
    uint32_t reserved;
    /** For BMF_PROMISE_OFFSET, in microseconds. */
    int64_t offset;
};

/** No promise. */
#define BMF_PROMISE_NOTHING 0

/** What it makes of input at T is `offset` later or more, on all outputs. */
#define BMF_PROMISE_OFFSET 1

/** What it sends on output i comes from input i and keeps its time. */
#define BMF_PROMISE_PER_PORT 2

/*
 * What a host does for its plugins. All functions may be called from any thread, except where a
 * bmf_task is passed.
 */

/** The host as a plugin sees it. Lives as long as the process. */
struct bmf_host {
    /** `sizeof` of this struct. */
    size_t size;
    /** The host's BMF_VERSION_MAJOR. */
    uint32_t version_major;
    /** The host's BMF_VERSION_MINOR. */
    uint32_t version_minor;
    /** Name and version, for messages. */
    bmf_str name;
    /**
     * The most detailed level that is logged now: 0 nothing, 1 errors, 2 warnings, 3 information, 4
     * debugging, 5 all.
     */
    uint32_t (*log_level)(void);
    /** Logs a line. */
    void (*log)(const bmf_log_record *record);
    /** Functions for tasks. */
    const bmf_task_api *task;
    /** Functions for contexts. */
    const bmf_context_api *context;
    /** Makes and changes frames and other payloads. For languages that have no `bmf-hmp`. */
    const bmf_media_api *media;
    /** Growth: a table, or null. */
    const void *(*extension)(bmf_str id);
};

/** A line for the log. */
struct bmf_log_record {
    /** `sizeof` of this struct. */
    size_t size;
    /** 1 error to 5 trace, as for `log_level`. */
    uint32_t level;
    /** Line in `file`, or 0. */
    uint32_t line;
    /** Who speaks: the name of the plugin or of a part of it. */
    bmf_str target;
    /** Source file; may be empty. */
    bmf_str file;
    /** What there is to say. */
    bmf_str message;
};

/** How an input stands. */
struct bmf_task_input {
    /** Packets that can be popped. */
    size_t packets;
    /**
     * The earliest time at which another packet can come after those: microseconds, and INT64_MAX
     * when nothing can.
     */
    int64_t bound;
    /** Any of BMF_INPUT_CONNECTED, BMF_INPUT_ENDED, BMF_INPUT_JOB_ENDED. */
    uint32_t flags;
    /** Padding, 0. */
    uint32_t reserved;
};

/** Somebody produces this input. */
#define BMF_INPUT_CONNECTED 1

/** Nothing more will arrive after `packets`. */
#define BMF_INPUT_ENDED 2

/** A job ends after `packets`; said with one task only. */
#define BMF_INPUT_JOB_ENDED 4

/** How an output stands. */
struct bmf_task_output {
    /**
     * How many packets its consumers still take; kept up to date for modules whose descriptor says
     * `any_room`.
     */
    size_t room;
    /** Any of BMF_OUTPUT_CONNECTED, BMF_OUTPUT_ENDED. */
    uint32_t flags;
    /** Padding, 0. */
    uint32_t reserved;
};

/** Somebody consumes this output. */
#define BMF_OUTPUT_CONNECTED 1

/** The module has ended it. */
#define BMF_OUTPUT_ENDED 2

/**
 * Functions for a bmf_task: only in the call that lent it, only from the thread that makes it.
 * Ports that do not exist have no packets and swallow what is sent.
 */
struct bmf_task_api {
    /** `sizeof` of this struct. */
    size_t size;
    /** The time the task is for; false if the input policy defines none. */
    bool (*timestamp)(const bmf_task *, int64_t *out);
    /** How many input ports there are. */
    size_t (*inputs)(const bmf_task *);
    /** How many output ports there are. */
    size_t (*outputs)(const bmf_task *);
    /** How an input stands; false if there is no such port. */
    bool (*input)(const bmf_task *, size_t port, bmf_task_input *out);
    /** How an output stands; false if there is no such port. */
    bool (*output)(const bmf_task *, size_t port, bmf_task_output *out);
    /** Takes the next packet of an input, which the caller then owns; false if there is none. */
    bool (*pop)(bmf_task *, size_t port, bmf_packet *out);
    /**
     * Puts a packet back in front of an input, to be offered again with the next task. Consumes it.
     */
    void (*put_back)(bmf_task *, size_t port, bmf_packet packet);
    /** Sends a packet on an output. Consumes it. */
    void (*push)(bmf_task *, size_t port, bmf_packet packet);
    /** Promises that nothing earlier than `bound` (microseconds) will be sent on an output. */
    void (*set_bound)(bmf_task *, size_t port, int64_t bound);
    /** Ends a job on an output: what follows is the next one's. */
    void (*end_job)(bmf_task *, size_t port);
    /** Ends an output before the node is done. */
    void (*end)(bmf_task *, size_t port);
    /**
     * Sends what is on the outputs now; for modules whose descriptor says `flushes_early`. BMF_OK
     * or BMF_FAILED.
     */
    int32_t (*flush_outputs)(bmf_task *, const bmf_error_sink *error);
};

/** Something to be done later, with data of the plugin. */
struct bmf_action {
    /** Passed to both functions. */
    void *data;
    /** Does it, once. Must neither block nor call back. */
    void (*run)(void *data);
    /** Frees `data`; called once, after `run` or instead of it. */
    void (*drop)(void *data);
};

/** Functions for a bmf_context. Texts live as long as it does. */
struct bmf_context_api {
    /** `sizeof` of this struct. */
    size_t size;
    /** The node's name, for messages. */
    bmf_str (*node)(const bmf_context *);
    /** Whether the user asked that doubtful input be an error instead of a warning. */
    bool (*is_strict)(const bmf_context *);
    /** How many input ports there are. */
    size_t (*inputs)(const bmf_context *);
    /** How many output ports there are. */
    size_t (*outputs)(const bmf_context *);
    /** Whether somebody produces an input. */
    bool (*is_input_connected)(const bmf_context *, size_t port);
    /** Whether somebody consumes an output. */
    bool (*is_output_connected)(const bmf_context *, size_t port);
    /** Whether the graph wants to end: what blocks should give up. */
    bool (*is_interrupted)(const bmf_context *);
    /**
     * Runs `action`, which is copied, when the graph wants to end, or now if it does already; from
     * any thread. None runs once `destroy` of the module has begun, and all have been dropped
     * before it returns.
     */
    void (*on_interrupt)(const bmf_context *, const bmf_action *action);
    /** Tells how long the media of a source is, in microseconds, for progress displays. */
    void (*set_duration)(const bmf_context *, int64_t micros);
};

/**
 * Makes and changes payloads. Functions that make a packet fill in `out`, which the caller then
 * owns, and return BMF_OK, or return BMF_FAILED. Where one that changes a packet fails, the packet
 * is as it was; only if the host lost what was in it, its payload is null.
 */
struct bmf_media_api {
    /** `sizeof` of this struct. */
    size_t size;
    /**
     * Memory of `len` bytes out of the host's pool, aligned to 64 bytes. The caller owns the
     * reference in `out->buffer`, and may write while it is the only one.
     */
    int32_t (*buffer)(size_t len, bmf_plane *out, const bmf_error_sink *error);
    /**
     * A picture, from the `format`, sizes, times and colours of a view. Where `plane_count` is 0
     * its pixels are new, in main memory; else it shares the planes, each with a `buffer` to which
     * a reference is added.
     */
    int32_t (*video)(
        int64_t timestamp,
        const bmf_video_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    /**
     * Makes the pixels of a picture writable, in `packet`, which may become another one: what is
     * shared is copied first. Fills in `out`, whose planes may be written until the packet is
     * passed on.
     */
    int32_t (*video_for_writing)(
        bmf_packet *packet,
        bmf_video_view *out,
        const bmf_error_sink *error);
    /** Sound, from a view; `plane_count` as for `video`, at most 8 planes. */
    int32_t (*audio)(
        int64_t timestamp,
        const bmf_audio_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    /** As `video_for_writing`. */
    int32_t (*audio_for_writing)(
        bmf_packet *packet,
        bmf_audio_view *out,
        const bmf_error_sink *error);
    /** A piece of an encoded stream, sharing the memory of `from->data`. */
    int32_t (*encoded)(
        int64_t timestamp,
        const bmf_encoded_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    /** An array, sharing the memory of `from->data`. */
    int32_t (*tensor)(
        int64_t timestamp,
        const bmf_tensor_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    /**
     * A copy of `bytes`, as a packet of tag `bmf.bytes`, `bmf.text` or `bmf.json`. The latter two
     * must be UTF-8, the last one JSON.
     */
    int32_t (*bytes)(
        int64_t timestamp,
        bmf_str tag,
        bmf_str bytes,
        bmf_packet *out,
        const bmf_error_sink *error);
    /** A number, as a packet of tag `bmf.int` or `bmf.bool`. */
    int32_t (*integer)(
        int64_t timestamp,
        bmf_str tag,
        int64_t value,
        bmf_packet *out,
        const bmf_error_sink *error);
    /**
     * Sets an entry of the metadata of a picture or of sound; an empty value removes it. The packet
     * may become another one.
     */
    int32_t (*set_metadata)(
        bmf_packet *packet,
        bmf_str key,
        bmf_str value,
        const bmf_error_sink *error);
    /**
     * Fills in what there is to know about the pixel format of this name, for which `out->size` is
     * set. False if there is none.
     */
    bool (*pixel_format)(bmf_str name, bmf_pixel_format *out);
};

/*
 * The library as a whole, and the one symbol it exports.
 */

/**
 * A plugin library exports one function whose name starts with this, with the major version in it,
 * and goes on with a name of the library's own, so that several can be linked into one program. A
 * library without such a symbol is not a plugin, and one with another number is for another
 * contract: both are seen without running any of its code.
 */
#define BMF_ENTRY_PREFIX "bmf_plugin_v1_"

/** The name of the exported function of a library of that name. */
#define BMF_ENTRY(name) bmf_plugin_v1_##name

/**
 * The exported function. Called once per library and process, before anything else; `host` lives as
 * long as the process, and so must the result. Null: the plugin refuses this host, or cannot be
 * used here; why was told to `error`.
 */
typedef const bmf_plugin *(*bmf_entry)(const bmf_host *host, const bmf_error_sink *error);

/** A plugin library. */
struct bmf_plugin {
    /** `sizeof` of this struct. */
    size_t size;
    /** The plugin's BMF_VERSION_MAJOR. */
    uint32_t version_major;
    /** The plugin's BMF_VERSION_MINOR. */
    uint32_t version_minor;
    /** Its name. */
    bmf_str name;
    /** Its version. */
    bmf_str version;
    /** With what it was built: compiler and kit, for messages. */
    bmf_str built_with;
    /** BMF_PLUGIN_PANIC_ABORTS or 0. */
    uint32_t flags;
    /**
     * Which of several libraries with a module of the same name is used: the one with the highest
     * number. 0 is usual.
     */
    int32_t rank;
    /** How many modules. */
    size_t module_count;
    /** The modules. */
    const bmf_module_type *const *modules;
    /** Growth: a table, or null. May be null itself. */
    const void *(*extension)(bmf_str id);
};

/** A panic in the plugin ends the process: it was built with `panic = "abort"`. */
#define BMF_PLUGIN_PANIC_ABORTS 1

/*
 * What makes the contract handy in C. Nothing from here on is part of it: no type, and no function
 * that is called across a border.
 */

/** Marks what a plugin exports, whatever visibility it is compiled with. */
#if defined(_WIN32)
#define BMF_VISIBLE __declspec(dllexport)
#else
#define BMF_VISIBLE __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define BMF_EXTERN_C extern "C"
#else
#define BMF_EXTERN_C
#endif
#if defined(__GNUC__)
#define BMF_UNUSED __attribute__((unused))
#else
#define BMF_UNUSED
#endif

/**
 * Starts the entry of a plugin, which gets `const bmf_host *the_host` and returns a `const bmf_plugin *`
 * that lives as long as the process. Or it tells `const bmf_error_sink *error` why not and returns null.
 * The name is the library's own:
 *
 *     BMF_PLUGIN(my_filters) {
 *         if (!bmf_fits(the_host, error)) {
 *             return NULL;
 *         }
 *         host = the_host;
 *         return &plugin;
 *     }
 */
#define BMF_PLUGIN(name) \
    BMF_EXTERN_C BMF_VISIBLE const bmf_plugin *BMF_ENTRY(name)(const bmf_host *, const bmf_error_sink *); \
    BMF_EXTERN_C const bmf_plugin *BMF_ENTRY(name)(BMF_UNUSED const bmf_host *the_host, \
                                                   BMF_UNUSED const bmf_error_sink *error)

/** A literal as a text; BMF_STR_INIT is for the initialiser of a static. */
#define BMF_STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
#ifdef __cplusplus
#define BMF_STR(literal) (bmf_str BMF_STR_INIT(literal))
#else
#define BMF_STR(literal) ((bmf_str)BMF_STR_INIT(literal))
/** Initialises a table or view with its size, the rest with zeros: `bmf_video_view v = BMF_SIZED(v);` */
#define BMF_SIZED(variable) { .size = sizeof(variable) }
#endif

/** Levels of the log. */
#define BMF_LOG_ERROR 1
#define BMF_LOG_WARNING 2
#define BMF_LOG_INFO 3
#define BMF_LOG_DEBUG 4
#define BMF_LOG_TRACE 5

#if defined(__GNUC__)
#define BMF_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define BMF_PRINTF(text, first)
#endif

/** A text that ends with a zero; null is the empty one. */
static inline bmf_str bmf_str_from(const char *text) {
    bmf_str out;
    out.ptr = text;
    out.len = text ? strlen(text) : 0;
    return out;
}

/** Whether a text is this one. */
static inline bool bmf_str_is(bmf_str text, const char *other) {
    return text.len == strlen(other) && (text.len == 0 || memcmp(text.ptr, other, text.len) == 0);
}

/* -- Counting ----------------------------------------------------------------------------------- */

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#if defined(_WIN64)
#define BMF_EXCHANGE_ADD(refs, by) _InterlockedExchangeAdd64((volatile __int64 *)(refs), by)
#else
#define BMF_EXCHANGE_ADD(refs, by) _InterlockedExchangeAdd((volatile long *)(refs), by)
#endif
static inline void bmf_count_up(size_t *refs) {
    BMF_EXCHANGE_ADD(refs, 1);
}
static inline bool bmf_count_down(size_t *refs) {
    return BMF_EXCHANGE_ADD(refs, -1) == 1;
}
#else
/** Adds a reference. */
static inline void bmf_count_up(size_t *refs) {
    __atomic_fetch_add(refs, 1, __ATOMIC_RELAXED);
}
/** Takes a reference away; true for the last one. */
static inline bool bmf_count_down(size_t *refs) {
    if (__atomic_fetch_sub(refs, 1, __ATOMIC_RELEASE) != 1) {
        return false;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return true;
}
#endif

/** Keeps memory longer than what it was taken from. */
static inline void bmf_buffer_retain(bmf_buffer *buffer) {
    bmf_count_up(&buffer->refs);
}

/** Lets go of memory; null is fine. */
static inline void bmf_buffer_release(bmf_buffer *buffer) {
    if (buffer && bmf_count_down(&buffer->refs)) {
        buffer->vtable->destroy(buffer);
    }
}

/** A second packet with the same payload. */
static inline bmf_packet bmf_packet_clone(const bmf_packet *packet) {
    bmf_count_up(&packet->payload->refs);
    return *packet;
}

/** Lets go of a packet, which is empty from then on; an empty one is fine. */
static inline void bmf_packet_release(bmf_packet *packet) {
    bmf_payload *payload = packet->payload;
    packet->payload = NULL;
    if (payload && bmf_count_down(&payload->refs)) {
        bmf_import *import = payload->imports;
        while (import) {
            bmf_import *next = import->next;
            import->drop(import);
            import = next;
        }
        payload->vtable->destroy(payload);
    }
}

/* -- Reading packets ------------------------------------------------------------------------------ */

/** Whether a packet carries this: `bmf_packet_is(&packet, "bmf.video_frame")`. */
static inline bool bmf_packet_is(const bmf_packet *packet, const char *tag) {
    return bmf_str_is(packet->payload->vtable->tag, tag);
}

/** Asks for a view whose `size` is set. Those below set it, and return false for other payloads. */
static inline bool bmf_packet_view(const bmf_packet *packet, uint32_t kind, void *out) {
    return packet->payload->vtable->view(packet->payload, kind, out) != 0;
}

/** A picture. */
static inline bool bmf_view_video(const bmf_packet *packet, bmf_video_view *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return bmf_packet_view(packet, BMF_VIEW_VIDEO, out);
}

/** Sound. */
static inline bool bmf_view_audio(const bmf_packet *packet, bmf_audio_view *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return bmf_packet_view(packet, BMF_VIEW_AUDIO, out);
}

/** A piece of an encoded stream. */
static inline bool bmf_view_encoded(const bmf_packet *packet, bmf_encoded_view *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return bmf_packet_view(packet, BMF_VIEW_ENCODED, out);
}

/** An array of numbers. */
static inline bool bmf_view_tensor(const bmf_packet *packet, bmf_tensor_view *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return bmf_packet_view(packet, BMF_VIEW_TENSOR, out);
}

/** Bytes or text. */
static inline bool bmf_view_bytes(const bmf_packet *packet, bmf_bytes_view *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return bmf_packet_view(packet, BMF_VIEW_BYTES, out);
}

/** Several packets in one. */
static inline bool bmf_view_packets(const bmf_packet *packet, bmf_packets_view *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return bmf_packet_view(packet, BMF_VIEW_PACKETS, out);
}

/** One plane of a picture or of sound; for sound of more channels than its view has planes. */
static inline bool bmf_view_plane(const bmf_packet *packet, size_t index, bmf_plane *out) {
    bmf_plane_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    view.index = index;
    if (!bmf_packet_view(packet, BMF_VIEW_PLANE, &view)) {
        return false;
    }
    *out = view.plane;
    return true;
}

/** A number or truth value. */
static inline bool bmf_view_int(const bmf_packet *packet, int64_t *out) {
    return bmf_packet_view(packet, BMF_VIEW_INT, out);
}

/* -- Pixels --------------------------------------------------------------------------------------- */

/** What there is to know about the pixel format of a picture; false if the host does not know it. */
static inline bool bmf_describe(const bmf_host *host, const bmf_video_view *picture, bmf_pixel_format *out) {
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    return host->media->pixel_format(picture->format, out);
}

/** How many rows a plane has. */
static inline size_t bmf_rows(const bmf_pixel_format *format, size_t plane, uint32_t height) {
    unsigned log2 = format->planes[plane].log2_height;
    if (format->planes[plane].bits == 0) {
        return 1;
    }
    return ((size_t)height + ((size_t)1 << log2) - 1) >> log2;
}

/** How many bytes of a row are pixels. */
static inline size_t bmf_row_bytes(const bmf_pixel_format *format, size_t plane, uint32_t width) {
    unsigned log2 = format->planes[plane].log2_width;
    size_t groups = ((size_t)width + ((size_t)1 << log2) - 1) >> log2;
    if (format->planes[plane].bits == 0) {
        return 256 * 4;
    }
    return (groups * format->planes[plane].bits + 7) / 8;
}

/** The first byte of a row, also of planes that are stored upside down. */
static inline uint8_t *bmf_row(const bmf_plane *plane, size_t rows, size_t y) {
    if (plane->stride < 0) {
        return plane->data + (size_t)-plane->stride * (rows - 1 - y);
    }
    return plane->data + (size_t)plane->stride * y;
}

/* -- Speaking ------------------------------------------------------------------------------------- */

/** Writes a text to who asked for it. */
static inline void bmf_write(const bmf_sink *sink, bmf_str text) {
    sink->write(sink->target, text);
}

/** Tells why a call fails and what the user can do. Returns BMF_FAILED, for `return`. */
static inline int32_t bmf_fail_hint(const bmf_error_sink *error, const char *message, const char *hint) {
    bmf_error_info info;
    memset(&info, 0, sizeof info);
    info.size = sizeof info;
    info.message = bmf_str_from(message);
    info.hint = bmf_str_from(hint);
    info.timestamp = BMF_NONE;
    error->report(error->target, &info);
    return BMF_FAILED;
}

/** Tells why a call fails. Returns BMF_FAILED, for `return`. */
static inline int32_t bmf_fail(const bmf_error_sink *error, const char *message) {
    return bmf_fail_hint(error, message, NULL);
}

/** Formats into `buffer`. What is cut off is cut off before a character, not within one. */
static inline bmf_str bmf_format(char *buffer, size_t size, const char *format, va_list values) {
    int wanted = vsnprintf(buffer, size, format, values);
    size_t len = wanted < 0 ? 0 : (size_t)wanted;
    bmf_str out;
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)buffer[len - 1] & 0xC0) == 0x80) {
            len -= 1;
        }
        if (len > 0 && ((unsigned char)buffer[len - 1] & 0x80)) {
            len -= 1;
        }
    }
    buffer[len] = 0;
    out.ptr = buffer;
    out.len = len;
    return out;
}

/** As bmf_fail_hint, with a message as for printf, of up to a thousand bytes. */
static inline int32_t bmf_failf(const bmf_error_sink *error, const char *hint, const char *format, ...)
    BMF_PRINTF(3, 4);
static inline int32_t bmf_failf(const bmf_error_sink *error, const char *hint, const char *format, ...) {
    char message[1024];
    va_list values;
    va_start(values, format);
    bmf_format(message, sizeof message, format, values);
    va_end(values);
    return bmf_fail_hint(error, message, hint);
}

/**
 * Whether a host is of the contract that this was compiled with; if not, why is told. For the entry of a
 * plugin, before it uses anything else of the host.
 */
static inline bool bmf_fits(const bmf_host *host, const bmf_error_sink *error) {
    if (host->version_major != BMF_VERSION_MAJOR) {
        bmf_failf(error, NULL, "it is for version %u of the contract, this program has %u",
                  (unsigned)BMF_VERSION_MAJOR, (unsigned)host->version_major);
        return false;
    }
    if (host->size < sizeof *host) {
        bmf_fail(error, "the table of this program is too small");
        return false;
    }
    return true;
}

/** Logs a line as for printf, of up to a thousand bytes. `target` is the name of who speaks. */
static inline void bmf_log(const bmf_host *host, uint32_t level, const char *target, const char *format, ...)
    BMF_PRINTF(4, 5);
static inline void bmf_log(const bmf_host *host, uint32_t level, const char *target, const char *format, ...) {
    char message[1024];
    bmf_log_record record;
    va_list values;
    if (level > host->log_level()) {
        return;
    }
    memset(&record, 0, sizeof record);
    record.size = sizeof record;
    record.level = level;
    record.target = bmf_str_from(target);
    va_start(values, format);
    record.message = bmf_format(message, sizeof message, format, values);
    va_end(values);
    host->log(&record);
}

#ifdef __cplusplus
}
#endif

#endif
