/*
 * Pictures and sound.
 */
#ifndef BMF_FRAME_HPP
#define BMF_FRAME_HPP

#include "json.hpp"
#include "packet.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace bmf BMF_HIDDEN {

namespace detail {

/** `Sample`, const where `Byte` is. */
template <class Sample, class Byte>
using Like = typename std::conditional<std::is_const<Byte>::value, const Sample, Sample>::type;

/** The same memory as samples. Throws where these would lie askew, which processors and compilers do not stand. */
template <class Sample, class Byte> Like<Sample, Byte> *as_samples(Byte *first) {
    static_assert(std::is_arithmetic<Sample>::value, "a sample is a number");
    if (reinterpret_cast<std::uintptr_t>(first) % sizeof(Sample) != 0) {
        throw Error("the samples do not lie at multiples of " + number(sizeof(Sample)) + " bytes");
    }
    return reinterpret_cast<Like<Sample, Byte> *>(first);
}

} // namespace detail

/** The rows of one plane; `Byte` is const where they may only be read. */
template <class Byte> class Rows {
  public:
    Rows(const bmf_plane &plane, std::size_t rows, std::size_t row_bytes)
        : plane_(plane), rows_(rows), row_bytes_(row_bytes) {}

    /** How many rows. */
    std::size_t size() const noexcept { return rows_; }
    /** How many bytes of a row are pixels. */
    std::size_t row_bytes() const noexcept { return row_bytes_; }
    /**
     * The first byte of a row, the uppermost being 0. It may be at any address: do not cast it, take
     * `samples` for numbers of several bytes.
     */
    Byte *operator[](std::size_t row) const noexcept { return bmf_row(&plane_, rows_, row); }
    /**
     * A row as numbers, such as `std::uint16_t` for formats of more than eight bits; their order of bytes
     * is that of the format. The contract lets pictures lie anywhere: throws where that is not at multiples
     * of the size of a number. `std::memcpy` reads also those.
     */
    template <class Sample> detail::Like<Sample, Byte> *samples(std::size_t row) const {
        return detail::as_samples<Sample>((*this)[row]);
    }

  private:
    bmf_plane plane_;
    std::size_t rows_;
    std::size_t row_bytes_;
};

/**
 * A picture. Copies share the pixels; who writes gets a copy of its own where they are shared. One that was
 * moved from, or pushed with std::move, has no pixels.
 */
class VideoFrame {
  public:
    /** The picture in a packet. Throws what `Packet::unexpected` says for others. */
    explicit VideoFrame(Packet packet) : packet_(std::move(packet)) { look(); }

    /** A new picture in main memory, its pixels undefined, with the properties of a view. */
    static VideoFrame make(std::int64_t timestamp, bmf_video_view like) {
        like.size = sizeof like;
        like.plane_count = 0;
        like.device_kind = BMF_DEVICE_CPU;
        like.device_index = 0;
        Packet packet;
        detail::Reported error;
        error.check(host().media->video(timestamp, &like, &packet.raw(), error.sink()));
        return VideoFrame(std::move(packet));
    }
    /** A new picture of this size and format, with the rest as in `like`. */
    static VideoFrame make(const VideoFrame &like, const std::string &format, std::uint32_t width,
                           std::uint32_t height) {
        bmf_video_view view = like.view();
        view.format = lend(format);
        view.width = width;
        view.height = height;
        return make(like.timestamp(), view);
    }

    std::uint32_t width() const noexcept { return view_.width; }
    std::uint32_t height() const noexcept { return view_.height; }
    /** FFmpeg's name of the pixel format. */
    std::string format() const { return copy(view_.format); }
    std::int64_t timestamp() const noexcept { return packet_.timestamp(); }
    bool is_on_cpu() const noexcept { return view_.device_kind == BMF_DEVICE_CPU; }
    /** All that there is to know. */
    const bmf_video_view &view() const noexcept { return view_; }
    /** Where the samples of its format lie. */
    const bmf_pixel_format &pixels() const {
        check();
        if (pixels_.size == 0 && !bmf_describe(&host(), &view_, &pixels_)) {
            pixels_ = bmf_pixel_format();
            throw Error("the host does not know the pixel format " + format());
        }
        return pixels_;
    }

    std::size_t planes() const noexcept { return view_.plane_count; }
    /** A plane to read. */
    Rows<const std::uint8_t> plane(std::size_t index) const { return rows<const std::uint8_t>(index); }
    /**
     * A plane to write, until the picture is copied, shared or pushed: ask anew then. Invalidates planes to
     * read.
     */
    Rows<std::uint8_t> plane_for_writing(std::size_t index) {
        check();
        bmf_video_view view = bmf_video_view();
        view.size = sizeof view;
        detail::Reported error;
        error.check(host().media->video_for_writing(&packet_.raw(), &view, error.sink()));
        view_ = view;
        return rows<std::uint8_t>(index);
    }

    /** Sets an entry of the metadata; an empty value removes it. */
    void set_metadata(const std::string &key, const std::string &value) {
        check();
        detail::Reported error;
        error.check(host().media->set_metadata(&packet_.raw(), lend(key), lend(value), error.sink()));
        look();
    }

