//! Tests of the pool's books, limits and way back.

use proptest::prelude::*;

use super::*;

fn pool(max_cached_bytes: usize, max_cached_per_class: usize) -> BufferPool {
    BufferPool::new(PoolLimits {
        max_cached_bytes,
        max_cached_per_class,
    })
}

#[test]
fn classes_waste_at_most_a_quarter() {
    let classes =
        [0, 1, 256, 257, 320, 321, 1000, 1025, 3_110_400].map(|len| size_class(len).unwrap());
    insta::assert_snapshot!(format!("{classes:?}"), @"[256, 256, 256, 320, 320, 384, 1024, 1280, 3145728]");
    assert_eq!(size_class(usize::MAX), None);
}

#[test]
fn a_block_is_used_again() {
    let pool = BufferPool::default();
    let mut buffer = pool.get(1000);
    buffer.make_mut()[0] = 9;
    let address = buffer.as_ptr();
    drop(buffer);
    let again = pool.get(900);
    assert_eq!((again.as_ptr(), again.len()), (address, 900));
    assert_eq!(
        again.as_slice().unwrap()[0],
        9,
        "contents are left as they were"
    );
    insta::assert_snapshot!(format!("{:?}", pool.stats()), @"PoolStats { hits: 1, misses: 1, returned: 1, discarded: 0, cached_bytes: 0, in_use_bytes: 1024, peak_in_use_bytes: 1024 }");
}

#[test]
fn the_last_part_brings_the_block_back() {
    let pool = BufferPool::default();
    let buffer = pool.get(512);
    let part = buffer.slice(100..200);
    drop(buffer);
    assert_eq!((pool.stats().returned, pool.stats().in_use_bytes), (0, 512));
    drop(part);
    assert_eq!((pool.stats().returned, pool.stats().in_use_bytes), (1, 0));
}

#[test]
fn buffers_outlive_the_pool() {
    let pool = BufferPool::default();
    let mut buffer = pool.get(64);
    let weak = Arc::downgrade(&pool.shared);
    drop(pool);
    assert!(weak.upgrade().is_none());
    buffer.make_mut().fill(1);
    assert_eq!(buffer.as_slice(), Some(&[1; 64][..]));
}

#[test]
fn a_class_is_bounded() {
    let pool = pool(1 << 20, 2);
    drop([pool.get(300), pool.get(300), pool.get(300)]);
    let stats = pool.stats();
    assert_eq!(
        (stats.returned, stats.discarded, stats.cached_bytes),
        (2, 1, 640)
    );
}

#[test]
fn the_longest_unused_block_makes_room() {
    let pool = pool(1024, 8);
    drop(pool.get(512));
    drop(pool.get(256));
    drop(pool.get(512 + 1)); // 640: the 512 has to go
    assert_eq!(
        (pool.stats().cached_bytes, pool.stats().discarded),
        (256 + 640, 1)
    );
    drop(pool.get(2000)); // would never fit
    assert_eq!(
        (pool.stats().cached_bytes, pool.stats().discarded),
        (256 + 640, 2)
    );
    drop(pool.get(256));
    assert_eq!(pool.stats().hits, 1);
}

#[test]
fn clearing_frees_what_is_unused() {
    let pool = BufferPool::default();
    let kept = pool.get(256);
    drop(pool.get(256));
    pool.clear();
    assert_eq!(
        (pool.stats().cached_bytes, pool.stats().in_use_bytes),
        (0, 256)
    );
    drop(kept);
    assert_eq!(pool.stats().cached_bytes, 256);
}

#[test]
fn impossible_sizes_are_refused() {
    let pool = BufferPool::default();
    assert!(pool.try_get(usize::MAX).is_none());
    assert_eq!(pool.stats(), PoolStats::default());
}

/// What must hold between any two operations, given how much is in use.
fn check_books(pool: &BufferPool, in_use: &[&Buffer]) {
    let (stats, limits) = (pool.stats(), pool.limits());
    let state = pool.shared.lock();
    let cached: usize = state
        .classes
        .iter()
        .map(|(class, queue)| class * queue.len())
        .sum();
    let blocks: usize = state.classes.values().map(VecDeque::len).sum();
    drop(state);
    assert_eq!(stats.cached_bytes, cached);
    assert!(cached <= limits.max_cached_bytes);
    let bytes: usize = in_use
        .iter()
        .map(|buffer| size_class(buffer.len()).unwrap())
        .sum();
    assert_eq!(stats.in_use_bytes, bytes);
    assert!(stats.peak_in_use_bytes >= bytes);
    assert_eq!(
        stats.misses - stats.discarded,
        (blocks + in_use.len()) as u64
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn the_books_balance(
        steps in prop::collection::vec((0..3000_usize, any::<bool>()), 0..80),
        max_bytes in 0..8000_usize,
        max_per_class in 0..4_usize,
    ) {
        let pool = pool(max_bytes, max_per_class);
        let mut held: Vec<Buffer> = Vec::new();
        for (number, take) in steps {
            if take || held.is_empty() {
                held.push(pool.get(number));
            } else {
                held.swap_remove(number % held.len());
            }
            check_books(&pool, &held.iter().collect::<Vec<_>>());
            let state = pool.shared.lock();
            prop_assert!(state.classes.values().all(|queue| queue.len() <= max_per_class));
        }
    }

    /// Several threads take, write, check and drop; nobody sees another's bytes, and all come back.
    #[test]
    fn the_books_balance_across_threads(
        scripts in prop::collection::vec(prop::collection::vec(0..2000_usize, 1..40), 1..5),
    ) {
        let pool = pool(10_000, 3);
        std::thread::scope(|scope| {
            for (number, script) in scripts.iter().enumerate() {
                let pool = pool.clone();
                scope.spawn(move || {
                    let mark = number as u8 + 1;
                    let mut held = VecDeque::new();
                    for &len in script {
                        let mut buffer = pool.get(len);
                        buffer.get_mut().unwrap().fill(mark);
                        held.push_back(buffer);
                        if len % 3 == 0 {
                            held.pop_front();
                        }
                        let intact = |buffer: &Buffer| buffer.as_slice().unwrap().iter().all(|&byte| byte == mark);
                        assert!(held.iter().all(intact));
                    }
                });
            }
        });
        check_books(&pool, &[]);
        let stats = pool.stats();
        let gets: usize = scripts.iter().map(Vec::len).sum();
        prop_assert_eq!(stats.hits + stats.misses, gets as u64);
    }
}
