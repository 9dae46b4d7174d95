//! Packets that a plugin has and wants to change: its packet becomes another one, which shares what did
//! not change.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use bmf_abi as abi;
use bmf_hmp::{AudioFrame, Packet, Payload, Timestamp, VideoFrame, border};

use super::coded;
use crate::text;

/// A frame out of a plugin's packet, while it is being changed. It goes back in any case.
struct Changing<'a, T: Payload> {
    packet: &'a mut abi::Packet,
    timestamp: Timestamp,
    frame: Option<T>,
}

impl<T: Payload + Clone> Changing<'_, T> {
    /// Takes the frame out. If it is none of this type, the packet stays as it is.
    ///
    /// # Safety
    /// `packet` is null or the plugin's own, and nobody else uses it as long as the result is there.
    unsafe fn take(packet: *mut abi::Packet) -> Result<Self, String> {
        // SAFETY: the caller's promise.
        let raw = unsafe { packet.as_mut() }.ok_or("there is no packet")?;
        // SAFETY: the plugin's packet, which is still its own if there is a panic.
        let packet = unsafe { Packet::from_raw(*raw) }.ok_or("there is nothing in the packet")?;
        let packet = ManuallyDrop::new(packet);
        if !packet.is::<T>() {
            return Err(format!(
                "a packet of {} is none of {}",
                packet.tag(),
                T::TAG
            ));
        }
        // From here on it is this side's, so a panic leaves the plugin nothing that it could free again.
        raw.payload = std::ptr::null_mut();
        let packet = ManuallyDrop::into_inner(packet);
        let timestamp = packet.timestamp();
        let frame = packet.into_inner_or_clone::<T>();
        let frame = frame.map_err(|packet| {
            *raw = packet.into_raw();
            "the packet cannot be changed"
        })?;
        Ok(Self {
            packet: raw,
            timestamp,
            frame: Some(frame),
        })
    }

    fn frame(&mut self) -> &mut T {
        self.frame.as_mut().expect("it is there until this goes")
    }
}

impl<T: Payload> Drop for Changing<'_, T> {
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            *self.packet = Packet::new(self.timestamp, frame).into_raw();
        }
    }
}

const NOT_FOR_CPU: &str = "what is not in main memory cannot be written there";

pub(super) unsafe extern "C" fn video_for_writing(
    packet: *mut abi::Packet,
    out: *mut abi::VideoView,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the plugin's own packet; `out` is for this.
    let change = || unsafe {
        let mut changing = Changing::<VideoFrame>::take(packet)?;
        changing.frame().planes_mut().ok_or(NOT_FOR_CPU)?;
        out.write(border::video_view(changing.frame()));
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, change) }
}

pub(super) unsafe extern "C" fn audio_for_writing(
    packet: *mut abi::Packet,
    out: *mut abi::AudioView,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: as in `video_for_writing`.
    let change = || unsafe {
        let mut changing = Changing::<AudioFrame>::take(packet)?;
        let frame = changing.frame();
        for plane in 0..frame.planes().len() {
            frame.plane_mut(plane).ok_or(NOT_FOR_CPU)?;
        }
        out.write(border::audio_view(frame).ok_or("its samples are not aligned")?);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, change) }
}

pub(super) unsafe extern "C" fn set_metadata(
    packet: *mut abi::Packet,
    key: abi::Str,
    value: abi::Str,
    error: *const abi::ErrorSink,
) -> i32 {
    // SAFETY: the plugin's own packet; texts are lent for the call.
    let change = || unsafe {
        let (key, value) = (text::lossy(key), text::lossy(value));
        if let Ok(mut changing) = Changing::<VideoFrame>::take(packet) {
            set(&mut changing.frame().metadata, &key, &value);
            return Ok(());
        }
        let mut changing = Changing::<AudioFrame>::take(packet)
            .map_err(|_| "only pictures and sound have metadata")?;
        set(&mut changing.frame().metadata, &key, &value);
        Ok(())
    };
    // SAFETY: the plugin's own sink.
    unsafe { coded(error, change) }
}

fn set(metadata: &mut Option<Arc<BTreeMap<String, String>>>, key: &str, value: &str) {
    let entries = Arc::make_mut(metadata.get_or_insert_default());
    if value.is_empty() {
        entries.remove(key);
    } else {
        entries.insert(key.to_owned(), value.to_owned());
    }
    if entries.is_empty() {
        *metadata = None;
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Cannot be cloned, so that it is lost where it is shared.
    struct Stubborn;

    impl Payload for Stubborn {
        const TAG: &'static str = "test.stubborn";
    }

    impl Clone for Stubborn {
        fn clone(&self) -> Self {
            panic!("expected");
        }
    }

    #[test]
    fn a_panic_leaves_nothing_to_be_freed_twice() {
        let packet = Packet::new(Timestamp::ZERO, Stubborn);
        let mut raw = packet.clone().into_raw();
        // SAFETY: this test's own packet.
        let take = || unsafe { Changing::<Stubborn>::take(&raw mut raw) }.map(drop);
        assert!(catch_unwind(AssertUnwindSafe(take)).is_err());
        assert!(raw.payload.is_null());
        assert_eq!(packet.ref_count(), 1);
    }

    #[test]
    fn a_packet_of_another_type_stays() {
        let mut raw = Packet::new(Timestamp::ZERO, 7_i64).into_raw();
        let before = raw.payload;
        // SAFETY: this test's own packet.
        let error = unsafe { Changing::<Stubborn>::take(&raw mut raw) }.map(drop);
        assert_eq!(
            error.unwrap_err(),
            "a packet of bmf.int is none of test.stubborn"
        );
        assert_eq!(raw.payload, before);
        // SAFETY: as above.
        let packet = unsafe { Packet::from_raw(raw) };
        assert_eq!(packet.unwrap().ref_count(), 1);
    }
}
