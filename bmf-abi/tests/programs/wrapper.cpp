// What bmf.hpp makes of modules, seen from the other side of the contract: a host of this file's own calls the tables.
// Prints what it sees; the test compares.

#include "bmf.hpp"

#include <iostream>

namespace {

// -- A host, as far as the modules below need one ---------------------------------------------------------------

/** A payload that is a number, or with another tag nothing. */
struct Number {
    bmf_payload header;
    bmf_payload_vtable vtable;
    std::int64_t value;
};

int payloads = 0;

bmf_packet number(std::int64_t timestamp, std::int64_t value, const char *tag = "bmf.int") {
    Number *made = new Number();
    ++payloads;
    made->value = value;
    made->vtable.size = sizeof made->vtable;
    made->vtable.tag = bmf_str_from(tag);
    made->vtable.destroy = [](bmf_payload *payload) {
        --payloads;
        delete reinterpret_cast<Number *>(payload);
    };
    made->vtable.view = [](const bmf_payload *payload, std::uint32_t kind, void *out) {
        if (kind != BMF_VIEW_INT || !bmf_str_is(payload->vtable->tag, "bmf.int")) {
            return 0;
        }
        *static_cast<std::int64_t *>(out) = reinterpret_cast<const Number *>(payload)->value;
        return 1;
    };
    made->header.refs = 1;
    made->header.vtable = &made->vtable;
    bmf_packet packet;
    packet.timestamp = timestamp;
    packet.payload = &made->header;
    return packet;
}

std::vector<bmf_packet> waiting;

bmf_task *const the_task = reinterpret_cast<bmf_task *>(&waiting);

bool pop(bmf_task *, std::size_t port, bmf_packet *out) {
    if (port != 0 || waiting.empty()) {
        return false;
    }
    *out = waiting.front();
    waiting.erase(waiting.begin());
    return true;
}

void push(bmf_task *, std::size_t port, bmf_packet packet) {
    const bmf::Packet owned = bmf::Packet::adopt(packet);
    std::cout << "push " << port << ": " << owned.integer() << " at " << owned.timestamp() << "\n";
}

std::int32_t make_number(std::int64_t timestamp, bmf_str, std::int64_t value, bmf_packet *out, const bmf_error_sink *error) {
    if (value < 0) {
        return bmf_fail_hint(error, "no such number", "count upwards");
    }
    *out = number(timestamp, value);
    return BMF_OK;
}

std::uint32_t log_level() { return BMF_LOG_INFO; }

void log(const bmf_log_record *record) {
    std::cout << "log " << record->level << " " << bmf::copy(record->target) << ": " << bmf::copy(record->message) << "\n";
}

const bmf_host *make_host() {
    static bmf_task_api task = bmf_task_api();
    static bmf_context_api context = bmf_context_api();
    static bmf_media_api media = bmf_media_api();
    static bmf_host host = bmf_host();
    task.size = sizeof task;
    task.pop = pop;
    task.push = push;
    context.size = sizeof context;
    context.on_interrupt = [](const bmf_context *, const bmf_action *action) {
        action->run(action->data);
        action->drop(action->data);
    };
    media.size = sizeof media;
    media.integer = make_number;
    host.size = sizeof host;
    host.version_major = BMF_VERSION_MAJOR;
    host.log_level = log_level;
    host.log = log;
    host.task = &task;
    host.context = &context;
    host.media = &media;
    return &host;
}

const bmf_error_sink *errors() {
    static bmf_error_sink sink;
    sink.report = [](void *, const bmf_error_info *info) {
        std::cout << "error: " << bmf::copy(info->message) << " | " << bmf::copy(info->hint) << " | " << bmf::copy(info->port);
        if (info->timestamp != BMF_NONE) {
            std::cout << " | " << info->timestamp;
        }
        std::cout << "\n";
    };
    return &sink;
}

const bmf_sink *print() {
    static bmf_sink sink;
    sink.write = [](void *, bmf_str text) { std::cout << bmf::copy(text) << "\n"; };
    return &sink;
}

// -- Modules ------------------------------------------------------------------------------------------------------

/** Adds to numbers, and fails in all the ways there are. */
class Add : public bmf::Module {
  public:
    explicit Add(const bmf::Options &options)
        : by_(options.get<std::int64_t>("by", 1)), factor_(options.get("factor", 1.0, 0.0, 10.0)),
          name_(options.get("name", "nobody")), is_loud_(options.get("loud", false)) {}
    ~Add() override { std::cout << "gone\n"; }

    bmf::Flow process(bmf::Task &task) override {
        while (bmf::Packet packet = task.pop(0)) {
            const std::int64_t value = packet.integer();
            const bmf::Packet kept = packet;
            if (value == 1000) {
                throw bmf::Error("too much", "send less").port("numbers").at(packet.timestamp());
            } else if (value == 1001) {
                throw 7;
            } else if (value == 1002) {
                throw std::out_of_range("over the edge");
            }
            task.push(1, bmf::Packet::integer(kept.timestamp(), static_cast<std::int64_t>(static_cast<double>(value) * factor_) + by_));
            task.push(0, std::move(packet));
            ++count_;
        }
        log_.info(name_ + (is_loud_ ? "!" : ""));
        log_.debug("not to be seen");
        return bmf::Flow::Wait;
    }
    bmf::Report report() override { return bmf::Report().counter("num\"bers", count_).warning("a\nb").output("x.txt"); }

