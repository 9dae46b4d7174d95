/*
 * bmf.hpp: modules of bmf in C++14. A face over bmf.h and nothing else: no library, no global state
 * but the pointer to the host. Derive from bmf::Module, name it in BMF_PLUGIN_MODULES, compile with
 * -shared.
 *
 *     class Invert : public bmf::Module {
 *         bmf::Flow process(bmf::Task &task) override {
 *             while (bmf::Packet packet = task.pop(0)) {
 *                 bmf::VideoFrame frame(std::move(packet));
 *                 ...
 *                 task.push(0, std::move(frame));
 *             }
 *             return bmf::Flow::Wait;
 *         }
 *     };
 *     BMF_PLUGIN_MODULES(my_filters, "1.0.0",
 *         bmf::module<Invert>("invert").input("video", bmf::Video).output("video", bmf::Video))
 *
 * Errors are exceptions: bmf::Error, or any other. None leaves the library; the user reads its text.
 */
#ifndef BMF_HPP
#define BMF_HPP

#include "bmf.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <locale>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(_WIN32)
#define BMF_HIDDEN
#else
/** For what must not be shared with other plugins that are loaded into the same process. */
#define BMF_HIDDEN __attribute__((visibility("hidden")))
#endif

namespace bmf {

/* -- Errors and texts ----------------------------------------------------------------------------- */

/** What went wrong, and what the user can do. A module's node is named by the host. */
class Error : public std::runtime_error {
  public:
    explicit Error(const std::string &message, std::string hint = std::string())
        : std::runtime_error(message), hint_(std::move(hint)) {}

    /** The port it happened on. */
    Error &port(std::string name) {
        port_ = std::move(name);
        return *this;
    }
    /** The time of the packet it happened at, in microseconds. */
    Error &at(std::int64_t timestamp) {
        timestamp_ = timestamp;
        return *this;
    }

    const std::string &hint() const noexcept { return hint_; }
    const std::string &port() const noexcept { return port_; }
    std::int64_t timestamp() const noexcept { return timestamp_; }

  private:
    std::string hint_;
    std::string port_;
    std::int64_t timestamp_ = BMF_NONE;
};

/** An option that cannot be used. */
class OptionError : public Error {
  public:
    OptionError(std::string key, const std::string &message, std::string hint = std::string())
        : Error("option \"" + key + "\": " + message, std::move(hint)), key_(std::move(key)),
          problem_(message) {}

    const std::string &key() const noexcept { return key_; }
    /** The message without the key. */
    const std::string &problem() const noexcept { return problem_; }

  private:
    std::string key_;
    std::string problem_;
};

/** Lends a text to C. */
inline bmf_str lend(const std::string &text) noexcept {
    bmf_str out;
    out.ptr = text.data();
    out.len = text.size();
    return out;
}

/** Copies a text from C. */
inline std::string copy(bmf_str text) {
    return text.len == 0 ? std::string() : std::string(text.ptr, text.len);
}

namespace detail {

/** Where the host is kept: one for each plugin. */
BMF_HIDDEN inline const bmf_host *&host_place() noexcept {
    static const bmf_host *host = nullptr;
    return host;
}

/** Turns what a function of the host reports into an exception. */
class Reported {
  public:
    Reported() noexcept {
        sink_.target = this;
        sink_.report = take;
    }
    Reported(const Reported &) = delete;
    Reported &operator=(const Reported &) = delete;

    const bmf_error_sink *sink() const noexcept { return &sink_; }

    void check(std::int32_t status) {
        if (status != BMF_OK) {
            Error error(message_.empty() ? "the host reports an error" : message_, hint_);
            throw error.port(port_).at(timestamp_);
        }
    }

  private:
    static void take(void *target, const bmf_error_info *info) noexcept {
        Reported *self = static_cast<Reported *>(target);
        try {
            self->message_ = copy(info->message);
            self->hint_ = copy(info->hint);
            self->port_ = copy(info->port);
            self->timestamp_ = info->timestamp;
        } catch (...) { // Without memory there is no message.
        }
    }

    bmf_error_sink sink_;
    std::string message_;
    std::string hint_;
    std::string port_;
    std::int64_t timestamp_ = BMF_NONE;
};

inline std::int32_t report(const bmf_error_sink *sink, const char *message) noexcept {
    return bmf_fail(sink, message);
}

inline std::int32_t report(const bmf_error_sink *sink, const Error &error) noexcept {
    bmf_error_info info = bmf_error_info();
    info.size = sizeof info;
    info.message = bmf_str_from(error.what());
    info.hint = lend(error.hint());
    info.port = lend(error.port());
    info.timestamp = error.timestamp();
    sink->report(sink->target, &info);
    return BMF_FAILED;
}

/** Runs `body` so that nothing is thrown out of it. */
template <class Body> std::int32_t guarded(const bmf_error_sink *sink, Body &&body) noexcept {
    try {
        return body();
    } catch (const Error &error) {
        return report(sink, error);
    } catch (const std::exception &error) {
        return report(sink, error.what());
    } catch (...) {
        return report(sink, "unknown exception");
    }
}

/** A text as JSON. */
inline std::string quoted(const std::string &text) {
    const char *const digits = "0123456789abcdef";
    std::string out = "\"";
    for (char letter : text) {
        const unsigned char byte = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\') {
            out += '\\';
            out += letter;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += letter;
        }
    }
    return out + '"';
}

template <class Number> std::string number(Number value) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out.precision(std::numeric_limits<double>::max_digits10 - 2);
    out << value;
    return out.str();
}

inline std::string json(bool value) { return value ? "true" : "false"; }
inline std::string json(const std::string &value) { return quoted(value); }
inline std::string json(const char *value) { return quoted(value); }
template <class Number> std::string json(Number value) { return number(value); }

} // namespace detail

