/*
 * cpp_brightness: makes pictures lighter or darker, as an example of a module in C++. It takes pictures of every
 * format with samples of eight bits, and works in place where nobody else looks at the picture.
 */
#include "bmf.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace {

class Brightness : public bmf::Module {
  public:
    /** Checks the options; opens nothing, since the host also makes modules to check options. */
    explicit Brightness(const bmf::Options &options) : by_(options.get("by", 0.1, -1.0, 1.0)) {
        for (int value = 0; value < 256; ++value) {
            const int changed = value + static_cast<int>(by_ * 255.0);
            table_[static_cast<std::size_t>(value)] = static_cast<std::uint8_t>(std::min(255, std::max(0, changed)));
        }
    }

    /** What comes out keeps the time of what went in. */
    bmf::Promise promise() override { return bmf::Promise::per_port(); }

    bmf::Flow process(bmf::Task &task) override {
        while (bmf::Packet packet = task.pop(0)) {
            bmf::VideoFrame frame(std::move(packet));
            change(frame);
            ++pictures_;
            task.push(0, std::move(frame));
        }
        return bmf::Flow::Wait;
    }

    void close(bmf::Ending) override { log_.debug(std::to_string(pictures_) + " pictures"); }

    bmf::Report report() override { return bmf::Report().counter("pictures", pictures_); }

  private:
    void change(bmf::VideoFrame &frame) const {
        const bmf_pixel_format pixels = frame.pixels();
        const std::uint32_t others = BMF_PIXEL_FORMAT_BITSTREAM | BMF_PIXEL_FORMAT_PALETTE | BMF_PIXEL_FORMAT_BAYER;
        if (pixels.depth != 8 || (pixels.flags & others) != 0) {
            throw bmf::Error("cannot change the brightness of " + frame.format(),
                             "convert to a format of eight bits first, such as yuv420p or rgb24")
                .at(frame.timestamp());
        }
        /* Red, green and blue; or luma alone. */
        const std::size_t count = (pixels.flags & BMF_PIXEL_FORMAT_RGB) != 0 ? 3 : 1;
        for (std::size_t index = 0; index < count; ++index) {
            const bmf_pixel_component &component = pixels.components[index];
            const bmf::Rows<std::uint8_t> rows = frame.plane_for_writing(component.plane);
            for (std::size_t y = 0; y < rows.size(); ++y) {
                std::uint8_t *row = rows[y];
                for (std::size_t x = component.offset; x < rows.row_bytes(); x += component.step) {
                    row[x] = table_[row[x]];
                }
            }
        }
    }

    double by_;
    std::array<std::uint8_t, 256> table_;
    std::uint64_t pictures_ = 0;
    bmf::Log log_{"cpp_brightness"};
};

} // namespace

BMF_PLUGIN_MODULES(cpp_brightness, "1.0.0",
                   bmf::module<Brightness>("cpp_brightness")
                       .summary("makes pictures lighter or darker")
                       .input("video", bmf::Video, "pictures with samples of eight bits")
                       .output("video", bmf::Video, "the same, changed")
                       .option("by", 0.1, "what is added, from -1 (black) to 1 (white)"))
