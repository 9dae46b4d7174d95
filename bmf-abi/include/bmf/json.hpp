/*
 * Values as JSON, and the members of a JSON object.
 */
#ifndef BMF_JSON_HPP
#define BMF_JSON_HPP

#include "error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <locale>
#include <map>
#include <sstream>
#include <string>

namespace bmf BMF_HIDDEN {

namespace detail {

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

/** Says why there is no answer: because of the exception that is being handled. */
inline void write_failure(const bmf_sink *out) noexcept {
    try {
        std::string message = "unknown exception";
        try {
            throw;
        } catch (const std::exception &error) {
            message = error.what();
        } catch (...) { // It has no message.
        }
        bmf_write(out, lend("{\"panicked\":" + quoted(message) + "}"));
    } catch (...) {
        bmf_write(out, BMF_STR("{\"panicked\":\"out of memory\"}"));
    }
}

/** Answers with the JSON that `make` returns, so that nothing is thrown out of it. */
template <class Make> void answer(const bmf_sink *out, Make &&make) noexcept {
    try {
        const std::string json = make();
        bmf_write(out, lend(json));
    } catch (...) {
        write_failure(out);
    }
}

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

} // namespace detail

} // namespace bmf

#endif
