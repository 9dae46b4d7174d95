/*
 * Modules as C sees them, and the entry of the library.
 */
#ifndef BMF_PLUGIN_HPP
#define BMF_PLUGIN_HPP

#include "module.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bmf BMF_HIDDEN {

namespace detail {

template <class M> Module *make_with(const Options &options, std::true_type) { return new M(options); }
template <class M> Module *make_with(const Options &, std::false_type) { return new M(); }
template <class M> Module *make(const Options &options) {
    return make_with<M>(options, std::is_constructible<M, const Options &>());
}

/** A module, and a failure where the contract has no place to tell of it. The next call does. */
struct Instance {
    std::unique_ptr<Module> module;
    std::exception_ptr untold;

    void tell_untold() {
        if (untold) {
            std::rethrow_exception(std::exchange(untold, nullptr));
        }
    }
};

/** The functions of all modules: they differ in their virtual ones. */
struct ModuleFunctions {
    static Instance &instance(void *data) noexcept { return *static_cast<Instance *>(data); }
    static Module &self(void *data) noexcept { return *instance(data).module; }

    static std::int32_t open(void *data, const bmf_context *context, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] { return self(data).open(Context(context)), BMF_OK; });
    }
    static std::int32_t start(void *data, bmf_task *raw, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            instance(data).tell_untold();
            Task task(raw);
            return self(data).start(task), BMF_OK;
        });
    }
    static void promise(void *data, bmf_promise *out) noexcept {
        try {
            *out = self(data).promise().raw();
        } catch (...) {
            *out = Promise::nothing().raw();
            instance(data).untold = std::current_exception();
        }
    }
    static std::int32_t flush(void *data, std::int64_t seek, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            instance(data).tell_untold();
            return self(data).flush(seek), BMF_OK;
        });
    }
    static std::int32_t process(void *data, bmf_task *raw, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            instance(data).tell_untold();
            Task task(raw);
            return static_cast<std::int32_t>(self(data).process(task));
        });
    }
    static std::int32_t close(void *data, std::uint32_t ending, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            self(data).close(static_cast<Ending>(ending));
            return instance(data).tell_untold(), BMF_OK;
        });
    }
    static void report(void *data, const bmf_sink *out) noexcept {
        answer(out, [&] { return self(data).report().json(); });
    }
    static std::int32_t destroy(void *data, const bmf_error_sink *error) noexcept {
        return guarded(error, [&] {
            delete &instance(data);
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
        answer(out, [&] { return "[" + issues(self(data).type_, copy(options)) + "]"; });
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
            std::unique_ptr<Instance> made(new Instance());
            made->module.reset(self(data).type_.make(Options(copy(options))));
            if (!made->module) {
                throw Error("there is no module of this kind");
            }
            out->data = made.release();
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

/** The body of the entry: null where it fails, and why is told. */
template <class Types>
const bmf_plugin *enter(const bmf_host *host, const bmf_error_sink *error, const char *name, const char *version,
                        const Library *&place, Types types) noexcept {
    if (!bmf_fits(host, error)) {
        return nullptr;
    }
    host_place() = host;
    guarded(error, [&] {
        if (!place) {
            place = new Library(name, version, types());
        }
        return BMF_OK;
    });
    return place ? place->plugin() : nullptr;
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
        return bmf::detail::enter(the_host, error, #name, version, library, \
                                  [] { return std::vector<bmf::ModuleType>{__VA_ARGS__}; }); \
    }

#endif
