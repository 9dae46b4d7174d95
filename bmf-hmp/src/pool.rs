//! [`BufferPool`]: buffers that are used again instead of being freed.
//!
//! Large blocks come from the kernel as fresh pages, each of which costs a fault and a clearing when
//! first touched; for video that is much of the time spent on a frame. The pool keeps returned blocks
//! by size class. It holds CPU memory only, and never keeps more than its limits allow: what would
//! exceed them is freed, the longest unused first.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::Buffer;
use crate::buffer::{Region, out_of_memory};

/// How much unused memory a pool may keep.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Bytes in all unused blocks together.
    pub max_cached_bytes: usize,
    /// Unused blocks of one size class.
    pub max_cached_per_class: usize,
}

/// 256 MiB, 32 per class: ten 4K frames of 10 bits.
impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            max_cached_bytes: 256 << 20,
            max_cached_per_class: 32,
        }
    }
}

/// What a pool has done so far. Bytes are those of whole blocks, which are up to a quarter larger
/// than what was asked for.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Requests met with a used block.
    pub hits: u64,
    /// Requests that needed a new block.
    pub misses: u64,
    /// Blocks that came back and were kept.
    pub returned: u64,
    /// Blocks freed: not kept when they came back, or kept and later given up.
    pub discarded: u64,
    /// Bytes in unused blocks.
    pub cached_bytes: usize,
    /// Bytes in blocks that are in use.
    pub in_use_bytes: usize,
    /// The most that `in_use_bytes` has ever been.
    pub peak_in_use_bytes: usize,
}

/// A source of CPU buffers that takes them back.
///
/// Clones are handles on one pool; it can be used from any thread. A buffer finds its way back by
/// itself when its last holder is dropped. Buffers may outlive all handles; then they are freed.
///
/// ```
/// use bmf_hmp::{BufferPool, PoolLimits};
///
/// let pool = BufferPool::new(PoolLimits::default());
/// drop(pool.get(1_000_000));
/// let again = pool.get(1_000_000);
/// assert_eq!((pool.stats().hits, pool.stats().misses), (1, 1));
/// assert_eq!(again.len(), 1_000_000);
/// ```
#[derive(Clone, Default)]
pub struct BufferPool {
    shared: Arc<Shared>,
}

impl BufferPool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                limits,
                state: Mutex::default(),
            }),
        }
    }

    /// A buffer of `len` bytes, aligned to [`ALIGNMENT`](crate::ALIGNMENT). A new block is zero; a used
    /// one has whatever its last user left in it. Aborts when memory is exhausted, as `vec!` does.
    ///
    /// # Panics
    /// If `len` exceeds `isize::MAX`.
    pub fn get(&self, len: usize) -> Buffer {
        self.try_get(len).unwrap_or_else(|| out_of_memory(len))
    }

    /// Like [`get`](Self::get); `None` when memory is exhausted.
    pub fn try_get(&self, len: usize) -> Option<Buffer> {
        let class = size_class(len)?;
        let cached = self.shared.lock().take(class);
        let region = match cached {
            Some(region) => region,
            // Outside the lock: clearing a large block takes a while.
            None => {
                let region = Region::zeroed(class)?;
                self.shared.lock().count_new(class);
                region
            }
        };
        let pool = Arc::downgrade(&self.shared);
        Some(Buffer::from_region(region, len, move |region| {
            give_back(&pool, region)
        }))
    }

    /// What the pool has done so far.
    pub fn stats(&self) -> PoolStats {
        self.shared.lock().stats
    }

    /// The limits it was made with.
    pub fn limits(&self) -> PoolLimits {
        self.shared.limits
    }

    /// Frees all unused blocks. Buffers in use still come back.
    pub fn clear(&self) {
        let freed = self.shared.lock().evict_until(0);
        drop(freed);
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("limits", &self.shared.limits)
            .field("stats", &self.stats())
            .finish()
    }
}

/// The size of the block that serves `len` bytes: the next of 1, 1.25, 1.5, 1.75 times a power of two.
fn size_class(len: usize) -> Option<usize> {
    const SMALLEST: usize = 256;
    if len <= SMALLEST {
        return Some(SMALLEST);
    }
    let below = 1_usize << (len - 1).ilog2();
    let step = below / 4;
    let class = len.checked_next_multiple_of(step)?;
    (class <= isize::MAX as usize).then_some(class)
}

fn give_back(pool: &Weak<Shared>, region: Region) {
    if let Some(pool) = pool.upgrade() {
        let freed = pool.lock().put(region, &pool.limits);
        drop(freed);
    }
}

#[derive(Default)]
struct Shared {
    limits: PoolLimits,
    state: Mutex<State>,
}

impl Shared {
    /// No code that can panic runs under the lock, so a poisoned state is still a good one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The unused blocks and the books about all. Functions that let go of blocks return them, for the
/// caller to free after unlocking.
#[derive(Default)]
struct State {
    /// By size, each queue from the longest unused to the latest, with the time of return.
    classes: BTreeMap<usize, VecDeque<(u64, Region)>>,
    stats: PoolStats,
}

impl State {
    /// The block of a class that was used last: the likeliest to be in a cache still.
    fn take(&mut self, class: usize) -> Option<Region> {
        let (_, region) = self.classes.get_mut(&class)?.pop_back()?;
        self.stats.hits += 1;
        self.stats.cached_bytes -= class;
        self.count_in_use(class);
        Some(region)
    }

    fn count_new(&mut self, class: usize) {
        self.stats.misses += 1;
        self.count_in_use(class);
    }

    fn count_in_use(&mut self, class: usize) {
        self.stats.in_use_bytes += class;
        self.stats.peak_in_use_bytes = self.stats.peak_in_use_bytes.max(self.stats.in_use_bytes);
    }

    fn put(&mut self, region: Region, limits: &PoolLimits) -> Vec<Region> {
        let class = region.len();
        self.stats.in_use_bytes -= class;
        let cached = self.classes.get(&class).map_or(0, VecDeque::len);
        if class > limits.max_cached_bytes || cached >= limits.max_cached_per_class {
            self.stats.discarded += 1;
            return vec![region];
        }
        let freed = self.evict_until(limits.max_cached_bytes - class);
        self.stats.cached_bytes += class;
        self.stats.returned += 1;
        let time = self.stats.returned;
        self.classes
            .entry(class)
            .or_default()
            .push_back((time, region));
        freed
    }

    /// Gives up the longest unused blocks until at most `bytes` are left.
    fn evict_until(&mut self, bytes: usize) -> Vec<Region> {
        let mut freed = Vec::new();
        while self.stats.cached_bytes > bytes {
            let oldest = self
                .classes
                .iter()
                .filter_map(|(&class, queue)| queue.front().map(|&(time, _)| (time, class)))
                .min();
            let Some((_, class)) = oldest else { break };
            let Some((_, region)) = self.classes.get_mut(&class).and_then(VecDeque::pop_front)
            else {
                break;
            };
            self.stats.cached_bytes -= class;
            self.stats.discarded += 1;
            freed.push(region);
        }
        freed
    }
}

#[cfg(test)]
mod tests;