/** The program the plugin is in, for what this header does not wrap. */
inline const bmf_host &host() noexcept { return *detail::host_place(); }

/** Writes to the host's log in the name of `target`. */
class Log {
  public:
    explicit Log(std::string target) : target_(std::move(target)) {}

    void error(const std::string &message) const { write(BMF_LOG_ERROR, message); }
    void warning(const std::string &message) const { write(BMF_LOG_WARNING, message); }
    void info(const std::string &message) const { write(BMF_LOG_INFO, message); }
    void debug(const std::string &message) const { write(BMF_LOG_DEBUG, message); }
    void trace(const std::string &message) const { write(BMF_LOG_TRACE, message); }

    /** Whether such lines are logged now, for messages that cost something. */
    bool is_on(std::uint32_t level) const { return level <= host().log_level(); }

  private:
    void write(std::uint32_t level, const std::string &message) const {
        bmf_log_record record = bmf_log_record();
        record.size = sizeof record;
        record.level = level;
        record.target = lend(target_);
        record.message = lend(message);
        if (is_on(level)) {
            host().log(&record);
        }
    }

    std::string target_;
};

/* -- Packets -------------------------------------------------------------------------------------- */

/** A time and a share in a payload, or empty. A copy shares the payload. */
class Packet {
  public:
    Packet() noexcept : raw_() {}
    Packet(const Packet &other) noexcept : raw_(other.raw_) {
        if (raw_.payload) {
            raw_ = bmf_packet_clone(&other.raw_);
        }
    }
    Packet(Packet &&other) noexcept : raw_(other.release()) {}
    Packet &operator=(Packet other) noexcept {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~Packet() { bmf_packet_release(&raw_); }

    /** Takes a packet of C over. */
    static Packet adopt(bmf_packet raw) noexcept {
        Packet packet;
        packet.raw_ = raw;
        return packet;
    }
    /** Gives the packet to C; this one is empty then. */
    bmf_packet release() noexcept {
        bmf_packet raw = raw_;
        raw_ = bmf_packet();
        return raw;
    }
    bmf_packet &raw() noexcept { return raw_; }
    const bmf_packet &raw() const noexcept { return raw_; }

    static Packet text(std::int64_t timestamp, const std::string &value) {
        return bytes(timestamp, "bmf.text", value);
    }
    /** `value` must be JSON. */
    static Packet json(std::int64_t timestamp, const std::string &value) {
        return bytes(timestamp, "bmf.json", value);
    }
    static Packet bytes(std::int64_t timestamp, const std::string &value) {
        return bytes(timestamp, "bmf.bytes", value);
    }
    static Packet integer(std::int64_t timestamp, std::int64_t value) {
        Packet packet;
        detail::Reported error;
        error.check(host().media->integer(timestamp, BMF_STR("bmf.int"), value, &packet.raw_, error.sink()));
        return packet;
    }

    explicit operator bool() const noexcept { return raw_.payload != nullptr; }
    /** Microseconds. */
    std::int64_t timestamp() const noexcept { return raw_.timestamp; }
    void set_timestamp(std::int64_t timestamp) noexcept { raw_.timestamp = timestamp; }
    /** What it carries, such as `bmf.video_frame`. */
    std::string tag() const { return copy(raw_.payload->vtable->tag); }
    bool is(const char *tag) const noexcept { return raw_.payload && bmf_packet_is(&raw_, tag); }

    /** The text of a `bmf.text` or the bytes of a `bmf.bytes`. */
    std::string bytes() const {
        bmf_bytes_view view;
        if (!raw_.payload || !bmf_view_bytes(&raw_, &view)) {
            throw unexpected("bytes or text");
        }
        return view.len == 0 ? std::string()
                             : std::string(reinterpret_cast<const char *>(view.data), view.len);
    }
    std::int64_t integer() const {
        std::int64_t value = 0;
        if (!raw_.payload || !bmf_view_int(&raw_, &value)) {
            throw unexpected("a number");
        }
        return value;
    }
    /** The text of a `bmf.json`. */
    std::string json() const {
        std::string text;
        bmf_sink sink;
        sink.target = &text;
        sink.write = append;
        if (!raw_.payload || !bmf_packet_view(&raw_, BMF_VIEW_TEXT, &sink)) {
            throw unexpected("JSON");
        }
        return text;
    }

    /** The error of who wanted something else: `unexpected("a picture", "link ...")`. */
    Error unexpected(const std::string &wanted, const std::string &hint = std::string()) const {
        Error error("expected " + wanted + ", got " + (raw_.payload ? tag() : "nothing"), hint);
        return error.at(raw_.payload ? raw_.timestamp : BMF_NONE);
    }

  private:
    static Packet bytes(std::int64_t timestamp, const char *tag, const std::string &value) {
        Packet packet;
        detail::Reported error;
        error.check(host().media->bytes(timestamp, bmf_str_from(tag), lend(value), &packet.raw_, error.sink()));
        return packet;
    }
    static void append(void *target, bmf_str text) noexcept {
        try {
            static_cast<std::string *>(target)->append(text.ptr, text.len);
        } catch (...) { // Without memory the text stays short.
        }
    }

    bmf_packet raw_;
};

/** The metadata of a picture or of sound. */
inline std::map<std::string, std::string> metadata(const Packet &packet) {
    typedef std::map<std::string, std::string> Map;
    struct Take {
        static void pair(void *target, bmf_str key, bmf_str value) noexcept {
            try {
                (*static_cast<Map *>(target))[copy(key)] = copy(value);
            } catch (...) { // Without memory an entry is missing.
            }
        }
    };
    Map map;
    bmf_pair_sink sink;
    sink.target = &map;
    sink.write = Take::pair;
    if (packet) {
        bmf_packet_view(&packet.raw(), BMF_VIEW_METADATA, &sink);
    }
    return map;
}

/* -- Pictures and sound --------------------------------------------------------------------------- */

/** The rows of one plane; `Byte` is const where they may only be read. */
template <class Byte> class Rows {
  public:
    Rows(const bmf_plane &plane, std::size_t rows, std::size_t row_bytes)
        : plane_(plane), rows_(rows), row_bytes_(row_bytes) {}

    /** How many rows. */
    std::size_t size() const noexcept { return rows_; }
    /** How many bytes of a row are pixels. */
    std::size_t row_bytes() const noexcept { return row_bytes_; }
    /** The first byte of a row, the uppermost being 0. */
    Byte *operator[](std::size_t row) const noexcept { return bmf_row(&plane_, rows_, row); }

  private:
    bmf_plane plane_;
    std::size_t rows_;
    std::size_t row_bytes_;
};

/** A picture. Copies share the pixels; who writes gets a copy of its own where they are shared. */
class VideoFrame {
  public:
    /** The picture in a packet. Throws what `Packet::unexpected` says for others. */
    explicit VideoFrame(Packet packet) : packet_(std::move(packet)) { look(); }

