//! Which input policy puts the packets of a node's inputs together, and its options. The policies
//! themselves are in `bmf-streams`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Options;

/// An input policy. The first five are BMF's input managers.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum InputManager {
    /// Whatever is there, at once.
    #[default]
    Immediate,
    /// Packets of equal timestamp together, in ascending order.
    Default,
    /// Job by job.
    Server,
    /// Secondary inputs repeat their last packet.
    FrameSync,
    /// One input is the clock.
    ClockSync,
    /// Inputs in groups, each group as in `Default`.
    SyncSet,
    /// As `Default`, after shifting each input's first packet onto that of one of them.
    TimestampAlign,
    /// One packet from each input, whatever the times.
    Barrier,
    /// As `Default`, but queues that grow too long lose their oldest packets.
    FixedSize,
    /// As `Default`, but the node ends with its first input.
    EarlyClose,
    /// The last input says which of the others counts.
    Mux,
}

impl InputManager {
    /// All of them by name; the first five are spelt as in BMF.
    pub const ALL: [(&'static str, Self); 11] = [
        ("immediate", Self::Immediate),
        ("default", Self::Default),
        ("server", Self::Server),
        ("framesync", Self::FrameSync),
        ("clocksync", Self::ClockSync),
        ("syncset", Self::SyncSet),
        ("timestamp_align", Self::TimestampAlign),
        ("barrier", Self::Barrier),
        ("fixed_size", Self::FixedSize),
        ("early_close", Self::EarlyClose),
        ("mux", Self::Mux),
    ];

    /// The input manager called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, manager)| manager)
    }

    /// What it makes a task of, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Immediate => "all that is there, as soon as anything is",
            Self::Default => "the packets of one timestamp, in ascending order, none dropped",
            Self::Server => "a job's packets; all inputs finish a job together",
            Self::FrameSync => "a packet of one input, with the newest of each other one",
            Self::ClockSync => {
                "a tick of the clock input, with the nearest packet of each other one"
            }
            Self::SyncSet => "as default, for each group of inputs by itself",
            Self::TimestampAlign => "as default, after moving each input's first packet onto one's",
            Self::Barrier => "one packet of each input, whatever the times",
            Self::FixedSize => "as default, but long queues lose their oldest packets",
            Self::EarlyClose => "as default, but the node ends with its first input",
            Self::Mux => "the packet that the control (the last input) chooses",
        }
    }

    /// Its name in graphs.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|&&(_, manager)| manager == self)
            .map_or("immediate", |&(name, _)| name)
    }
}

/// An input policy with its options: `"default"`, or
/// `{"name": "timestamp_align", "base": "camera"}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputManagerConfig {
    /// Which one.
    pub manager: InputManager,
    /// Its options, without the name.
    pub options: Options,
}

/// As in graphs.
impl Serialize for InputManagerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.manager.name();
        if self.options.0.is_empty() {
            return serializer.serialize_str(name);
        }
        let name = ("name".to_owned(), Value::from(name));
        let options = self.options.0.clone();
        let all: serde_json::Map<_, _> = std::iter::once(name).chain(options).collect();
        all.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for InputManagerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, options) = match Value::deserialize(deserializer)? {
            Value::Object(mut options) => (options.shift_remove("name"), options),
            name => (Some(name), serde_json::Map::new()),
        };
        let name = name.as_ref().and_then(Value::as_str);
        let manager = name.and_then(InputManager::from_name);
        let manager = manager.ok_or_else(|| D::Error::custom("no such input manager"))?;
        let options = Options(options);
        Ok(Self { manager, options })
    }
}

impl From<InputManager> for InputManagerConfig {
    fn from(manager: InputManager) -> Self {
        Self {
            manager,
            options: Options::default(),
        }
    }
}
