/*
 * Errors, and how they cross the border.
 */
#ifndef BMF_ERROR_HPP
#define BMF_ERROR_HPP

#include "../bmf.h"

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#if defined(_WIN32)
#define BMF_HIDDEN
#else
/** Nothing of the wrapper may be shared with other plugins in the same process: see bmf.hpp. */
#define BMF_HIDDEN __attribute__((visibility("hidden")))
#endif

namespace bmf BMF_HIDDEN {

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

/** Runs `body` so that nothing is thrown out of it: why it fails goes to `sink`. */
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

} // namespace detail

} // namespace bmf

#endif