    /** A new picture in main memory, its pixels undefined, with the properties of a view. */
    static VideoFrame make(std::int64_t timestamp, bmf_video_view like) {
        like.size = sizeof like;
        like.plane_count = 0;
        like.device_kind = BMF_DEVICE_CPU;
        like.device_index = 0;
        Packet packet;
        detail::Reported error;
        error.check(host().media->video(timestamp, &like, &packet.raw(), error.sink()));
        return VideoFrame(std::move(packet));
    }
    /** A new picture of this size and format, with the rest as in `like`. */
    static VideoFrame make(const VideoFrame &like, const std::string &format, std::uint32_t width,
                           std::uint32_t height) {
        bmf_video_view view = like.view();
        view.format = lend(format);
        view.width = width;
        view.height = height;
        return make(like.timestamp(), view);
    }

    std::uint32_t width() const noexcept { return view_.width; }
    std::uint32_t height() const noexcept { return view_.height; }
    /** FFmpeg's name of the pixel format. */
    std::string format() const { return copy(view_.format); }
    std::int64_t timestamp() const noexcept { return packet_.timestamp(); }
    bool is_on_cpu() const noexcept { return view_.device_kind == BMF_DEVICE_CPU; }
    /** All that there is to know. */
    const bmf_video_view &view() const noexcept { return view_; }
    /** Where the samples of its format lie. */
    const bmf_pixel_format &pixels() const {
        if (pixels_.size == 0 && !bmf_describe(&host(), &view_, &pixels_)) {
            pixels_ = bmf_pixel_format();
            throw Error("the host does not know the pixel format " + format());
        }
        return pixels_;
    }

    std::size_t planes() const noexcept { return view_.plane_count; }
    /** A plane to read. */
    Rows<const std::uint8_t> plane(std::size_t index) const { return rows<const std::uint8_t>(index); }
    /** A plane to write. Invalidates planes to read. */
    Rows<std::uint8_t> plane_for_writing(std::size_t index) {
        if (!is_writable_) {
            bmf_video_view view = bmf_video_view();
            view.size = sizeof view;
            detail::Reported error;
            error.check(host().media->video_for_writing(&packet_.raw(), &view, error.sink()));
            view_ = view;
            is_writable_ = true;
        }
        return rows<std::uint8_t>(index);
    }

    /** Sets an entry of the metadata; an empty value removes it. */
    void set_metadata(const std::string &key, const std::string &value) {
        detail::Reported error;
        error.check(host().media->set_metadata(&packet_.raw(), lend(key), lend(value), error.sink()));
        look();
    }

    /** Shares the picture: it cannot be written without a copy any more. */
    Packet packet() & {
        is_writable_ = false;
        return packet_;
    }
    Packet packet() && { return std::move(packet_); }

  private:
    void look() {
        if (!packet_ || !bmf_view_video(&packet_.raw(), &view_)) {
            throw packet_.unexpected("a picture", "link this input to a stream of pictures");
        }
        is_writable_ = false;
    }
    template <class Byte> Rows<Byte> rows(std::size_t index) const {
        if (index >= view_.plane_count) {
            throw Error(format() + " has no plane " + detail::number(index));
        }
        if (!is_on_cpu()) {
            throw Error("the picture is in the memory of a GPU", "bring it to main memory first");
        }
        const bmf_pixel_format &format = pixels();
        return Rows<Byte>(view_.planes[index], bmf_rows(&format, index, view_.height),
                          bmf_row_bytes(&format, index, view_.width));
    }

    Packet packet_;
    bmf_video_view view_ = bmf_video_view();
    mutable bmf_pixel_format pixels_ = bmf_pixel_format();
    bool is_writable_ = false;
};

namespace detail {
/** FFmpeg's name of a sample format, without the `p` of planar ones. */
template <class Sample> struct SampleName;
template <> struct SampleName<std::uint8_t> { static const char *get() { return "u8"; } };
template <> struct SampleName<std::int16_t> { static const char *get() { return "s16"; } };
template <> struct SampleName<std::int32_t> { static const char *get() { return "s32"; } };
template <> struct SampleName<std::int64_t> { static const char *get() { return "s64"; } };
template <> struct SampleName<float> { static const char *get() { return "flt"; } };
template <> struct SampleName<double> { static const char *get() { return "dbl"; } };
} // namespace detail

/** Sound. Copies share the samples; who writes gets a copy of its own where they are shared. */
class AudioFrame {
  public:
    /** The sound in a packet. Throws what `Packet::unexpected` says for others. */
    explicit AudioFrame(Packet packet) : packet_(std::move(packet)) { look(); }

