/*
 * What a module is, and what it says of itself.
 */
#ifndef BMF_MODULE_HPP
#define BMF_MODULE_HPP

#include "options.hpp"
#include "task.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>

namespace bmf BMF_HIDDEN {

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

/**
 * A module. Called by one thread at a time, though not always the same: `open`, `start`, `process`
 * as often as there is work, `close` if `open` succeeded, `report`, the destructor. All may throw but
 * the last; what `promise` throws the next call reports.
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
    /** Asked at most once, after `open`. */
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

} // namespace bmf

#endif
