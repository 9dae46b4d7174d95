//! Payloads as a library with nothing but the C contract makes them: a header, a table, and views that
//! are those of another packet, or lies.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use bmf_abi as abi;
use bmf_hmp::{Packet, Payload, Timestamp};

/// What another library's copy of this crate would have the address of.
static OTHER_IMAGE: u8 = 0;

/// Called instead of the packet's own function, which it may call: with the kind and where to write.
type Liar = Box<dyn Fn(&dyn Fn() -> bool, u32, *mut c_void) -> bool + Send + Sync>;

/// What happened to a payload.
#[derive(Default)]
pub(crate) struct Watch {
    views: AtomicUsize,
    destroyed: AtomicUsize,
}

impl Watch {
    pub(crate) fn views(&self) -> usize {
        self.views.load(Ordering::SeqCst)
    }

    pub(crate) fn destroyed(&self) -> usize {
        self.destroyed.load(Ordering::SeqCst)
    }
}

/// The payload: the header first, then what its maker likes.
#[repr(C)]
struct Twin {
    header: abi::Payload,
    vtable: abi::PayloadVtable,
    inner: Packet,
    liar: Option<Liar>,
    watch: Arc<Watch>,
}

/// A packet of another library that shows what `inner` shows.
pub(crate) fn twin(inner: Packet) -> (Packet, Arc<Watch>) {
    make(inner, None, None)
}

/// A packet of another library that shows `value`.
pub(crate) fn twin_of<T: Payload>(value: T) -> Packet {
    twin(Packet::new(Timestamp::ZERO, value)).0
}

/// One of another tag.
pub(crate) fn tagged(tag: &'static [u8], inner: Packet) -> Packet {
    let tag = abi::Str {
        ptr: tag.as_ptr().cast(),
        len: tag.len(),
    };
    make(inner, Some(tag), None).0
}

/// A packet of another library that shows what `inner` shows after `lie` has changed the view `V`.
pub(crate) fn liar<V>(
    inner: Packet,
    kind: u32,
    lie: impl Fn(&mut V) + Send + Sync + 'static,
) -> Packet {
    let liar: Liar = Box::new(move |honest, asked, out| {
        let shown = honest();
        if shown && asked == kind {
            // SAFETY: callers say with `V` what the contract says for the kind.
            lie(unsafe { &mut *out.cast::<V>() });
        }
        shown
    });
    make(inner, None, Some(liar)).0
}

/// A packet of another library whose views are all up to `answer`.
pub(crate) fn answering(
    inner: Packet,
    answer: impl Fn(u32, *mut c_void) -> bool + Send + Sync + 'static,
) -> Packet {
    make(
        inner,
        None,
        Some(Box::new(move |_, kind, out| answer(kind, out))),
    )
    .0
}

fn make(inner: Packet, tag: Option<abi::Str>, liar: Option<Liar>) -> (Packet, Arc<Watch>) {
    let (raw, watch) = (inner.as_raw(), Arc::new(Watch::default()));
    // SAFETY: the packet's payload and its table are alive.
    let tag = tag.unwrap_or(unsafe { (*(*raw.payload).vtable).tag });
    let twin = Box::leak(Box::new(Twin {
        header: abi::Payload {
            refs: AtomicUsize::new(1),
            vtable: std::ptr::null(),
            imports: AtomicPtr::default(),
        },
        vtable: abi::PayloadVtable {
            size: size_of::<abi::PayloadVtable>(),
            tag,
            image: (&raw const OTHER_IMAGE).cast(),
            destroy,
            bytes,
            view,
            extension: None,
        },
        inner,
        liar,
        watch: Arc::clone(&watch),
    }));
    twin.header.vtable = &raw const twin.vtable;
    let timestamp = raw.timestamp;
    let payload = (&raw mut *twin).cast();
    // SAFETY: a payload of the contract, with one reference.
    let packet = unsafe { Packet::from_raw(abi::Packet { timestamp, payload }) };
    (packet.expect("it is of the contract"), watch)
}

unsafe extern "C" fn destroy(payload: *mut abi::Payload) {
    // SAFETY: leaked in `make`, without references.
    let twin = unsafe { Box::from_raw(payload.cast::<Twin>()) };
    twin.watch.destroyed.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn bytes(payload: *const abi::Payload) -> usize {
    // SAFETY: made in `make`.
    unsafe { &*payload.cast::<Twin>() }.inner.bytes()
}

unsafe extern "C" fn view(payload: *const abi::Payload, kind: u32, out: *mut c_void) -> i32 {
    // SAFETY: made in `make`.
    let twin = unsafe { &*payload.cast::<Twin>() };
    twin.watch.views.fetch_add(1, Ordering::SeqCst);
    let inner = twin.inner.as_raw().payload;
    // SAFETY: the payload's own function, asked for what this one was asked for.
    let honest = || unsafe { ((*(*inner).vtable).view)(inner, kind, out) != 0 };
    let is_shown = match &twin.liar {
        Some(liar) => liar(&honest, kind, out),
        None => honest(),
    };
    // Any number but 0 is yes.
    i32::from(is_shown) * -0x100
}

/// An import of another library, in the list of a packet's payload. The counter tells when it goes.
pub(crate) fn add_other_import(packet: &Packet, dropped: &Arc<AtomicUsize>) {
    #[repr(C)]
    struct Other {
        header: abi::Import,
        dropped: Arc<AtomicUsize>,
    }

    unsafe extern "C" fn drop_other(import: *mut abi::Import) {
        // SAFETY: leaked below.
        let other = unsafe { Box::from_raw(import.cast::<Other>()) };
        other.dropped.fetch_add(1, Ordering::SeqCst);
    }

    // SAFETY: the packet's payload is alive.
    let imports = unsafe { &(*packet.as_raw().payload).imports };
    let header = abi::Import {
        next: imports.load(Ordering::Acquire),
        image: (&raw const OTHER_IMAGE).cast(),
        drop: drop_other,
    };
    let dropped = Arc::clone(dropped);
    let other = Box::leak(Box::new(Other { header, dropped }));
    imports.store((&raw mut *other).cast(), Ordering::Release);
}