    /** New sound, its samples undefined, with the properties of a view. */
    static AudioFrame make(std::int64_t timestamp, bmf_audio_view like) {
        like.size = sizeof like;
        like.plane_count = 0;
        Packet packet;
        detail::Reported error;
        error.check(host().media->audio(timestamp, &like, &packet.raw(), error.sink()));
        return AudioFrame(std::move(packet));
    }

    /** Samples per channel. */
    std::size_t samples() const noexcept { return static_cast<std::size_t>(view_.samples); }
    std::uint32_t sample_rate() const noexcept { return view_.sample_rate; }
    std::size_t channels() const noexcept { return view_.channels; }
    /** FFmpeg's name of the sample format. */
    std::string format() const { return copy(view_.format); }
    /** Whether each channel has a plane of its own. */
    bool is_planar() const { return view_.format.len > 0 && view_.format.ptr[view_.format.len - 1] == 'p'; }
    std::int64_t timestamp() const noexcept { return packet_.timestamp(); }
    /** All that there is to know. */
    const bmf_audio_view &view() const noexcept { return view_; }

    std::size_t planes() const noexcept { return view_.plane_count; }
    /** How many samples a plane has: of one channel, or of all in turn. */
    std::size_t plane_samples() const { return is_planar() ? samples() : samples() * channels(); }
    /** The samples of a plane. Throws if they are not of this type. */
    template <class Sample> const Sample *plane(std::size_t index) const { return at<Sample>(index); }
    /** The samples of a plane, to write. Invalidates those to read. */
    template <class Sample> Sample *plane_for_writing(std::size_t index) {
        if (!is_writable_) {
            bmf_audio_view view = bmf_audio_view();
            view.size = sizeof view;
            detail::Reported error;
            error.check(host().media->audio_for_writing(&packet_.raw(), &view, error.sink()));
            view_ = view;
            is_writable_ = true;
        }
        return at<Sample>(index);
    }

    /** Shares the sound: it cannot be written without a copy any more. */
    Packet packet() & {
        is_writable_ = false;
        return packet_;
    }
    Packet packet() && { return std::move(packet_); }

  private:
    void look() {
        if (!packet_ || !bmf_view_audio(&packet_.raw(), &view_)) {
            throw packet_.unexpected("sound", "link this input to a stream of sound");
        }
    }
    template <class Sample> Sample *at(std::size_t index) const {
        const std::string wanted = detail::SampleName<Sample>::get();
        if (format() != wanted && format() != wanted + "p") {
            throw Error("the samples are " + format() + ", not " + wanted);
        }
        bmf_plane plane;
        if (index >= planes() || !bmf_view_plane(&packet_.raw(), index, &plane)) {
            throw Error("there is no plane " + detail::number(index));
        }
        return reinterpret_cast<Sample *>(plane.data);
    }

    Packet packet_;
    bmf_audio_view view_ = bmf_audio_view();
    bool is_writable_ = false;
};

/* -- What a module works with ----------------------------------------------------------------------- */

/** One unit of work. Ports that do not exist have no packets and swallow what is sent. */
class Task {
  public:
    explicit Task(bmf_task *raw) noexcept : raw_(raw), api_(host().task) {}
    Task(const Task &) = delete;
    Task &operator=(const Task &) = delete;

    /** The time it is for, in microseconds; BMF_NONE where the input policy defines none. */
    std::int64_t timestamp() const {
        std::int64_t time = BMF_NONE;
        return api_->timestamp(raw_, &time) ? time : BMF_NONE;
    }
    std::size_t inputs() const { return api_->inputs(raw_); }
    std::size_t outputs() const { return api_->outputs(raw_); }
    bmf_task_input input(std::size_t port) const {
        bmf_task_input state = bmf_task_input();
        api_->input(raw_, port, &state);
        return state;
    }
    bmf_task_output output(std::size_t port) const {
        bmf_task_output state = bmf_task_output();
        api_->output(raw_, port, &state);
        return state;
    }
    /** Whether all of an input was taken and nothing more will arrive. */
    bool is_ended(std::size_t port) const {
        const bmf_task_input state = input(port);
        return state.packets == 0 && (state.flags & BMF_INPUT_ENDED) != 0;
    }
    bool is_output_connected(std::size_t port) const {
        return (output(port).flags & BMF_OUTPUT_CONNECTED) != 0;
    }

    /** The next packet of an input; empty if there is none. */
    Packet pop(std::size_t port) {
        bmf_packet raw = bmf_packet();
        return api_->pop(raw_, port, &raw) ? Packet::adopt(raw) : Packet();
    }
    /** Puts a packet back in front, to be offered again with the next task. */
    void put_back(std::size_t port, Packet packet) {
        if (packet) {
            api_->put_back(raw_, port, packet.release());
        }
    }
    /** Sends a packet; an empty one is not sent. */
    void push(std::size_t port, Packet packet) {
        if (packet) {
            api_->push(raw_, port, packet.release());
        }
    }
    void push(std::size_t port, VideoFrame frame) { push(port, std::move(frame).packet()); }
    void push(std::size_t port, AudioFrame frame) { push(port, std::move(frame).packet()); }
    /** Promises that nothing earlier than this will be sent, in microseconds. */
    void set_bound(std::size_t port, std::int64_t bound) { api_->set_bound(raw_, port, bound); }
    /** Ends a job on an output. */
    void end_job(std::size_t port) { api_->end_job(raw_, port); }
    /** Ends an output before the node is done. */
    void end(std::size_t port) { api_->end(raw_, port); }
    /** Sends what is on the outputs now; for modules whose descriptor says `flushes_early`. */
    void flush_outputs() {
        detail::Reported error;
        error.check(api_->flush_outputs(raw_, error.sink()));
    }
    bmf_task *raw() noexcept { return raw_; }

