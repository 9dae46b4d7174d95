//! Tests of buffers: who shares, who may write, and when memory is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

/// A buffer over bytes that count their release.
fn counted(bytes: Vec<u8>) -> (Buffer, Arc<AtomicUsize>) {
    let released = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&released);
    let buffer = Buffer::with_release(bytes, move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (buffer, released)
}

/// Memory of which somebody else may hold a reference.
struct Foreign(Arc<[u8]>);

// SAFETY: the only reference is the owner's own when the count is one, and nobody clones it then.
unsafe impl BufferOwner for Foreign {
    fn is_unique(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

fn foreign(bytes: &Arc<[u8]>) -> Buffer {
    let ptr = NonNull::new(bytes.as_ptr().cast_mut()).unwrap();
    // SAFETY: the owner keeps the bytes alive, and nobody writes to an `Arc` that is shared.
    unsafe { Buffer::from_owner(ptr, bytes.len(), Device::Cpu, Foreign(Arc::clone(bytes))) }
}

impl Buffer {
    /// A buffer on a device that is not there.
    pub(crate) fn on_absent_device(len: usize, ordinal: u32) -> Self {
        // SAFETY: nothing reads memory that is not the CPU's.
        unsafe { Self::from_raw(NonNull::dangling(), len, Device::Cuda(ordinal), || ()) }
    }
}

#[test]
fn memory_is_released_once_by_the_last_holder() {
    let (buffer, released) = counted(vec![1, 2, 3, 4]);
    let part = buffer.slice(1..3);
    let clone = part.clone();
    drop(buffer);
    drop(part);
    assert_eq!(clone.as_slice(), Some(&[2, 3][..]));
    assert_eq!(released.load(Ordering::SeqCst), 0);
    std::thread::spawn(move || drop(clone)).join().unwrap();
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn an_empty_part_is_a_holder_too() {
    let (buffer, released) = counted(vec![1]);
    let nothing = buffer.slice(1..);
    drop(buffer);
    assert!(nothing.is_empty() && released.load(Ordering::SeqCst) == 0);
    drop(nothing);
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn the_vector_comes_back_as_it_was() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut buffer = Buffer::with_release(vec![7; 3], move |vec| sender.send(vec).unwrap());
    buffer.get_mut().unwrap()[1] = 8;
    drop(buffer);
    assert_eq!(receiver.recv().unwrap(), [7, 8, 7]);
}

#[test]
fn only_a_sole_holder_writes_in_place() {
    let (mut buffer, released) = counted(vec![0; 4]);
    let other = buffer.clone();
    assert!(buffer.get_mut().is_none() && !buffer.is_unique());
    buffer.make_mut()[0] = 1;
    assert_eq!(
        (buffer.as_slice(), other.as_slice()),
        (Some(&[1, 0, 0, 0][..]), Some(&[0; 4][..]))
    );
    assert!(!buffer.shares_storage(&other) && other.is_unique());

    let address = buffer.as_ptr();
    buffer.make_mut()[1] = 2;
    assert_eq!(buffer.as_ptr(), address, "a second write copies nothing");
    drop(other);
    assert_eq!(released.load(Ordering::SeqCst), 1);
}

#[test]
fn holders_outside_forbid_writing() {
    let bytes: Arc<[u8]> = vec![5; 8].into();
    let mut buffer = foreign(&bytes);
    assert!(buffer.get_mut().is_none());
    let address = buffer.as_ptr();
    buffer.make_mut()[0] = 6;
    assert_eq!((bytes[0], buffer.as_slice().unwrap()[0]), (5, 6));
    assert_ne!(buffer.as_ptr(), address);
    assert_eq!(
        Arc::strong_count(&bytes),
        1,
        "the copy lets go of the original"
    );
}

#[test]
fn read_only_bytes_are_copied_before_writing() {
    let mut buffer = Buffer::from_read_only("text");
    assert_eq!(buffer.as_slice(), Some(&b"text"[..]));
    assert!(!buffer.is_unique() && buffer.get_mut().is_none());
    buffer.make_mut()[0] = b'n';
    assert_eq!(buffer.as_slice(), Some(&b"next"[..]));
}

#[test]
fn device_memory_is_not_read() {
    let mut buffer = Buffer::on_absent_device(1 << 40, 1);
    assert!(buffer.as_slice().is_none() && buffer.get_mut().is_none());
    assert!(buffer.try_make_mut().is_none());
    let part = buffer.slice(16..32);
    assert_eq!(part.as_ptr() as usize - buffer.as_ptr() as usize, 16);
    insta::assert_snapshot!(format!("{part:?}"), @"Buffer(16 bytes on cuda:1)");
}

#[test]
#[should_panic(expected = "a buffer on cuda:1 is not for the CPU to write")]
fn writing_device_memory_panics() {
    Buffer::on_absent_device(1, 1).make_mut();
}

#[test]
#[should_panic(expected = "is outside a buffer of 3 bytes")]
fn slicing_too_far_panics() {
    let _ = Buffer::zeroed(3).slice(2..5);
}

#[test]
fn all_kinds_of_ranges() {
    let buffer = Buffer::from_vec(vec![0, 1, 2, 3]);
    let at = |range: (Bound<usize>, Bound<usize>)| buffer.try_slice(range).map(|part| part.len());
    assert_eq!(buffer.slice(..).len(), 4);
    assert_eq!(buffer.slice(1..=2).as_slice(), Some(&[1, 2][..]));
    assert_eq!(at((Bound::Excluded(0), Bound::Unbounded)), Some(3));
    assert_eq!(at((Bound::Excluded(usize::MAX), Bound::Unbounded)), None);
    assert_eq!(at((Bound::Unbounded, Bound::Included(usize::MAX))), None);
    assert_eq!(at((Bound::Included(3), Bound::Excluded(2))), None);
}

#[test]
fn new_memory_is_zero_and_aligned() {
    for len in [0, 1, 63, 4096] {
        let buffer = Buffer::zeroed(len);
        assert!(buffer.as_slice().unwrap().iter().all(|&byte| byte == 0));
        assert_eq!(
            (buffer.len(), buffer.as_ptr() as usize % ALIGNMENT),
            (len, 0)
        );
    }
    assert!(Buffer::try_zeroed(usize::MAX).is_none());
}

#[test]
fn windows_are_equal_by_place_not_by_content() {
    let buffer = Buffer::from_vec(vec![1, 1]);
    assert!(buffer.ptr_eq(&buffer.clone()) && buffer.slice(..1).ptr_eq(&buffer.slice(..1)));
    assert!(!buffer.slice(..1).ptr_eq(&buffer.slice(1..)));
    assert!(!buffer.ptr_eq(&Buffer::from_vec(vec![1, 1])));
}

#[derive(Clone, Debug)]
enum Step {
    Clone(usize),
    Slice(usize, usize, usize),
    Write(usize, u8),
    Drop(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let which = 0..100_usize;
    prop_oneof![
        which.clone().prop_map(Step::Clone),
        (which.clone(), 0..40_usize, 0..40_usize).prop_map(|(i, a, b)| Step::Slice(i, a, b)),
        (which.clone(), any::<u8>()).prop_map(|(i, value)| Step::Write(i, value)),
        which.prop_map(Step::Drop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Buffers behave like vectors of their own, whatever they share, and release once.
    #[test]
    fn sharing_cannot_be_seen(steps in prop::collection::vec(any_step(), 0..60)) {
        let bytes: Vec<u8> = (0..32).collect();
        let (first, released) = counted(bytes.clone());
        let mut all = vec![(first, bytes)];
        for step in steps {
            let count = all.len();
            match step {
                _ if count == 0 => break,
                Step::Clone(i) => all.push(all[i % count].clone()),
                Step::Slice(i, a, b) => {
                    let (buffer, model) = &all[i % count];
                    let part = buffer.try_slice(a..b);
                    prop_assert_eq!(part.is_some(), model.get(a..b).is_some());
                    if let Some(part) = part {
                        prop_assert!(part.shares_storage(buffer));
                        all.push((part, model[a..b].to_vec()));
                    }
                }
                Step::Write(i, value) => {
                    let (buffer, model) = &mut all[i % count];
                    let (unique, address) = (buffer.is_unique(), buffer.as_ptr());
                    buffer.make_mut().fill(value);
                    prop_assert_eq!(unique, address == buffer.as_ptr());
                    model.fill(value);
                }
                Step::Drop(i) => drop(all.swap_remove(i % count)),
            }
            for (buffer, model) in &all {
                prop_assert_eq!(buffer.as_slice(), Some(&model[..]));
            }
            prop_assert!(released.load(Ordering::SeqCst) <= 1);
        }
        drop(all);
        prop_assert_eq!(released.load(Ordering::SeqCst), 1);
    }
}
