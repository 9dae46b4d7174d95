//! How packets flow: the settings of one link, of the graph's executors, and of parallel nodes.

/// Settings of one link. They may be given with the stream where it is produced (then for all its
/// links) and with the stream where it is consumed, which goes first.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkConfig {
    /// Most packets that wait.
    pub queue_length_limit: Option<usize>,
    /// Most bytes that wait. At least one packet always may.
    pub queue_bytes_limit: Option<u64>,
    /// What happens to a packet for which there is no room.
    pub on_full: Option<OnFull>,
    /// What happens to a packet that goes back in time.
    pub time_order: Option<TimeOrder>,
    /// Whether the link closes a loop: it is left out where the graph is ordered, and its consumer
    /// opens without waiting for its producer.
    pub back_edge: bool,
}

impl LinkConfig {
    /// These settings, and where they say nothing, those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            queue_length_limit: self.queue_length_limit.or(other.queue_length_limit),
            queue_bytes_limit: self.queue_bytes_limit.or(other.queue_bytes_limit),
            on_full: self.on_full.or(other.on_full),
            time_order: self.time_order.or(other.time_order),
            back_edge: self.back_edge || other.back_edge,
        }
    }
}

/// What happens to a packet for which a link has no room.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnFull {
    /// It is not made: the producer waits.
    #[default]
    Block,
    /// The oldest packet that waits is dropped for it.
    DropOldest,
    /// It is dropped.
    DropNewest,
    /// Only the newest packet waits, whatever the limit.
    Latest,
}

impl OnFull {
    /// All of them by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("block", Self::Block),
        ("drop_oldest", Self::DropOldest),
        ("drop_newest", Self::DropNewest),
        ("latest", Self::Latest),
    ];
}

/// What happens to a packet that is earlier than the link's timestamp bound.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum TimeOrder {
    /// The run fails, naming producer, consumer and both times. The default where the consumer
    /// puts packets together by their times.
    Error,
    /// It is dropped and counted.
    Drop,
    /// It is moved to the bound.
    Clamp,
    /// It passes as it is. The default where the consumer takes packets as they come.
    Any,
}

impl TimeOrder {
    /// All of them by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("error", Self::Error),
        ("drop", Self::Drop),
        ("clamp", Self::Clamp),
        ("any", Self::Any),
    ];
}

/// What happens when a graph has blocked itself: every node waits for another one, some of them
/// for room.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnDeadlock {
    /// The limits of the links that block it are raised by as little as frees it, and that is
    /// counted; the run fails if the memory budget does not allow it.
    #[default]
    Relax,
    /// The run fails, naming who waits for whom.
    Fail,
}

impl OnDeadlock {
    /// All of them by name.
    pub const ALL: [(&'static str, Self); 2] = [("relax", Self::Relax), ("fail", Self::Fail)];
}

/// A named group of worker threads, which runs the nodes that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorConfig {
    /// Its name.
    pub name: String,
    /// How many threads; at least one. With one, its nodes never run at the same time.
    pub workers: usize,
}

/// A node that runs as several instances of its module.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ParallelConfig {
    /// How many; at least one.
    pub instances: usize,
    /// Which instance gets the next input.
    pub distribution: Distribution,
}

/// Which instance of a parallel node gets the next input. What leaves the node is in the order of
/// the input either way.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// One after the other, reproducibly.
    #[default]
    RoundRobin,
    /// The one with the least waiting.
    LeastLoaded,
}

impl Distribution {
    /// All of them by name.
    pub const ALL: [(&'static str, Self); 2] = [
        ("round_robin", Self::RoundRobin),
        ("least_loaded", Self::LeastLoaded),
    ];
}