  private:
    bmf_task *raw_;
    const bmf_task_api *api_;
};

/** What a module knows of its surroundings; valid as long as the module, from any thread. */
class Context {
  public:
    explicit Context(const bmf_context *raw) noexcept : raw_(raw) {}

    /** The node's name. */
    std::string node() const { return copy(api().node(raw_)); }
    /** Whether doubtful input should be an error. */
    bool is_strict() const { return api().is_strict(raw_); }
    std::size_t inputs() const { return api().inputs(raw_); }
    std::size_t outputs() const { return api().outputs(raw_); }
    bool is_input_connected(std::size_t port) const { return api().is_input_connected(raw_, port); }
    bool is_output_connected(std::size_t port) const { return api().is_output_connected(raw_, port); }
    /** Whether the graph wants to end: what blocks should give up. */
    bool is_interrupted() const { return api().is_interrupted(raw_); }
    /** Calls `action` once, from any thread, when the graph wants to end. It must not block. */
    void on_interrupt(std::function<void()> action) const {
        struct Call {
            static void run(void *data) noexcept {
                try {
                    (*static_cast<std::function<void()> *>(data))();
                } catch (...) { // There is nobody to tell.
                }
            }
            static void drop(void *data) noexcept { delete static_cast<std::function<void()> *>(data); }
        };
        bmf_action call;
        call.data = new std::function<void()>(std::move(action));
        call.run = Call::run;
        call.drop = Call::drop;
        api().on_interrupt(raw_, &call);
    }
    /** Tells how long a source is, in microseconds. */
    void set_duration(std::int64_t micros) const { api().set_duration(raw_, micros); }

  private:
    static const bmf_context_api &api() noexcept { return *host().context; }
    const bmf_context *raw_;
};

namespace detail {

/** Reads the members of a JSON object. The host checked that it is one. */
class Members {
  public:
    struct Value {
        enum Kind { Null, Bool, Number, String, Other } kind;
        /** Of a string what it stands for, of others what is written. */
        std::string text;
    };

    static std::map<std::string, Value> read(const std::string &text) {
        Members in(text);
        std::map<std::string, Value> out;
        in.take('{');
        while (!in.sees('}')) {
            const std::string key = in.string();
            in.take(':');
            out[key] = in.value();
            if (!in.sees('}')) {
                in.take(',');
            }
        }
        return out;
    }

  private:
    explicit Members(const std::string &text) : text_(text) {}

    char peek() {
        at_ = text_.find_first_not_of(" \t\r\n", at_);
        if (at_ == std::string::npos) {
            throw Error("the options end early");
        }
        return text_[at_];
    }
    bool sees(char letter) { return peek() == letter; }
    void take(char letter) {
        if (!sees(letter)) {
            throw Error(std::string("the options lack a ") + letter);
        }
        ++at_;
    }

    Value value() {
        Value out = {Value::Other, std::string()};
        const char first = peek();
        if (first == '"') {
            out.kind = Value::String;
            out.text = string();
            return out;
        }
        const std::size_t start = at_;
        if (first == '{' || first == '[') {
            skip_nested();
        } else {
            at_ = std::min(text_.find_first_of(",}] \t\r\n", at_), text_.size());
            out.kind = first == 'n' ? Value::Null : first == 't' || first == 'f' ? Value::Bool : Value::Number;
        }
        out.text = text_.substr(start, at_ - start);
        return out;
    }

    void skip_nested() {
        std::size_t depth = 0;
        do {
            const char letter = peek();
            if (letter == '"') {
                string();
                continue;
            }
            depth += letter == '{' || letter == '[';
            depth -= letter == '}' || letter == ']';
            ++at_;
        } while (depth > 0);
    }

    std::string string() {
        std::string out;
        take('"');
        for (;;) {
            const char letter = next();
            if (letter == '"') {
                return out;
            }
            if (letter == '\\') {
                escape(out);
            } else {
                out += letter;
            }
        }
    }

    char next() {
        if (at_ >= text_.size()) {
            throw Error("the options end within a text");
        }
        return text_[at_++];
    }

    void escape(std::string &out) {
        const char *const from = "bfnrt";
        const char *const to = "\b\f\n\r\t";
        const char letter = next();
        const char *found = std::strchr(from, letter);
        if (letter != 'u') {
            out += found && letter ? to[found - from] : letter;
            return;
        }
        unsigned long code = hex();
        if (code >= 0xD800 && code < 0xDC00) { // The first half of a pair.
            next();
            next();
            code = 0x10000 + ((code - 0xD800) << 10) + (hex() - 0xDC00);
        }
        utf8(code, out);
    }

    unsigned long hex() {
        std::string digits;
        for (int index = 0; index < 4; ++index) {
            digits += next();
        }
        return std::strtoul(digits.c_str(), nullptr, 16);
    }

    static void utf8(unsigned long code, std::string &out) {
        if (code < 0x80) {
            out += static_cast<char>(code);
            return;
        }
        const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        const unsigned long lead[] = {0, 0xC0, 0xE0, 0xF0};
        out += static_cast<char>(lead[more] | code >> (6 * more));
        for (int index = more - 1; index >= 0; --index) {
            out += static_cast<char>(0x80 | (code >> (6 * index) & 0x3F));
        }
    }

