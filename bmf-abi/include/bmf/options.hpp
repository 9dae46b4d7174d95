/*
 * The options of a node.
 */
#ifndef BMF_OPTIONS_HPP
#define BMF_OPTIONS_HPP

#include "json.hpp"

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bmf BMF_HIDDEN {

namespace detail {

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

} // namespace bmf

#endif
