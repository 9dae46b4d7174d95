//! [`Object`]: a counted reference to what a packet carries, perhaps made by another library.
//!
//! It is the `Payload` of the contract, [`bmf_abi::Payload`]: a count, a table of functions and a list
//! of what readers have made of it ([`imports`](super::imports)), behind which the maker keeps the value.
//!
//! *Local* objects are those of this image: this copy of this crate, of which each plugin library has
//! its own. They are what `Object::new` makes, so that the value behind the header is known by its
//! `TypeId`. Of all others nothing but the header and its table is ever looked at.
//!
//! Who may do what:
//!
//! 1. Any thread may hold, add and drop references, and read the value. Adding one is a relaxed
//!    addition, since whoever adds has one already; dropping one is a release.
//! 2. Whoever drops the last reference acquires what all others released, drops the imports, each with
//!    its maker's function, then has the maker destroy the object. All on that thread.
//! 3. A value leaves the object only through a reference that is the only one, and is given up for it.

use std::any::TypeId;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

use bmf_abi as abi;

use super::{Payload, export, imports};
use crate::buffer::MAX_REFS;
use crate::panics::contained;

/// What tells this copy of the crate from others in the process: only its address matters.
static IMAGE: u8 = 0;

/// This image, in the terms of the contract.
pub(super) const fn image() -> *const c_void {
    (&raw const IMAGE).cast()
}

/// One reference.
#[repr(transparent)]
pub(super) struct Object(NonNull<abi::Payload>);

// SAFETY: values of local objects are `Send + Sync`, and the contract demands the same of others'.
unsafe impl Send for Object {}
// SAFETY: as above.
unsafe impl Sync for Object {}

/// A local object.
#[repr(C)]
struct Boxed<T> {
    header: abi::Payload,
    value: T,
}

/// The table of local objects.
#[repr(C)]
struct LocalVtable {
    contract: abi::PayloadVtable,
    type_id: fn() -> TypeId,
}

impl<T: Payload> Boxed<T> {
    const VTABLE: &'static LocalVtable = &LocalVtable {
        contract: abi::PayloadVtable {
            size: size_of::<abi::PayloadVtable>(),
            tag: abi::Str::new(T::TAG),
            image: image(),
            destroy: destroy::<T>,
            bytes: bytes::<T>,
            view: view::<T>,
            extension: None,
        },
        type_id: TypeId::of::<T>,
    };
}

/// # Safety
/// `payload` is the header of a `Boxed<T>` without references.
unsafe extern "C" fn destroy<T: Payload>(payload: *mut abi::Payload) {
    // SAFETY: made by `Object::new` out of a box of this type; nobody refers to it any more.
    let boxed = unsafe { Box::from_raw(payload.cast::<Boxed<T>>()) };
    contained(T::TAG, (), || drop(boxed));
}

/// # Safety
/// `payload` is the header of a `Boxed<T>`.
unsafe extern "C" fn bytes<T: Payload>(payload: *const abi::Payload) -> usize {
    // SAFETY: the caller's promise; values are only read while there are references.
    let boxed = unsafe { &*payload.cast::<Boxed<T>>() };
    contained(T::TAG, 0, || boxed.value.bytes())
}

/// # Safety
/// `payload` is the header of a `Boxed<T>`; `out` points to what the contract says for `kind`.
unsafe extern "C" fn view<T: Payload>(
    payload: *const abi::Payload,
    kind: u32,
    out: *mut c_void,
) -> i32 {
    // SAFETY: as for `bytes`.
    let boxed = unsafe { &*payload.cast::<Boxed<T>>() };
    // SAFETY: the caller's promise. What the view borrows from the value lives as long as it.
    contained(T::TAG, false, || unsafe {
        export::write(&|kind| boxed.value.view(kind), kind, out)
    })
    .into()
}

/// Whether a table has what it must have.
///
/// # Safety
/// `vtable` is null, or what starts with a size of its own.
#[inline]
unsafe fn is_whole(vtable: *const abi::PayloadVtable) -> bool {
    if vtable.is_null() || !vtable.is_aligned() {
        return false;
    }
    // SAFETY: the size comes first in a table of any age, and what is read is not beyond it. Functions
    // are looked at as addresses, before they are taken to be functions.
    unsafe {
        if (&raw const (*vtable).size).read() < size_of::<abi::PayloadVtable>() {
            return false;
        }
        let destroy = (&raw const (*vtable).destroy).cast::<usize>().read();
        let bytes = (&raw const (*vtable).bytes).cast::<usize>().read();
        let view = (&raw const (*vtable).view).cast::<usize>().read();
        (destroy != 0) & (bytes != 0) & (view != 0)
    }
}

