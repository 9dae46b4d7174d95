/*
 * The program that the plugin is in, and its log.
 */
#ifndef BMF_HOST_HPP
#define BMF_HOST_HPP

#include "error.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace bmf BMF_HIDDEN {

namespace detail {

/** Where the host is kept: one for each plugin. */
inline const bmf_host *&host_place() noexcept {
    static const bmf_host *host = nullptr;
    return host;
}

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

} // namespace bmf

#endif
