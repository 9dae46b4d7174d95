/*
 * What a module works with: the packets of its ports, and what it knows of its surroundings.
 */
#ifndef BMF_TASK_HPP
#define BMF_TASK_HPP

#include "frame.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace bmf BMF_HIDDEN {

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
    /**
     * Calls `action` at most once, from any thread, when the graph wants to end. It must not block. It is
     * not called any more once the destructor of the module has begun, so it may use the module.
     */
    void on_interrupt(std::function<void()> action) const {
        struct Call {
            static void run(void *data) noexcept {
                try {
                    (*static_cast<std::function<void()> *>(data))();
                } catch (const std::exception &error) {
                    bmf_log(&host(), BMF_LOG_ERROR, "on_interrupt", "%s", error.what());
                } catch (...) {
                    bmf_log(&host(), BMF_LOG_ERROR, "on_interrupt", "unknown exception");
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

} // namespace bmf

#endif