    const std::string &text_;
    std::size_t at_ = 0;
};

inline bool convert(const Members::Value &from, bool &to) {
    to = from.text == "true";
    return from.kind == Members::Value::Bool;
}
inline bool convert(const Members::Value &from, std::string &to) {
    to = from.text;
    return from.kind == Members::Value::String;
}
template <class Number> bool convert(const Members::Value &from, Number &to) {
    static_assert(std::is_arithmetic<Number>::value && sizeof(Number) > 1, "a number of two bytes or more");
    std::istringstream in(from.text);
    in.imbue(std::locale::classic());
    return from.kind == Members::Value::Number && in >> to && in.peek() == std::char_traits<char>::eof() &&
           (std::is_signed<Number>::value || from.text[0] != '-');
}
inline const char *kind_name(bool) { return "must be true or false"; }
inline const char *kind_name(const std::string &) { return "must be a text"; }
template <class Number> const char *kind_name(Number) {
    return std::is_integral<Number>::value
               ? (std::is_signed<Number>::value ? "must be a whole number" : "must be a whole number, 0 or more")
               : "must be a number";
}

} // namespace detail

/**
 * The options of a node. Read them in the constructor of the module: the host makes modules that it
 * never opens to check options, and warns of those that the constructor did not read. For options
 * that are more than texts, numbers and truth values pass `text` to a JSON library.
 */
class Options {
  public:
    explicit Options(std::string text) : text_(std::move(text)), members_(detail::Members::read(text_)) {}

    /** The option, or `fallback` where it is not set. Throws if it is of another type. */
    template <class T> T get(const std::string &key, T fallback) const {
        read_.insert(key);
        const auto found = members_.find(key);
        if (found == members_.end() || found->second.kind == detail::Members::Value::Null) {
            return fallback;
        }
        T value = T();
        if (!detail::convert(found->second, value)) {
            throw OptionError(key, detail::kind_name(value));
        }
        return value;
    }
    std::string get(const std::string &key, const char *fallback) const {
        return get<std::string>(key, std::string(fallback));
    }
    /** The same, and it must lie between `least` and `most`. */
    template <class T> T get(const std::string &key, T fallback, T least, T most) const {
        const T value = get<T>(key, fallback);
        if (!(value >= least && value <= most)) {
            throw OptionError(key, "must be between " + detail::number(least) + " and " + detail::number(most));
        }
        return value;
    }
    /** Whether it is set, be it to null. */
    bool has(const std::string &key) const { return members_.count(key) > 0; }
    /** All options as JSON; from then on none counts as unread. */
    const std::string &text() const {
        all_read_ = true;
        return text_;
    }
    /** Those that nobody has read. */
    std::vector<std::string> unread() const {
        std::vector<std::string> keys;
        for (const auto &member : members_) {
            if (!all_read_ && read_.count(member.first) == 0) {
                keys.push_back(member.first);
            }
        }
        return keys;
    }

  private:
    std::string text_;
    std::map<std::string, detail::Members::Value> members_;
    mutable std::set<std::string> read_;
    mutable bool all_read_ = false;
};

/** What a module has to say at the end. */
class Report {
  public:
    Report &counter(const std::string &name, std::uint64_t value) {
        return add(counters_, detail::quoted(name) + ":" + detail::number(value));
    }
    Report &warning(const std::string &message) { return add(warnings_, detail::quoted(message)); }
    /** A file that was written, and what is in it in one line. */
    Report &output(const std::string &path, const std::string &summary = std::string()) {
        return add(outputs_, "{\"path\":" + detail::quoted(path) + ",\"summary\":" + detail::quoted(summary) + "}");
    }
    std::string json() const {
        return "{\"counters\":{" + counters_ + "},\"outputs\":[" + outputs_ + "],\"warnings\":[" + warnings_ + "]}";
    }

  private:
    Report &add(std::string &list, const std::string &item) {
        list += (list.empty() ? "" : ",") + item;
        return *this;
    }

    std::string counters_;
    std::string outputs_;
    std::string warnings_;
};

/* -- Modules ---------------------------------------------------------------------------------------- */

/** What `process` wants next. */
enum class Flow : std::int32_t {
    /** To be called when there is new input; where none can come any more, the same as Done. */
    Wait = BMF_FLOW_WAIT,
    /** To be called again even without new input. */
    More = BMF_FLOW_MORE,
    /** Nothing: all outputs end. */
    Done = BMF_FLOW_DONE
};

/** How a run ends. On the last two partial outputs are to be finished as well as possible. */
enum class Ending : std::uint32_t {
    Finished = BMF_ENDING_FINISHED,
    Stopped = BMF_ENDING_STOPPED,
    Failed = BMF_ENDING_FAILED
};

/** What a module promises about the times of its outputs. */
class Promise {
  public:
    static Promise nothing() { return Promise(BMF_PROMISE_NOTHING, 0); }
    /** What it makes of input at T is `micros` later or more. */
    static Promise offset(std::int64_t micros) { return Promise(BMF_PROMISE_OFFSET, micros); }
    /** What it sends on output i comes from input i and keeps its time. */
    static Promise per_port() { return Promise(BMF_PROMISE_PER_PORT, 0); }
    const bmf_promise &raw() const noexcept { return raw_; }

  private:
    Promise(std::uint32_t kind, std::int64_t offset) : raw_() {
        raw_.kind = kind;
        raw_.offset = offset;
    }
    bmf_promise raw_;
};

/**
 * A module. Called by one thread at a time, though not always the same: `open`, `start`, `process`
 * as often as there is work, `close` if `open` succeeded, `report`, the destructor. All may throw but
 * the last.
 */
class Module {
  public:
    Module() = default;
    Module(const Module &) = delete;
    Module &operator=(const Module &) = delete;
    virtual ~Module() = default;

    /** Opens files and devices. The context may be copied and kept. */
    virtual void open(const Context &context) { (void)context; }
    /** Sends what must be there before the first input; again after each `flush`. */
    virtual void start(Task &task) { (void)task; }
    /** Asked once, after `open`. */
    virtual Promise promise() { return Promise::nothing(); }
    /** Handles one task. */
    virtual Flow process(Task &task) = 0;
    /** Forgets what was taken and not sent; a source goes on from `seek`, unless that is BMF_NONE. */
    virtual void flush(std::int64_t seek) { (void)seek; }
    /** Releases what `open` took. */
    virtual void close(Ending ending) { (void)ending; }
    /** Asked once, after `close`. */
    virtual Report report() { return Report(); }
};

/** What travels on a port. */
enum PortKind { Any, Video, Audio };

/** A kind of module: what `bmf inspect` tells of it, and how to make one. See `module`. */
class ModuleType {
  public:
    typedef Module *(*Make)(const Options &options);