impl Object {
    pub(super) fn new<T: Payload>(value: T) -> Self {
        let boxed = Box::new(Boxed {
            header: abi::Payload {
                refs: AtomicUsize::new(1),
                vtable: (&raw const *Boxed::<T>::VTABLE).cast(),
                imports: AtomicPtr::new(std::ptr::null_mut()),
            },
            value,
        });
        Self(NonNull::from(Box::leak(boxed)).cast())
    }

    /// The reference that a pointer stands for; `None` where it is null, or not of this contract.
    ///
    /// # Safety
    /// `payload` is null, or a reference to an object of the contract, which is now this one's.
    #[inline]
    pub(super) unsafe fn from_raw(payload: *mut abi::Payload) -> Option<Self> {
        let payload = NonNull::new(payload).filter(|payload| payload.is_aligned())?;
        // SAFETY: alive, by the caller's promise.
        let vtable = unsafe { payload.as_ref() }.vtable;
        // SAFETY: as the object, so its table.
        let is_whole = unsafe { is_whole(vtable) };
        // Lazily: what is no reference must not be dropped.
        is_whole.then(|| Self(payload))
    }

    pub(super) fn as_raw(&self) -> *mut abi::Payload {
        self.0.as_ptr()
    }

    #[inline]
    pub(super) fn header(&self) -> &abi::Payload {
        // SAFETY: this is a reference to it; only atomics in it are ever changed.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn vtable(&self) -> &abi::PayloadVtable {
        // SAFETY: set by the maker, and lives as long as the object.
        unsafe { &*self.header().vtable }
    }

    /// How many references there are. If there is one, what others did has been done.
    pub(super) fn refs(&self) -> usize {
        self.header().refs.load(Ordering::Acquire)
    }

    pub(super) fn bytes(&self) -> usize {
        // SAFETY: the object's own function, and the object is alive.
        unsafe { (self.vtable().bytes)(self.as_raw()) }
    }

    /// The bytes of the tag, which live as long as the process. Those of foreign objects are claims.
    pub(super) fn tag(&self) -> &'static [u8] {
        let tag = self.vtable().tag;
        if tag.ptr.is_null() || tag.len > isize::MAX as usize {
            return &[];
        }
        // SAFETY: valid for ever, by the contract.
        unsafe { std::slice::from_raw_parts(tag.ptr.cast(), tag.len) }
    }

    /// Whether this image made the object.
    pub(super) fn is_local(&self) -> bool {
        self.vtable().image == image()
    }

    /// Whether this is a local `T`.
    #[inline]
    fn is_of<T: Payload>(&self) -> bool {
        // The same type may have several tables, but no table is that of several types: they would
        // have one function for two values.
        std::ptr::eq(
            self.header().vtable,
            (&raw const *Boxed::<T>::VTABLE).cast(),
        ) || self.is_other_table_of::<T>()
    }

    #[inline(never)]
    fn is_other_table_of<T: Payload>(&self) -> bool {
        if !self.is_local() {
            return false;
        }
        // SAFETY: tables of this image are of this type.
        let vtable = unsafe { &*self.header().vtable.cast::<LocalVtable>() };
        (vtable.type_id)() == TypeId::of::<T>()
    }

    /// The value, if this is a local `T`.
    #[inline]
    pub(super) fn local<T: Payload>(&self) -> Option<&T> {
        // SAFETY: of this type, as just seen, and alive.
        self.is_of::<T>()
            .then(|| unsafe { &(*self.0.as_ptr().cast::<Boxed<T>>()).value })
    }

    /// The value, if this is a local `T` and the only reference.
    pub(super) fn into_local<T: Payload>(self) -> Result<T, Self> {
        if !self.is_of::<T>() || self.refs() != 1 {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` was the only reference, which is now given up without being dropped; the
        // count was acquired. The object is of this type.
        unsafe {
            imports::drop_all(this.header());
            let boxed = Box::from_raw(this.0.as_ptr().cast::<Boxed<T>>());
            Ok(boxed.value)
        }
    }

    #[inline(never)]
    fn destroy(&mut self) {
        fence(Ordering::Acquire);
        // SAFETY: that was the last reference, so nobody can reach the object any more, and what others
        // did with it comes before the fence.
        unsafe {
            imports::drop_all(self.header());
            (self.vtable().destroy)(self.as_raw());
        }
    }
}

impl Clone for Object {
    #[inline]
    fn clone(&self) -> Self {
        let before = self.header().refs.fetch_add(1, Ordering::Relaxed);
        if before > MAX_REFS {
            std::process::abort();
        }
        Self(self.0)
    }
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        if self.header().refs.fetch_sub(1, Ordering::Release) == 1 {
            self.destroy();
        }
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
