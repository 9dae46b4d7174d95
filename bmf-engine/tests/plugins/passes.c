/*
 * Two modules for tests: c_pass sends packets on and reports where their bytes are, c_thread keeps them for a thread of
 * its own, which goes on to use the host when the module is gone.
 */
#include "bmf.h"

#include <pthread.h>
#include <stdlib.h>

static const bmf_host *host;

/* -- c_pass --------------------------------------------------------------------------------------------------- */

/* All addresses that the packets show, added up. */
typedef struct {
    uint64_t addresses;
} pass;

static uint64_t addresses_of(const bmf_packet *packet) {
    bmf_video_view video;
    bmf_audio_view audio;
    bmf_encoded_view encoded;
    bmf_tensor_view tensor;
    bmf_plane plane;
    uint64_t sum = 0;
    if (bmf_view_video(packet, &video) || bmf_view_audio(packet, &audio)) {
        for (size_t index = 0; bmf_view_plane(packet, index, &plane); index++) {
            sum += (uintptr_t)plane.data;
        }
    } else if (bmf_view_encoded(packet, &encoded)) {
        sum = (uintptr_t)encoded.data.data;
    } else if (bmf_view_tensor(packet, &tensor)) {
        sum = (uintptr_t)tensor.data.data;
    }
    return sum;
}

static int32_t pass_process(void *data, bmf_task *task, const bmf_error_sink *error) {
    pass *self = data;
    bmf_packet packet;
    (void)error;
    while (host->task->pop(task, 0, &packet)) {
        self->addresses += addresses_of(&packet);
        host->task->push(task, 0, packet);
    }
    return BMF_FLOW_WAIT;
}

static void pass_report(void *data, const bmf_sink *out) {
    const pass *self = data;
    char text[80];
    snprintf(text, sizeof text, "{\"counters\": {\"addresses\": %llu}}", (unsigned long long)self->addresses);
    bmf_write(out, bmf_str_from(text));
}

static int32_t pass_destroy(void *data, const bmf_error_sink *error) {
    (void)error;
    free(data);
    return BMF_OK;
}

static const bmf_module_vtable pass_functions = {
    .size = sizeof pass_functions,
    .process = pass_process,
    .report = pass_report,
    .destroy = pass_destroy,
};

static int32_t pass_create(const void *data, bmf_str options, bmf_module *out, const bmf_error_sink *error) {
    (void)data;
    (void)options;
    out->data = calloc(1, sizeof(pass));
    out->vtable = &pass_functions;
    return out->data ? BMF_OK : bmf_fail(error, "out of memory");
}

/* -- c_thread ------------------------------------------------------------------------------------------------- */

/* Shared by the module and its thread; the thread frees it. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const bmf_context *context;
    char node[64];
    bmf_packet packets[64];
    size_t count;
    bool is_gone;
} shared;

/* Makes a picture while no module is there, and lets go of it. */
static bool makes_pictures(void) {
    bmf_video_view view;
    bmf_packet packet;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    view.format = bmf_str_from("gray");
    view.width = view.height = 16;
    view.pts = BMF_NONE;
    view.time_base.num = view.time_base.den = 1;
    view.frame_rate.den = view.sample_aspect_ratio.den = 1;
    if (host->media->video(7, &view, &packet, NULL) != BMF_OK) {
        return false;
    }
    bool is_seen = bmf_view_video(&packet, &view) && view.width == 16;
    bmf_packet_release(&packet);
    return is_seen;
}

static void *work(void *data) {
    shared *self = data;
    size_t seen = 0;
    char node[64];
    memcpy(node, self->node, sizeof node);
    pthread_mutex_lock(&self->lock);
    while (!self->is_gone) {
        while (seen < self->count) {
            const char *when = host->context->is_interrupted(self->context) ? " late" : "";
            bmf_log(host, BMF_LOG_INFO, "c_thread", "%s: a thread sees packet %zu%s", node, seen++, when);
        }
        pthread_cond_wait(&self->changed, &self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    const char *pictures = makes_pictures() ? "makes pictures" : "makes no pictures";
    size_t count = self->count;
    for (size_t index = 0; index < count; index++) {
        bmf_packet_release(&self->packets[index]);
    }
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->changed);
    free(self);
    bmf_log(host, BMF_LOG_INFO, "c_thread", "%s: the module is gone, its thread had %zu packets and %s", node, count,
            pictures);
    return NULL;
}

static int32_t thread_open(void *data, const bmf_context *context, const bmf_error_sink *error) {
    shared *self = data;
    pthread_t thread;
    bmf_str node = host->context->node(context);
    snprintf(self->node, sizeof self->node, "%.*s", (int)node.len, node.ptr);
    self->context = context;
    if (pthread_create(&thread, NULL, work, self) != 0) {
        self->context = NULL;
        return bmf_fail(error, "there is no thread");
    }
    pthread_detach(thread);
    return BMF_OK;
}

static int32_t thread_process(void *data, bmf_task *task, const bmf_error_sink *error) {
    shared *self = data;
    bmf_packet packet;
    (void)error;
    pthread_mutex_lock(&self->lock);
    while (host->task->pop(task, 0, &packet)) {
        if (self->count < sizeof self->packets / sizeof self->packets[0]) {
            self->packets[self->count++] = bmf_packet_clone(&packet);
        }
        host->task->push(task, 0, packet);
    }
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return BMF_FLOW_WAIT;
}

static int32_t thread_destroy(void *data, const bmf_error_sink *error) {
    shared *self = data;
    (void)error;
    pthread_mutex_lock(&self->lock);
    bool has_thread = self->context != NULL;
    self->is_gone = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (!has_thread) {
        free(self);
    }
    return BMF_OK;
}

static const bmf_module_vtable thread_functions = {
    .size = sizeof thread_functions,
    .open = thread_open,
    .process = thread_process,
    .destroy = thread_destroy,
};

static int32_t thread_create(const void *data, bmf_str options, bmf_module *out, const bmf_error_sink *error) {
    shared *self = calloc(1, sizeof *self);
    (void)data;
    (void)options;
    if (!self) {
        return bmf_fail(error, "out of memory");
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    out->data = self;
    out->vtable = &thread_functions;
    return BMF_OK;
}

/* -- The library ---------------------------------------------------------------------------------------------- */

static void describe(const void *data, const bmf_sink *out) {
    bmf_write(out, BMF_STR("{\"version\": \"1\", \"name\": \""));
    bmf_write(out, bmf_str_from(data));
    bmf_write(out, BMF_STR("\","
        "\"inputs\": [{\"name\": \"in\", \"kind\": \"any\", \"docs\": \"any packets\"}],"
        "\"outputs\": [{\"name\": \"out\", \"kind\": \"any\", \"docs\": \"the same packets\"}]}"));
}

static const bmf_module_type pass_type = {
    .size = sizeof pass_type,
    .data = "c_pass",
    .describe = describe,
    .create = pass_create,
};

static const bmf_module_type thread_type = {
    .size = sizeof thread_type,
    .data = "c_thread",
    .describe = describe,
    .create = thread_create,
};

static const bmf_module_type *const types[] = {&pass_type, &thread_type};

static const bmf_plugin plugin = {
    .size = sizeof plugin,
    .version_major = BMF_VERSION_MAJOR,
    .version_minor = BMF_VERSION_MINOR,
    .name = BMF_STR_INIT("passes"),
    .version = BMF_STR_INIT("1"),
    .built_with = BMF_STR_INIT("a compiler of C"),
    .module_count = 2,
    .modules = types,
};

BMF_PLUGIN(passes) {
    host = the_host;
    return &plugin;
}