    /** Shares the picture: who writes then gets a copy. */
    Packet packet() const & { return packet_; }
    Packet packet() && { return std::move(packet_); }

  private:
    void look() {
        if (!packet_ || !bmf_view_video(&packet_.raw(), &view_)) {
            throw packet_.unexpected("a picture", "link this input to a stream of pictures");
        }
    }
    void check() const {
        if (!packet_) {
            throw Error("the picture was given away");
        }
    }
    template <class Byte> Rows<Byte> rows(std::size_t index) const {
        check();
        if (index >= view_.plane_count) {
            throw Error(format() + " has no plane " + detail::number(index));
        }
        if (!is_on_cpu()) {
            throw Error("the picture is in the memory of a GPU", "bring it to main memory first");
        }
        const bmf_pixel_format &format = pixels();
        return Rows<Byte>(view_.planes[index], bmf_rows(&format, index, view_.height),
                          bmf_row_bytes(&format, index, view_.width));
    }

    Packet packet_;
    bmf_video_view view_ = bmf_video_view();
    mutable bmf_pixel_format pixels_ = bmf_pixel_format();
};

namespace detail {
/** FFmpeg's name of a sample format, without the `p` of planar ones. */
template <class Sample> struct SampleName;
template <> struct SampleName<std::uint8_t> { static const char *get() { return "u8"; } };
template <> struct SampleName<std::int16_t> { static const char *get() { return "s16"; } };
template <> struct SampleName<std::int32_t> { static const char *get() { return "s32"; } };
template <> struct SampleName<std::int64_t> { static const char *get() { return "s64"; } };
template <> struct SampleName<float> { static const char *get() { return "flt"; } };
template <> struct SampleName<double> { static const char *get() { return "dbl"; } };
} // namespace detail

/**
 * Sound. Copies share the samples; who writes gets a copy of its own where they are shared. One that was
 * moved from, or pushed with std::move, has no samples.
 */
class AudioFrame {
  public:
    /** The sound in a packet. Throws what `Packet::unexpected` says for others. */
    explicit AudioFrame(Packet packet) : packet_(std::move(packet)) { look(); }

    /** New sound, its samples undefined, with the properties of a view. */
    static AudioFrame make(std::int64_t timestamp, bmf_audio_view like) {
        like.size = sizeof like;
        like.plane_count = 0;
        Packet packet;
        detail::Reported error;
        error.check(host().media->audio(timestamp, &like, &packet.raw(), error.sink()));
        return AudioFrame(std::move(packet));
    }

    /** Samples per channel. */
    std::size_t samples() const noexcept { return static_cast<std::size_t>(view_.samples); }
    std::uint32_t sample_rate() const noexcept { return view_.sample_rate; }
    std::size_t channels() const noexcept { return view_.channels; }
    /** FFmpeg's name of the sample format. */
    std::string format() const { return copy(view_.format); }
    /** Whether each channel has a plane of its own. */
    bool is_planar() const { return view_.format.len > 0 && view_.format.ptr[view_.format.len - 1] == 'p'; }
    std::int64_t timestamp() const noexcept { return packet_.timestamp(); }
    /** All that there is to know. */
    const bmf_audio_view &view() const noexcept { return view_; }

    std::size_t planes() const noexcept { return view_.plane_count; }
    /** How many samples a plane has: of one channel, or of all in turn. */
    std::size_t plane_samples() const { return is_planar() ? samples() : samples() * channels(); }
    /** The samples of a plane. Throws if they are not of this type, or do not lie as the contract says. */
    template <class Sample> const Sample *plane(std::size_t index) const { return at<Sample>(index); }
    /**
     * The samples of a plane, to write, until the sound is copied, shared or pushed: ask anew then.
     * Invalidates those to read.
     */
    template <class Sample> Sample *plane_for_writing(std::size_t index) {
        check();
        bmf_audio_view view = bmf_audio_view();
        view.size = sizeof view;
        detail::Reported error;
        error.check(host().media->audio_for_writing(&packet_.raw(), &view, error.sink()));
        view_ = view;
        return at<Sample>(index);
    }

    /** Shares the sound: who writes then gets a copy. */
    Packet packet() const & { return packet_; }
    Packet packet() && { return std::move(packet_); }

  private:
    void look() {
        if (!packet_ || !bmf_view_audio(&packet_.raw(), &view_)) {
            throw packet_.unexpected("sound", "link this input to a stream of sound");
        }
    }
    void check() const {
        if (!packet_) {
            throw Error("the sound was given away");
        }
    }
    template <class Sample> Sample *at(std::size_t index) const {
        check();
        const std::string wanted = detail::SampleName<Sample>::get();
        if (format() != wanted && format() != wanted + "p") {
            throw Error("the samples are " + format() + ", not " + wanted);
        }
        bmf_plane plane;
        if (index >= planes() || !bmf_view_plane(&packet_.raw(), index, &plane)) {
            throw Error("there is no plane " + detail::number(index));
        }
        return detail::as_samples<Sample>(plane.data);
    }

    Packet packet_;
    bmf_audio_view view_ = bmf_audio_view();
};

} // namespace bmf

#endif