    ModuleType(const std::string &name, Make maker) : make_(maker), name_(name) { set("name", detail::quoted(name)); }

    /** One line for lists. */
    ModuleType &summary(const std::string &text) { return set("summary", detail::quoted(text)); }
    /** What it does, in paragraphs. */
    ModuleType &docs(const std::string &text) { return set("docs", detail::quoted(text)); }
    ModuleType &version(const std::string &text) { return set("version", detail::quoted(text)); }
    ModuleType &input(const std::string &name, PortKind kind, const std::string &docs = std::string()) {
        return port(inputs_, name, kind, docs, false);
    }
    ModuleType &output(const std::string &name, PortKind kind, const std::string &docs = std::string()) {
        return port(outputs_, name, kind, docs, false);
    }
    /** A port without which it works too. */
    ModuleType &optional_input(const std::string &name, PortKind kind, const std::string &docs = std::string()) {
        return port(inputs_, name, kind, docs, true);
    }
    ModuleType &optional_output(const std::string &name, PortKind kind, const std::string &docs = std::string()) {
        return port(outputs_, name, kind, docs, true);
    }
    /** An option with its default, for `bmf inspect`; the module reads it with `Options::get`. */
    template <class T> ModuleType &option(const std::string &name, T fallback, const std::string &docs) {
        options_ += (options_.empty() ? "" : ",") + detail::quoted(name) + ":{\"type\":\"" + type_of(fallback) +
                    "\",\"default\":" + detail::json(fallback) + ",\"description\":" + detail::quoted(docs) + "}";
        return *this;
    }
    /** It does something of its own, so that it is worth running although nobody consumes its outputs. */
    ModuleType &is_sink() { return set("is_sink", "true"); }
    /** `process` may wait for the outside world. */
    ModuleType &may_block() { return set("may_block", "true"); }
    /** Several modules must not share the input of one node; why. */
    ModuleType &not_shared(const std::string &why) {
        sharing_ = "{\"impossible\":" + detail::quoted(why) + "}";
        return *this;
    }
    /** Any other key of the descriptor, with its value as JSON. */
    ModuleType &set(const std::string &key, const std::string &json) {
        descriptor_[key] = json;
        return *this;
    }

    /** The descriptor as JSON. */
    std::string describe(const std::string &version) const {
        std::map<std::string, std::string> all = descriptor_;
        all.insert(std::make_pair("version", detail::quoted(version)));
        all.insert(std::make_pair("inputs", "[" + inputs_ + "]"));
        all.insert(std::make_pair("outputs", "[" + outputs_ + "]"));
        all.insert(std::make_pair("options", "{\"type\":\"object\",\"properties\":{" + options_ + "}}"));
        std::string out;
        for (const auto &entry : all) {
            out += (out.empty() ? "{" : ",") + detail::quoted(entry.first) + ":" + entry.second;
        }
        return out + "}";
    }
    const std::string &name() const noexcept { return name_; }
    const std::string &sharing() const noexcept { return sharing_; }
    Module *make(const Options &options) const { return make_(options); }

  private:
    static const char *type_of(bool) { return "boolean"; }
    static const char *type_of(const char *) { return "string"; }
    static const char *type_of(const std::string &) { return "string"; }
    template <class Number> static const char *type_of(Number) {
        return std::is_integral<Number>::value ? "integer" : "number";
    }
    ModuleType &port(std::string &list, const std::string &name, PortKind kind, const std::string &docs,
                     bool is_optional) {
        const char *const kinds[] = {"any", "video", "audio"};
        list += (list.empty() ? "" : ",") + ("{\"name\":" + detail::quoted(name)) + ",\"kind\":\"" + kinds[kind] +
                "\",\"docs\":" + detail::quoted(docs) + ",\"optional\":" + detail::json(is_optional) + "}";
        return *this;
    }

    Make make_;
    std::string name_;
    std::map<std::string, std::string> descriptor_;
    std::string inputs_;
    std::string outputs_;
    std::string options_;
    std::string sharing_;
};

namespace detail {

template <class M> Module *make_with(const Options &options, std::true_type) { return new M(options); }
template <class M> Module *make_with(const Options &, std::false_type) { return new M(); }
template <class M> Module *make(const Options &options) {
    return make_with<M>(options, std::is_constructible<M, const Options &>());
}

/** The functions of all modules: they differ in their virtual ones. */
struct ModuleFunctions {
    static Module &self(void *data) noexcept { return *static_cast<Module *>(data); }

    static std::int32_t open(void *data, const bmf_context *context, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] { return self(data).open(Context(context)), BMF_OK; });
    }
    static std::int32_t start(void *data, bmf_task *raw, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            Task task(raw);
            return self(data).start(task), BMF_OK;
        });
    }
    static void promise(void *data, bmf_promise *out) noexcept {
        try {
            *out = self(data).promise().raw();
        } catch (...) { // Who throws promises nothing.
            *out = bmf_promise();
        }
    }
    static std::int32_t flush(void *data, std::int64_t seek, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] { return self(data).flush(seek), BMF_OK; });
    }
    static std::int32_t process(void *data, bmf_task *raw, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            Task task(raw);
            return static_cast<std::int32_t>(self(data).process(task));
        });
    }
    static std::int32_t close(void *data, std::uint32_t ending, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] { return self(data).close(static_cast<Ending>(ending)), BMF_OK; });
    }
    static void report(void *data, const bmf_sink *out) noexcept {
        try {
            bmf_write(out, lend(self(data).report().json()));
        } catch (...) { // No report.
        }
    }
    static std::int32_t destroy(void *data, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            delete &self(data);
            return BMF_OK;
        });
    }

    static bmf_module_vtable table() noexcept {
        bmf_module_vtable table = bmf_module_vtable();
        table.size = sizeof table;
        table.open = open;
        table.start = start;
        table.promise = promise;
        table.flush = flush;
        table.process = process;
        table.close = close;
        table.report = report;
        table.destroy = destroy;
        return table;
    }
};