  private:
    std::int64_t by_;
    double factor_;
    std::string name_;
    bool is_loud_;
    std::uint64_t count_ = 0;
    bmf::Log log_{"add"};
};

/** Fails where the contract has no place to tell of it. */
class Quiet : public bmf::Module {
  public:
    ~Quiet() override { std::cout << "gone\n"; }
    bmf::Promise promise() override { throw bmf::Error("cannot promise", "ask less").port("out"); }
    bmf::Flow process(bmf::Task &) override { return std::cout << "processed\n", bmf::Flow::Done; }
    void close(bmf::Ending) override { std::cout << "closed\n"; }
    bmf::Report report() override { throw std::runtime_error("no \"report\""); }
};

bmf::ModuleType lacking() { throw bmf::Error("needs libfoo 3", "install it"); }

class Plain : public bmf::Module {
    bmf::Flow process(bmf::Task &) override { return bmf::Flow::Done; }
    bmf::Promise promise() override { return bmf::Promise::offset(40); }
};

} // namespace

BMF_PLUGIN_MODULES(wrapper, "2.1",
                   bmf::module<Add>("add").summary("adds").input("numbers", bmf::Any, "what to add to").output("same", bmf::Any)
                       .optional_output("sums", bmf::Any).option("by", 1, "how much").option("factor", 0.1, "times")
                       .option("name", "nobody", "who").option("loud", false, "so").not_shared("it counts"),
                   bmf::module<Plain>("plain").version("3").is_sink().set("any_room", "true"),
                   bmf::module<Quiet>("quiet"), bmf::ModuleType("none", [](const bmf::Options &) -> bmf::Module * { return nullptr; }))

BMF_PLUGIN_MODULES(lacking, "1", lacking())

namespace {

/** Makes one, asks for its promise, and calls what comes next. */
void run_quiet(const bmf_module_type *type, bool is_processed) {
    bmf_module module;
    bmf_promise promise = {7, 7, 7};
    type->create(type->data, BMF_STR("{}"), &module, errors());
    module.vtable->promise(module.data, &promise);
    std::cout << "-- promise: " << promise.kind << " " << promise.offset << "\n";
    for (int times = 0; is_processed && times < 2; ++times) {
        const std::int32_t flow = module.vtable->process(module.data, the_task, errors());
        std::cout << "process: " << flow << "\n";
    }
    const std::int32_t closed = module.vtable->close(module.data, BMF_ENDING_STOPPED, errors());
    std::cout << "close: " << closed << "\n";
    module.vtable->report(module.data, print());
    module.vtable->destroy(module.data, errors());
}

/** Makes one with these options, feeds it, and lets go of it. */
void run(const bmf_module_type *type, const char *options, std::vector<bmf_packet> packets) {
    std::cout << "-- " << options << "\n";
    type->check(type->data, bmf_str_from(options), print());
    bmf_module module;
    if (type->create(type->data, bmf_str_from(options), &module, errors()) != BMF_OK) {
        for (bmf_packet &packet : packets) {
            bmf_packet_release(&packet);
        }
        return;
    }
    waiting = std::move(packets);
    const std::int32_t flow = module.vtable->process(module.data, the_task, errors());
    std::cout << "process: " << flow << "\n";
    module.vtable->close(module.data, BMF_ENDING_FINISHED, errors());
    module.vtable->report(module.data, print());
    module.vtable->destroy(module.data, errors());
    for (bmf_packet &packet : waiting) {
        bmf_packet_release(&packet);
    }
}

} // namespace

int main() {
    bmf_host strange = *make_host();
    strange.version_major = 2;
    bmf_host small = *make_host();
    small.size = 8;
    if (BMF_ENTRY(wrapper)(&strange, errors()) || BMF_ENTRY(wrapper)(&small, errors()) ||
        BMF_ENTRY(lacking)(make_host(), errors())) {
        return 1;
    }
    const bmf_plugin *plugin = BMF_ENTRY(wrapper)(make_host(), errors());
    std::cout << bmf::copy(plugin->name) << " " << bmf::copy(plugin->version) << "\n";
    for (std::size_t index = 0; index < plugin->module_count; ++index) {
        const bmf_module_type *type = plugin->modules[index];
        type->describe(type->data, print());
        if (type->sharing) {
            type->sharing(type->data, BMF_STR("{}"), print());
        }
    }
    const bmf_module_type *add = plugin->modules[0];
    run(add, "{}", {number(5, 41), number(6, 1)});
    run(add, "{ \"by\": -3, \"factor\":2.5e0,\"loud\" : true, \"name\":\"\\u00e9\\ud83d\\ude00\\\"\\n/\", \"x\":[{\"}\":\"]\"}], \"y\":null }",
        {number(0, 2)});
    run(add, "{\"by\":1.5}", {});
    run(add, "{\"factor\":11}", {});
    run(add, "{\"name\":1}", {});
    run(add, "{\"loud\":\"yes\"}", {});
    run(add, "{\"by\":null}", {number(77, 1000), number(78, 1)});
    run(add, "{}", {number(0, 1001)});
    run(add, "{}", {number(0, 1002)});
    run(add, "{}", {number(9, 1, "bmf.audio_frame")});
    run(add, "{\"by\":-5}", {number(9, 1)});
    run(plugin->modules[1], "{\"by\":1}", {});
    run_quiet(plugin->modules[2], true);
    run_quiet(plugin->modules[2], false);
    run(plugin->modules[3], "{}", {});
    bmf::Context(nullptr).on_interrupt([] { throw bmf::Error("cannot stop"); });
    std::cout << payloads << " payloads left\n";
    return 0;
}
