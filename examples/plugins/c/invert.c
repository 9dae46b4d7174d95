/*
 * c_invert: turns dark into light, as an example of a module in plain C. It takes pictures of every format with
 * samples of eight bits; luma, or red, green and blue are inverted. Where nobody else looks at the picture it is
 * changed in place.
 */
#include "bmf.h"

#include <stdlib.h>

/* The host lives as long as the process, and so may this. */
static const bmf_host *host;

/* One module of a graph. A node may have several, each in a thread of its own, so what changes is here. */
typedef struct {
    unsigned long long pictures;
} invert;

/* -- The picture ---------------------------------------------------------------------------------------------- */

/* Inverts one component of all pixels. */
static void invert_component(const bmf_video_view *view, const bmf_pixel_format *format, size_t index) {
    const bmf_pixel_component *component = &format->components[index];
    size_t rows = bmf_rows(format, component->plane, view->height);
    size_t row_bytes = bmf_row_bytes(format, component->plane, view->width);
    for (size_t y = 0; y < rows; y++) {
        uint8_t *row = bmf_row(&view->planes[component->plane], rows, y);
        for (size_t x = component->offset; x < row_bytes; x += component->step) {
            row[x] = (uint8_t)(255 - row[x]);
        }
    }
}

/* Inverts what is in `packet`, which may become another packet: a copy, where the pixels are shared. */
static int32_t invert_packet(bmf_packet *packet, const bmf_error_sink *error) {
    const uint32_t others = BMF_PIXEL_FORMAT_BITSTREAM | BMF_PIXEL_FORMAT_PALETTE | BMF_PIXEL_FORMAT_BAYER;
    bmf_video_view view;
    bmf_pixel_format format;
    if (!bmf_view_video(packet, &view)) {
        bmf_str tag = packet->payload->vtable->tag;
        return bmf_failf(error, "link this input to a stream of pictures", "expected a picture, got %.*s", (int)tag.len,
                         tag.ptr);
    }
    if (!bmf_describe(host, &view, &format) || format.depth != 8 || (format.flags & others) != 0) {
        return bmf_failf(error, "convert to a format of eight bits first, such as yuv420p or rgb24",
                         "cannot invert %.*s", (int)view.format.len, view.format.ptr);
    }
    if (view.device_kind != BMF_DEVICE_CPU) {
        return bmf_fail_hint(error, "the picture is in the memory of a GPU", "bring it to main memory first");
    }
    if (host->media->video_for_writing(packet, &view, error) != BMF_OK) {
        return BMF_FAILED; /* Why was told to `error` already. */
    }
    size_t count = (format.flags & BMF_PIXEL_FORMAT_RGB) != 0 ? 3 : 1;
    for (size_t index = 0; index < count; index++) {
        invert_component(&view, &format, index);
    }
    return BMF_OK;
}

/* -- The module ----------------------------------------------------------------------------------------------- */

static int32_t process(void *data, bmf_task *task, const bmf_error_sink *error) {
    invert *self = data;
    bmf_packet packet;
    while (host->task->pop(task, 0, &packet)) {
        if (invert_packet(&packet, error) != BMF_OK) {
            bmf_packet_release(&packet);
            return BMF_FAILED;
        }
        self->pictures++;
        host->task->push(task, 0, packet); /* Which takes it over. */
    }
    return BMF_FLOW_WAIT; /* After the last packet this means the end. */
}

/* What comes out keeps the time of what went in. */
static void promise(void *data, bmf_promise *out) {
    (void)data;
    out->kind = BMF_PROMISE_PER_PORT;
}

static int32_t close_module(void *data, uint32_t ending, const bmf_error_sink *error) {
    const invert *self = data;
    (void)ending;
    (void)error;
    bmf_log(host, BMF_LOG_DEBUG, "c_invert", "%llu pictures", self->pictures);
    return BMF_OK;
}

static int32_t destroy(void *data, const bmf_error_sink *error) {
    (void)error;
    free(data);
    return BMF_OK;
}

static const bmf_module_vtable functions = {
    .size = sizeof functions,
    .promise = promise,
    .process = process,
    .close = close_module,
    .destroy = destroy,
};

/* -- The kind of module --------------------------------------------------------------------------------------- */

static void describe(const void *data, const bmf_sink *out) {
    (void)data;
    bmf_write(out, BMF_STR("{"
        "\"name\": \"c_invert\","
        "\"version\": \"1.0.0\","
        "\"summary\": \"turns dark into light\","
        "\"inputs\": [{\"name\": \"video\", \"kind\": \"video\", \"docs\": \"pictures with samples of eight bits\"}],"
        "\"outputs\": [{\"name\": \"video\", \"kind\": \"video\", \"docs\": \"the same, inverted\"}],"
        "\"options\": {\"type\": \"object\", \"properties\": {}}"
    "}"));
}

/* It has no options, so it looks at none. */
static int32_t create(const void *data, bmf_str options, bmf_module *out, const bmf_error_sink *error) {
    invert *self = calloc(1, sizeof *self);
    (void)data;
    (void)options;
    if (!self) {
        return bmf_fail(error, "out of memory");
    }
    out->data = self;
    out->vtable = &functions;
    return BMF_OK;
}

static const bmf_module_type type = {
    .size = sizeof type,
    .describe = describe,
    .create = create,
};

static const bmf_module_type *const types[] = {&type};

static const bmf_plugin plugin = {
    .size = sizeof plugin,
    .version_major = BMF_VERSION_MAJOR,
    .version_minor = BMF_VERSION_MINOR,
    .name = BMF_STR_INIT("c_invert"),
    .version = BMF_STR_INIT("1.0.0"),
    .built_with = BMF_STR_INIT("a compiler of C"),
    .module_count = 1,
    .modules = types,
};

BMF_PLUGIN(c_invert) {
    if (!bmf_fits(the_host, error)) {
        return NULL;
    }
    host = the_host;
    return &plugin;
}