/** A kind of module as C sees it. */
class ExportedType {
  public:
    ExportedType(const ModuleType &type, const std::string &version)
        : type_(type), descriptor_(type.describe(version)), functions_(ModuleFunctions::table()), table_() {
        table_.size = sizeof table_;
        table_.data = this;
        table_.describe = describe;
        table_.check = check;
        table_.create = create;
        table_.sharing = type.sharing().empty() ? nullptr : sharing;
    }
    ExportedType(const ExportedType &) = delete;
    ExportedType &operator=(const ExportedType &) = delete;

    const bmf_module_type *table() const noexcept { return &table_; }

  private:
    static const ExportedType &self(const void *data) noexcept { return *static_cast<const ExportedType *>(data); }

    static void describe(const void *data, const bmf_sink *out) noexcept {
        bmf_write(out, lend(self(data).descriptor_));
    }
    static void sharing(const void *data, bmf_str, const bmf_sink *out) noexcept {
        bmf_write(out, lend(self(data).type_.sharing()));
    }
    static void check(const void *data, bmf_str options, const bmf_sink *out) noexcept {
        try {
            bmf_write(out, lend("[" + issues(self(data).type_, copy(options)) + "]"));
        } catch (...) { // No memory: `create` will say so.
        }
    }
    static std::string issues(const ModuleType &type, const std::string &text) {
        std::string out;
        try {
            const Options options(text);
            const std::unique_ptr<Module> module(type.make(options));
            for (const std::string &key : options.unread()) {
                out += (out.empty() ? "" : ",") + issue("unknown", key, "unknown option " + quoted(key), std::string());
            }
        } catch (const OptionError &error) {
            return issue("invalid", error.key(), error.problem(), error.hint());
        } catch (const Error &error) {
            return issue("invalid", std::string(), error.what(), error.hint());
        } catch (const std::exception &error) {
            return issue("invalid", std::string(), error.what(), std::string());
        } catch (...) {
            return issue("invalid", std::string(), "unknown exception", std::string());
        }
        return out;
    }
    static std::string issue(const char *kind, const std::string &path, const std::string &message,
                             const std::string &hint) {
        return "{\"path\":" + quoted(path) + ",\"kind\":\"" + kind + "\",\"message\":" + quoted(message) +
               (hint.empty() ? "" : ",\"hint\":" + quoted(hint)) + "}";
    }
    static std::int32_t create(const void *data, bmf_str options, bmf_module *out,
                               const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            out->data = self(data).type_.make(Options(copy(options)));
            out->vtable = &self(data).functions_;
            return BMF_OK;
        });
    }

    ModuleType type_;
    std::string descriptor_;
    bmf_module_vtable functions_;
    bmf_module_type table_;
};

/** A library as C sees it. Made once, never freed. */
class Library {
  public:
    Library(const char *name, const char *version, const std::vector<ModuleType> &types) : plugin_() {
        for (const ModuleType &type : types) {
            types_.emplace_back(new ExportedType(type, version));
            tables_.push_back(types_.back()->table());
        }
        plugin_.size = sizeof plugin_;
        plugin_.version_major = BMF_VERSION_MAJOR;
        plugin_.version_minor = BMF_VERSION_MINOR;
        plugin_.name = bmf_str_from(name);
        plugin_.version = bmf_str_from(version);
        plugin_.built_with = built_with();
        plugin_.module_count = tables_.size();
        plugin_.modules = tables_.data();
    }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;

    const bmf_plugin *plugin() const noexcept { return &plugin_; }

  private:
    static bmf_str built_with() noexcept {
#if defined(__clang__)
        return BMF_STR("bmf.hpp, clang " __clang_version__);
#elif defined(__GNUC__)
        return BMF_STR("bmf.hpp, g++ " __VERSION__);
#else
        return BMF_STR("bmf.hpp");
#endif
    }

    std::vector<std::unique_ptr<ExportedType>> types_;
    std::vector<const bmf_module_type *> tables_;
    bmf_plugin plugin_;
};

/** The body of the entry: null where the host is of another contract, or there is no memory. */
template <class Types>
const bmf_plugin *enter(const bmf_host *host, const char *name, const char *version, const Library *&place,
                        Types types) noexcept {
    if (host->version_major != BMF_VERSION_MAJOR || host->size < sizeof *host) {
        return nullptr;
    }
    try {
        host_place() = host;
        if (!place) {
            place = new Library(name, version, types());
        }
        return place->plugin();
    } catch (...) {
        return nullptr;
    }
}

} // namespace detail

/** A kind of module, made of a class. It is made from `const Options &`, or from nothing. */
template <class M> ModuleType module(const std::string &name) { return ModuleType(name, detail::make<M>); }

} // namespace bmf

/**
 * The entry of a library: its name, which is that of the file without `lib` and ending, its version,
 * and its modules, separated by commas.
 */
#define BMF_PLUGIN_MODULES(name, version, ...) \
    BMF_PLUGIN(name) { \
        static const bmf::detail::Library *library = nullptr; \
        return bmf::detail::enter(the_host, #name, version, library, \
                                  [] { return std::vector<bmf::ModuleType>{__VA_ARGS__}; }); \
    }

#endif
