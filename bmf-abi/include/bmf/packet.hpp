/*
 * What travels between modules.
 */
#ifndef BMF_PACKET_HPP
#define BMF_PACKET_HPP

#include "host.hpp"

#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <utility>

namespace bmf BMF_HIDDEN {

namespace detail {

/** What C hands over piece by piece, in calls that must not throw. */
template <class All> class Taken {
  public:
    template <class Add> void add(Add &&add) noexcept {
        try {
            add(all_);
        } catch (...) {
            failure_ = std::current_exception();
        }
    }
    /** All of it; throws if a piece is missing. */
    All whole() {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        return std::move(all_);
    }

  private:
    All all_;
    std::exception_ptr failure_;
};

} // namespace detail

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
        detail::Taken<std::string> text;
        bmf_sink sink;
        sink.target = &text;
        sink.write = append;
        if (!raw_.payload || !bmf_packet_view(&raw_, BMF_VIEW_TEXT, &sink)) {
            throw unexpected("JSON");
        }
        return text.whole();
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
        static_cast<detail::Taken<std::string> *>(target)->add([&](std::string &all) { all += copy(text); });
    }

    bmf_packet raw_;
};

/** The metadata of a picture or of sound. */
inline std::map<std::string, std::string> metadata(const Packet &packet) {
    typedef std::map<std::string, std::string> Map;
    struct Take {
        static void pair(void *target, bmf_str key, bmf_str value) noexcept {
            static_cast<detail::Taken<Map> *>(target)->add([&](Map &all) { all[copy(key)] = copy(value); });
        }
    };
    detail::Taken<Map> map;
    bmf_pair_sink sink;
    sink.target = &map;
    sink.write = Take::pair;
    if (packet) {
        bmf_packet_view(&packet.raw(), BMF_VIEW_METADATA, &sink);
    }
    return map.whole();
}

} // namespace bmf

#endif
