//! Memory of other libraries as buffers.

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bmf_abi as abi;
use bmf_hmp::{Buffer, Device};

/// Memory as a library in another language makes it.
#[repr(C)]
struct Memory {
    header: abi::Buffer,
    bytes: [u8; 16],
    facts: Arc<Facts>,
}

#[derive(Default)]
struct Facts {
    is_unique: AtomicBool,
    freed: AtomicUsize,
}

static VTABLE: abi::BufferVtable = abi::BufferVtable {
    size: size_of::<abi::BufferVtable>(),
    destroy,
    is_unique,
    extension: None,
};

unsafe extern "C" fn destroy(buffer: *mut abi::Buffer) {
    // SAFETY: leaked in `memory`.
    let memory = unsafe { Box::from_raw(buffer.cast::<Memory>()) };
    memory.facts.freed.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn is_unique(buffer: *const abi::Buffer) -> i32 {
    // SAFETY: made in `memory`.
    let memory = unsafe { &*buffer.cast::<Memory>() };
    // Any number but 0 is yes.
    i32::from(memory.facts.is_unique.load(Ordering::SeqCst)) * 0x700
}

/// A plane with a reference of its own, to be let go of by [`let_go`].
fn memory() -> (abi::Plane, Arc<Facts>) {
    let facts = Arc::new(Facts::default());
    let memory = Box::into_raw(Box::new(Memory {
        header: abi::Buffer {
            refs: AtomicUsize::new(1),
            vtable: &raw const VTABLE,
        },
        bytes: std::array::from_fn(|index| index as u8),
        facts: Arc::clone(&facts),
    }));
    let plane = abi::Plane {
        // SAFETY: just made.
        data: unsafe { (&raw mut (*memory).bytes).cast() },
        len: 12,
        slack: 4,
        stride: 0,
        buffer: memory.cast(),
    };
    (plane, facts)
}

fn let_go(plane: &abi::Plane) {
    // SAFETY: the reference of `memory`.
    unsafe {
        if (*plane.buffer).refs.fetch_sub(1, Ordering::AcqRel) == 1 {
            destroy(plane.buffer);
        }
    }
}

fn read(plane: &abi::Plane) -> Option<Buffer> {
    // SAFETY: the tests keep the memory and tell the truth of what is not null.
    unsafe { Buffer::from_plane(plane, Device::Cpu) }
}

#[test]
fn memory_is_shared_and_freed_once() {
    let (plane, facts) = memory();
    let buffer = read(&plane).unwrap();
    assert_eq!(buffer.as_ptr(), plane.data.cast_const());
    assert_eq!((buffer.len(), buffer.slack()), (12, 4));
    let_go(&plane);
    let part = buffer.slice(3..5);
    drop(buffer);
    assert_eq!(part.as_slice(), Some(&[3, 4][..]));
    assert_eq!(facts.freed.load(Ordering::SeqCst), 0);
    drop(part);
    assert_eq!(facts.freed.load(Ordering::SeqCst), 1);
}

#[test]
fn the_maker_and_all_holders_decide_who_writes() {
    let (plane, facts) = memory();
    let mut buffer = read(&plane).unwrap();
    facts.is_unique.store(true, Ordering::SeqCst);
    assert!(buffer.get_mut().is_none(), "the maker holds it too");
    let_go(&plane);
    buffer.get_mut().unwrap()[0] = 9;
    facts.is_unique.store(false, Ordering::SeqCst);
    assert!(!buffer.is_unique() && buffer.get_mut().is_none());
    buffer.make_mut()[1] = 8;
    assert_eq!(
        facts.freed.load(Ordering::SeqCst),
        1,
        "copied, and let go of"
    );
    assert_eq!(&buffer.as_slice().unwrap()[..3], [9, 8, 2]);
}

#[test]
fn a_buffer_is_shown_as_it_is() {
    let buffer = Buffer::from_vec((0..50).collect()).slice(10..30);
    let plane = buffer.as_plane(-7);
    assert_eq!(plane.data.cast_const(), buffer.as_ptr());
    assert_eq!((plane.len, plane.slack, plane.stride), (20, 20, -7));
    let other = read(&plane).unwrap();
    assert!(other.ptr_eq(&buffer) && !buffer.is_unique());
    drop(buffer);
    assert!(other.is_unique());
}

#[test]
fn a_window_without_memory_is_no_buffer() {
    let (plane, facts) = memory();
    let data = std::ptr::null_mut();
    let wrong = [
        abi::Plane { data, ..plane },
        abi::Plane {
            data,
            len: 0,
            ..plane
        },
        abi::Plane {
            buffer: std::ptr::null_mut(),
            ..plane
        },
        abi::Plane {
            len: usize::MAX,
            ..plane
        },
        abi::Plane {
            len: isize::MAX as usize,
            ..plane
        },
        abi::Plane {
            slack: usize::MAX,
            ..plane
        },
    ];
    assert!(wrong.iter().all(|plane| read(plane).is_none()));
    let nothing = abi::Plane {
        data,
        len: 0,
        slack: 0,
        ..plane
    };
    assert!(read(&nothing).unwrap().is_empty());
    let_go(&plane);
    assert_eq!(facts.freed.load(Ordering::SeqCst), 1);
}

#[test]
fn a_table_of_something_else_is_no_buffer() {
    let small = abi::BufferVtable { size: 8, ..VTABLE };
    let words = size_of::<abi::BufferVtable>() / size_of::<usize>();
    let hollow = [
        offset_of!(abi::BufferVtable, destroy),
        offset_of!(abi::BufferVtable, is_unique),
    ];
    let hollow = hollow.map(|missing| {
        let mut table = vec![1_usize; words];
        table[0] = size_of::<abi::BufferVtable>();
        table[missing / size_of::<usize>()] = 0;
        table
    });
    let crooked = (&raw const VTABLE).wrapping_byte_add(1);
    let [no_destroy, no_is_unique] = hollow.each_ref().map(|table| table.as_ptr().cast());
    for vtable in [
        std::ptr::null(),
        &raw const small,
        crooked,
        no_destroy,
        no_is_unique,
    ] {
        let mut header = abi::Buffer {
            refs: AtomicUsize::new(1),
            vtable,
        };
        let plane = abi::Plane {
            buffer: &raw mut header,
            data: std::ptr::null_mut(),
            len: 0,
            slack: 0,
            stride: 0,
        };
        assert!(read(&plane).is_none());
        let crooked = abi::Plane {
            buffer: plane.buffer.wrapping_byte_add(1),
            ..plane
        };
        assert!(read(&crooked).is_none());
        assert_eq!(header.refs.into_inner(), 1);
    }
}

#[test]
fn a_release_that_panics_does_not_unwind() {
    let buffer = Buffer::with_release(vec![1], |_| panic!("expected"));
    drop(buffer);
}
