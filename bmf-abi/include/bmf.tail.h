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
