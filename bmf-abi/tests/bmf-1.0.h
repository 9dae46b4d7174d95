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
#define BMF_VERSION_MAJOR 1
#define BMF_VERSION_MINOR 0
#define BMF_NONE INT64_MIN
#define BMF_OK 0
#define BMF_FAILED (-1)
#define BMF_PANICKED (-2)
struct bmf_str {
    const char *ptr;
    size_t len;
};
struct bmf_sink {
    void *target;
    void (*write)(void *target, bmf_str text);
};
struct bmf_pair_sink {
    void *target;
    void (*write)(void *target, bmf_str key, bmf_str value);
};
struct bmf_error_info {
    size_t size;
    bmf_str message;
    bmf_str hint;
    bmf_str port;
    int64_t timestamp;
};
struct bmf_error_sink {
    void *target;
    void (*report)(void *target, const bmf_error_info *error);
};
struct bmf_buffer {
    size_t refs;
    const bmf_buffer_vtable *vtable;
};
struct bmf_buffer_vtable {
    size_t size;
    void (*destroy)(bmf_buffer *);
    int32_t (*is_unique)(const bmf_buffer *);
    const void *(*extension)(const bmf_buffer *, bmf_str id);
};
struct bmf_payload {
    size_t refs;
    const bmf_payload_vtable *vtable;
    bmf_import *imports;
};
struct bmf_payload_vtable {
    size_t size;
    bmf_str tag;
    const void *image;
    void (*destroy)(bmf_payload *);
    size_t (*bytes)(const bmf_payload *);
    int32_t (*view)(const bmf_payload *, uint32_t kind, void *out);
    const void *(*extension)(const bmf_payload *, bmf_str id);
};
struct bmf_import {
    bmf_import *next;
    const void *image;
    void (*drop)(bmf_import *);
};
struct bmf_packet {
    int64_t timestamp;
    bmf_payload *payload;
};
struct bmf_rational {
    int32_t num;
    int32_t den;
};
struct bmf_plane {
    uint8_t *data;
    size_t len;
    size_t slack;
    ptrdiff_t stride;
    bmf_buffer *buffer;
};
struct bmf_video_view {
    size_t size;
    bmf_str format;
    uint32_t width;
    uint32_t height;
    uint32_t plane_count;
    uint32_t device_kind;
    uint32_t device_index;
    uint32_t flags;
    int64_t pts;
    int64_t duration;
    bmf_rational time_base;
    bmf_rational frame_rate;
    bmf_rational sample_aspect_ratio;
    uint32_t color_primaries;
    uint32_t color_transfer;
    uint32_t color_matrix;
    uint32_t color_range;
    uint32_t chroma_location;
    uint32_t reserved;
    bmf_plane planes[4];
};
#define BMF_VIEW_VIDEO 1
#define BMF_DEVICE_CPU 0
#define BMF_DEVICE_CUDA 1
#define BMF_VIDEO_KEY_FRAME 1
#define BMF_VIDEO_INTERLACED 2
#define BMF_VIDEO_TOP_FIELD_FIRST 4
#define BMF_VIDEO_RANGE_LIMITED 1
#define BMF_VIDEO_RANGE_FULL 2
struct bmf_audio_view {
    size_t size;
    bmf_str format;
    uint64_t samples;
    uint32_t sample_rate;
    uint32_t channels;
    uint64_t channel_mask;
    uint32_t plane_count;
    uint32_t reserved;
    int64_t pts;
    int64_t duration;
    bmf_rational time_base;
    bmf_plane planes[8];
};
#define BMF_VIEW_AUDIO 2
struct bmf_encoded_view {
    size_t size;
    bmf_plane data;
    int64_t pts;
    int64_t dts;
    int64_t duration;
    bmf_rational time_base;
    uint32_t media;
    uint32_t stream_index;
    uint32_t key_frame;
    uint32_t reserved;
};
#define BMF_VIEW_ENCODED 3
#define BMF_MEDIA_VIDEO 0
#define BMF_MEDIA_AUDIO 1
#define BMF_MEDIA_SUBTITLE 2
#define BMF_MEDIA_DATA 3
struct bmf_tensor_view {
    size_t size;
    bmf_plane data;
    bmf_str scalar;
    uint32_t device_kind;
    uint32_t device_index;
    size_t dimensions;
    const size_t *shape;
    const ptrdiff_t *strides;
};
#define BMF_VIEW_TENSOR 4
struct bmf_bytes_view {
    size_t size;
    const uint8_t *data;
    size_t len;
};
#define BMF_VIEW_BYTES 5
#define BMF_VIEW_TEXT 6
#define BMF_VIEW_INT 7
struct bmf_packets_view {
    size_t size;
    const bmf_packet *packets;
    size_t len;
};
#define BMF_VIEW_PACKETS 8
struct bmf_plane_view {
    size_t size;
    size_t index;
    bmf_plane plane;
};
#define BMF_VIEW_PLANE 9
#define BMF_VIEW_METADATA 10
struct bmf_pixel_plane {
    uint8_t bits;
    uint8_t log2_width;
    uint8_t log2_height;
    uint8_t reserved;
};
struct bmf_pixel_component {
    uint8_t plane;
    uint8_t step;
    uint8_t offset;
    uint8_t word;
    uint8_t shift;
    uint8_t depth;
    uint8_t reserved[2];
};
struct bmf_pixel_format {
    size_t size;
    bmf_str name;
    uint32_t plane_count;
    uint32_t component_count;
    uint32_t depth;
    uint32_t flags;
    bmf_pixel_plane planes[4];
    bmf_pixel_component components[4];
};
#define BMF_PIXEL_FORMAT_ALPHA 1
#define BMF_PIXEL_FORMAT_RGB 2
#define BMF_PIXEL_FORMAT_FULL_RANGE 4
#define BMF_PIXEL_FORMAT_BITSTREAM 8
#define BMF_PIXEL_FORMAT_PALETTE 16
#define BMF_PIXEL_FORMAT_FLOAT 32
#define BMF_PIXEL_FORMAT_BIG_ENDIAN 64
#define BMF_PIXEL_FORMAT_BAYER 128
#define BMF_PIXEL_FORMAT_XYZ 256
struct bmf_task;
struct bmf_context;
struct bmf_module_type {
    size_t size;
    const void *data;
    void (*describe)(const void *data, const bmf_sink *out);
    void (*check)(const void *data, bmf_str options, const bmf_sink *out);
    int32_t (*create)(
        const void *data,
        bmf_str options,
        bmf_module *out,
        const bmf_error_sink *error);
    void (*sharing)(const void *data, bmf_str options, const bmf_sink *out);
    void (*shorthand)(const void *data, bmf_str request, const bmf_sink *out);
    const void *(*extension)(const void *data, bmf_str id);
};
struct bmf_module {
    void *data;
    const bmf_module_vtable *vtable;
};
struct bmf_module_vtable {
    size_t size;
    int32_t (*open)(void *data, const bmf_context *context, const bmf_error_sink *error);
    int32_t (*start)(void *data, bmf_task *task, const bmf_error_sink *error);
    void (*promise)(void *data, bmf_promise *out);
    int32_t (*flush)(void *data, int64_t seek, const bmf_error_sink *error);
    int32_t (*process)(void *data, bmf_task *task, const bmf_error_sink *error);
    int32_t (*close)(void *data, uint32_t ending, const bmf_error_sink *error);
    void (*report)(void *data, const bmf_sink *out);
    int32_t (*destroy)(void *data, const bmf_error_sink *error);
    const void *(*extension)(void *data, bmf_str id);
};
#define BMF_FLOW_WAIT 0
#define BMF_FLOW_MORE 1
#define BMF_FLOW_DONE 2
#define BMF_ENDING_FINISHED 0
#define BMF_ENDING_STOPPED 1
#define BMF_ENDING_FAILED 2
struct bmf_promise {
    uint32_t kind;
    uint32_t reserved;
    int64_t offset;
};
#define BMF_PROMISE_NOTHING 0
#define BMF_PROMISE_OFFSET 1
#define BMF_PROMISE_PER_PORT 2
struct bmf_host {
    size_t size;
    uint32_t version_major;
    uint32_t version_minor;
    bmf_str name;
    uint32_t (*log_level)(void);
    void (*log)(const bmf_log_record *record);
    const bmf_task_api *task;
    const bmf_context_api *context;
    const bmf_media_api *media;
    const void *(*extension)(bmf_str id);
};
struct bmf_log_record {
    size_t size;
    uint32_t level;
    uint32_t line;
    bmf_str target;
    bmf_str file;
    bmf_str message;
};
struct bmf_task_input {
    size_t packets;
    int64_t bound;
    uint32_t flags;
    uint32_t reserved;
};
#define BMF_INPUT_CONNECTED 1
#define BMF_INPUT_ENDED 2
#define BMF_INPUT_JOB_ENDED 4
struct bmf_task_output {
    size_t room;
    uint32_t flags;
    uint32_t reserved;
};
#define BMF_OUTPUT_CONNECTED 1
#define BMF_OUTPUT_ENDED 2
struct bmf_task_api {
    size_t size;
    bool (*timestamp)(const bmf_task *, int64_t *out);
    size_t (*inputs)(const bmf_task *);
    size_t (*outputs)(const bmf_task *);
    bool (*input)(const bmf_task *, size_t port, bmf_task_input *out);
    bool (*output)(const bmf_task *, size_t port, bmf_task_output *out);
    bool (*pop)(bmf_task *, size_t port, bmf_packet *out);
    void (*put_back)(bmf_task *, size_t port, bmf_packet packet);
    void (*push)(bmf_task *, size_t port, bmf_packet packet);
    void (*set_bound)(bmf_task *, size_t port, int64_t bound);
    void (*end_job)(bmf_task *, size_t port);
    void (*end)(bmf_task *, size_t port);
    int32_t (*flush_outputs)(bmf_task *, const bmf_error_sink *error);
};
struct bmf_action {
    void *data;
    void (*run)(void *data);
    void (*drop)(void *data);
};
struct bmf_context_api {
    size_t size;
    bmf_str (*node)(const bmf_context *);
    bool (*is_strict)(const bmf_context *);
    size_t (*inputs)(const bmf_context *);
    size_t (*outputs)(const bmf_context *);
    bool (*is_input_connected)(const bmf_context *, size_t port);
    bool (*is_output_connected)(const bmf_context *, size_t port);
    bool (*is_interrupted)(const bmf_context *);
    void (*on_interrupt)(const bmf_context *, const bmf_action *action);
    void (*set_duration)(const bmf_context *, int64_t micros);
};
struct bmf_media_api {
    size_t size;
    int32_t (*buffer)(size_t len, bmf_plane *out, const bmf_error_sink *error);
    int32_t (*video)(
        int64_t timestamp,
        const bmf_video_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    int32_t (*video_for_writing)(
        bmf_packet *packet,
        bmf_video_view *out,
        const bmf_error_sink *error);
    int32_t (*audio)(
        int64_t timestamp,
        const bmf_audio_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    int32_t (*audio_for_writing)(
        bmf_packet *packet,
        bmf_audio_view *out,
        const bmf_error_sink *error);
    int32_t (*encoded)(
        int64_t timestamp,
        const bmf_encoded_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    int32_t (*tensor)(
        int64_t timestamp,
        const bmf_tensor_view *from,
        bmf_packet *out,
        const bmf_error_sink *error);
    int32_t (*bytes)(
        int64_t timestamp,
        bmf_str tag,
        bmf_str bytes,
        bmf_packet *out,
        const bmf_error_sink *error);
    int32_t (*integer)(
        int64_t timestamp,
        bmf_str tag,
        int64_t value,
        bmf_packet *out,
        const bmf_error_sink *error);
    int32_t (*set_metadata)(
        bmf_packet *packet,
        bmf_str key,
        bmf_str value,
        const bmf_error_sink *error);
    bool (*pixel_format)(bmf_str name, bmf_pixel_format *out);
};
#define BMF_ENTRY_PREFIX "bmf_plugin_v1_"
#define BMF_ENTRY(name) bmf_plugin_v1_##name
typedef const bmf_plugin *(*bmf_entry)(const bmf_host *host, const bmf_error_sink *error);
struct bmf_plugin {
    size_t size;
    uint32_t version_major;
    uint32_t version_minor;
    bmf_str name;
    bmf_str version;
    bmf_str built_with;
    uint32_t flags;
    int32_t rank;
    size_t module_count;
    const bmf_module_type *const *modules;
    const void *(*extension)(bmf_str id);
};
#define BMF_PLUGIN_PANIC_ABORTS 1
#ifdef __cplusplus
}
#endif
#endif
