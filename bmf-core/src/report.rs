//! What a module has to tell when it is closed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a module has to tell when it is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Named counts, such as `decode_errors`; zero counts may be left out.
    pub counters: Counters,
    /// The files this module wrote.
    pub outputs: Vec<OutputFile>,
    /// What the user should know although the graph went on. Errors under `--strict`.
    pub warnings: Vec<String>,
}

/// One file that a module wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputFile {
    /// Path or URL, as the user gave it.
    pub path: String,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
    /// One line for a person: `h264 1280x720 300 frames, aac 48000 Hz stereo`.
    pub summary: String,
    /// Media time in the file, in microseconds, where known.
    pub duration: Option<i64>,
}

/// Named counts, in the order in which the module tells them.
///
/// ```
/// use bmf_core::Counters;
///
/// let counters = Counters::from([("frames_in", 25), ("frames_out", 24)]);
/// assert_eq!(counters.get("frames_out"), Some(24));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Counters(Vec<(Cow<'static, str>, u64)>);

impl Counters {
    /// The count of that name.
    pub fn get(&self, name: &str) -> Option<u64> {
        let mut counters = self.iter();
        counters.find(|&(known, _)| known == name).map(|(_, n)| n)
    }

    /// All names with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (&**name, *count))
    }
}

impl<const N: usize> From<[(&'static str, u64); N]> for Counters {
    fn from(counters: [(&'static str, u64); N]) -> Self {
        counters.into_iter().collect()
    }
}

impl<S: Into<Cow<'static, str>>> FromIterator<(S, u64)> for Counters {
    fn from_iter<I: IntoIterator<Item = (S, u64)>>(counters: I) -> Self {
        let counters = counters.into_iter();
        Self(counters.map(|(name, n)| (name.into(), n)).collect())
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A JSON object.
impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Counters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counters, A::Error> {
                let next = || map.next_entry::<String, u64>().transpose();
                std::iter::from_fn(next).collect::<Result<_, _>>()
            }
        }

        deserializer.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_crosses_as_json() {
        let report = Report {
            counters: [("b", 2), ("a", 1)].into(),
            outputs: vec![OutputFile {
                path: "out.mp4".to_owned(),
                bytes: Some(7),
                ..OutputFile::default()
            }],
            warnings: vec!["doubtful".to_owned()],
        };
        let json = serde_json::to_string(&report).unwrap();
        insta::assert_snapshot!(json, @r#"{"counters":{"b":2,"a":1},"outputs":[{"path":"out.mp4","bytes":7,"summary":"","duration":null}],"warnings":["doubtful"]}"#);
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        assert_eq!(
            serde_json::from_str::<Report>("{}").unwrap(),
            Report::default()
        );
    }
}
