/*
 * bmf.hpp: modules of bmf in C++14. A face over bmf.h and nothing else: no library, no global state
 * but the pointer to the host. Derive from bmf::Module, and name it in BMF_PLUGIN_MODULES.
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
 *
 * Compile with -shared -fPIC -fvisibility=hidden, and with GCC also -fno-gnu-unique. A process may hold
 * several plugins, and after a hot reload two builds of one. GCC marks the statics of inline functions
 * and templates (`static` in them, and `inline` variables) as unique: the loader then gives all
 * libraries the one that was loaded first, although it keeps everything else apart, so that a new build
 * works with values of the old one. What is hidden is not unique. The wrapper hides itself (BMF_HIDDEN);
 * your own code the flags hide. Without them GCC warns of classes with "greater visibility" than a base
 * or field of bmf's.
 */
#ifndef BMF_HPP
#define BMF_HPP

#include "bmf/error.hpp"
#include "bmf/frame.hpp"
#include "bmf/host.hpp"
#include "bmf/module.hpp"
#include "bmf/options.hpp"
#include "bmf/packet.hpp"
#include "bmf/plugin.hpp"
#include "bmf/task.hpp"

#endif
