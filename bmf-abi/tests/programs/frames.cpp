// Whose pixels and samples are written when frames of bmf.hpp are copied, pushed and given away; and what is said of
// those that lie askew. The host is of this file's own. Prints what it sees; the test compares.

#include "bmf.hpp"

#include <iostream>

namespace {

/** A picture of 4 x 2 in gray16, or 8 samples of s16; its first sample is at `offset`. */
struct Frame {
    bmf_payload header;
    bmf_payload_vtable vtable;
    std::size_t offset;
    alignas(8) std::uint8_t bytes[32];
};

int frames = 0;

std::int32_t view(const bmf_payload *payload, std::uint32_t kind, void *out) {
    Frame *frame = reinterpret_cast<Frame *>(const_cast<bmf_payload *>(payload));
    bmf_plane plane = bmf_plane();
    plane.data = frame->bytes + frame->offset;
    plane.len = 16;
    plane.stride = 8;
    if (kind == BMF_VIEW_VIDEO) {
        bmf_video_view *video = static_cast<bmf_video_view *>(out);
        video->format = BMF_STR("gray16");
        video->width = 4;
        video->height = 2;
        video->plane_count = 1;
        video->planes[0] = plane;
    } else if (kind == BMF_VIEW_AUDIO) {
        bmf_audio_view *audio = static_cast<bmf_audio_view *>(out);
        audio->format = BMF_STR("s16");
        audio->samples = 8;
        audio->channels = 1;
        audio->plane_count = 1;
    } else if (kind == BMF_VIEW_PLANE) {
        static_cast<bmf_plane_view *>(out)->plane = plane;
    } else {
        return 0;
    }
    return 1;
}

bmf_packet make(std::size_t offset = 0) {
    Frame *made = new Frame();
    ++frames;
    made->vtable.size = sizeof made->vtable;
    made->vtable.tag = BMF_STR("frame");
    made->vtable.destroy = [](bmf_payload *payload) {
        --frames;
        delete reinterpret_cast<Frame *>(payload);
    };
    made->vtable.view = view;
    made->offset = offset;
    made->header.refs = 1;
    made->header.vtable = &made->vtable;
    bmf_packet packet;
    packet.timestamp = 0;
    packet.payload = &made->header;
    return packet;
}

/** Makes a copy of what others share. */
void own(bmf_packet *packet) {
    if (packet->payload->refs > 1) {
        bmf_packet copy = make();
        Frame *to = reinterpret_cast<Frame *>(copy.payload);
        std::memcpy(to->bytes, reinterpret_cast<Frame *>(packet->payload)->bytes, sizeof to->bytes);
        bmf_packet_release(packet);
        *packet = copy;
    }
}

std::int32_t video_for_writing(bmf_packet *packet, bmf_video_view *out, const bmf_error_sink *) {
    own(packet);
    return view(packet->payload, BMF_VIEW_VIDEO, out), BMF_OK;
}

std::int32_t audio_for_writing(bmf_packet *packet, bmf_audio_view *out, const bmf_error_sink *) {
    own(packet);
    return view(packet->payload, BMF_VIEW_AUDIO, out), BMF_OK;
}

bool pixel_format(bmf_str, bmf_pixel_format *out) {
    out->plane_count = 1;
    out->planes[0].bits = 16;
    return true;
}

std::vector<bmf::Packet> pushed;

void push(bmf_task *, std::size_t, bmf_packet packet) { pushed.push_back(bmf::Packet::adopt(packet)); }

void use_host() {
    static bmf_task_api task = bmf_task_api();
    static bmf_media_api media = bmf_media_api();
    static bmf_host host = bmf_host();
    task.push = push;
    media.video_for_writing = video_for_writing;
    media.audio_for_writing = audio_for_writing;
    media.pixel_format = pixel_format;
    host.task = &task;
    host.media = &media;
    bmf::detail::host_place() = &host;
}

void set(bmf::VideoFrame &frame, std::uint16_t value) { frame.plane_for_writing(0).samples<std::uint16_t>(1)[0] = value; }
void set(bmf::AudioFrame &frame, std::int16_t value) { frame.plane_for_writing<std::int16_t>(0)[0] = value; }
int get(const bmf::VideoFrame &frame) { return frame.plane(0).samples<std::uint16_t>(1)[0]; }
int get(const bmf::AudioFrame &frame) { return frame.plane<std::int16_t>(0)[0]; }

template <class Action> void fails(Action action) {
    try {
        action();
        std::cout << "no error\n";
    } catch (const bmf::Error &error) {
        std::cout << "error: " << error.what() << "\n";
    }
}

/** Writes, shares in each way there is, writes again: nobody sees what others write. */
template <class Kind> void share(bmf::Task &task) {
    Kind frame(bmf::Packet::adopt(make()));
    set(frame, 1);
    set(frame, 2);
    std::cout << "alone: " << get(frame) << ", frames: " << frames << "\n";

    Kind copy = frame;
    set(copy, 3);
    set(frame, 4);
    std::cout << "copied: " << get(copy) << " " << get(frame) << "\n";

    copy = frame;
    set(frame, 5);
    set(copy, 6);
    std::cout << "assigned: " << get(copy) << " " << get(frame) << "\n";

    task.push(0, frame);
    set(frame, 7);
    std::cout << "pushed: " << get(Kind(pushed.back())) << " " << get(frame) << "\n";

    const Kind shared(frame.packet());
    set(frame, 8);
    std::cout << "as a packet: " << get(shared) << " " << get(frame) << "\n";

    task.push(0, std::move(frame));
    fails([&] { set(frame, 9); });
    fails([&] { get(frame); });
    std::cout << "given away: " << get(Kind(pushed.back())) << "\n";
    pushed.clear();
}

} // namespace

int main() {
    use_host();
    {
        bmf::Task task(nullptr);
        share<bmf::VideoFrame>(task);
        share<bmf::AudioFrame>(task);
        const bmf::VideoFrame picture(bmf::Packet::adopt(make(1)));
        fails([&] { get(picture); });
        fails([&] { picture.plane(0).samples<std::uint8_t>(0); });
        const bmf::AudioFrame sound(bmf::Packet::adopt(make(1)));
        fails([&] { get(sound); });
        fails([&] { sound.plane<float>(0); });
    }
    std::cout << frames << " frames left\n";
    return 0;
}
