//! How a running graph is shown while it runs. What it did in the end is told by `summary`.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use bmf_engine::{Graph, Outcome, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::terminal;

/// How often a bar is drawn.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// How often a line is printed that nobody asked for: into logs, mostly.
const LOG_INTERVAL: Duration = Duration::from_secs(5);
/// How long nothing may move before that is worth a note.
const STALLED: Duration = Duration::from_secs(2);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Bar,
    /// A line each time this is over.
    Lines(Duration),
    /// An object per line, each second.
    Json,
    None,
}

impl Style {
    /// What suits whatever stderr is.
    pub(crate) fn for_this_terminal() -> Self {
        if io::stderr().is_terminal() {
            Self::Bar
        } else {
            Self::Lines(LOG_INTERVAL)
        }
    }
}

/// Waits for the end of `graph` and shows on the way how far it is.
pub(crate) fn wait(graph: Graph, style: Style) -> Outcome {
    let mut meter = Meter::new(Instant::now());
    let mut read = move |progress: &Progress| meter.read(progress, Instant::now());
    match style {
        Style::None => graph.wait(),
        Style::Lines(interval) => graph.wait_with(interval, |progress| {
            terminal::message(&format!("progress: {}", read(progress).line()));
        }),
        Style::Json => graph.wait_with(Duration::from_secs(1), |progress| {
            terminal::message(&read(progress).json().to_string());
        }),
        Style::Bar => {
            let bar = terminal::bars().add(new_bar());
            let outcome = graph.wait_with(BAR_INTERVAL, |progress| read(progress).draw(&bar));
            bar.finish_and_clear();
            outcome
        }
    }
}

/// One look at a running graph.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Media seconds done.
    time: f64,
    /// Media seconds there are, where known.
    duration: Option<f64>,
    packets: u64,
    full_links: usize,
    /// Wall time since the start.
    elapsed: f64,
    /// For how long nothing has moved.
    still: Duration,
}

/// Makes readings, and remembers when something last moved.
struct Meter {
    start: Instant,
    moved: Instant,
    last: Progress,
}

impl Meter {
    fn new(now: Instant) -> Self {
        Self {
            start: now,
            moved: now,
            last: Progress::default(),
        }
    }

    fn read(&mut self, progress: &Progress, now: Instant) -> Reading {
        if (progress.packets, progress.position) != (self.last.packets, self.last.position) {
            self.moved = now;
        }
        self.last = *progress;
        Reading {
            time: progress.position.map_or(0.0, |time| time.as_secs_f64()),
            duration: progress
                .duration
                .map(|duration| duration.as_secs_f64())
                .filter(|&seconds| seconds > 0.0),
            packets: progress.packets,
            full_links: progress.full_links,
            elapsed: (now - self.start).as_secs_f64(),
            still: now - self.moved,
        }
    }
}

impl Reading {
    fn per_second(&self, count: f64) -> f64 {
        if self.elapsed > 0.0 {
            count / self.elapsed
        } else {
            0.0
        }
    }

    /// Packets per second of wall time, at the sink that has received most.
    fn fps(&self) -> f64 {
        self.per_second(self.packets as f64)
    }

    /// Media seconds per second of wall time.
    fn speed(&self) -> f64 {
        self.per_second(self.time)
    }

    /// Seconds to go, once there is a speed to tell it by.
    fn eta(&self) -> Option<f64> {
        let left = (self.duration? - self.time).max(0.0);
        Some(left / self.speed()).filter(|seconds| seconds.is_finite())
    }

    fn line(&self) -> String {
        let mut text = clock(self.time);
        if let Some(duration) = self.duration {
            text += &format!(" of {}", clock(duration));
        }
        text += &format!(", {:.0} fps, {:.1}x", self.fps(), self.speed());
        if let Some(eta) = self.eta() {
            text += &format!(", {} left", clock(eta));
        }
        text + &self.note()
    }

    /// Full queues alone are nothing to tell: there is always a slowest node. When nothing moves
    /// they are where to look.
    fn note(&self) -> String {
        if self.still < STALLED {
            return String::new();
        }
        let full = match self.full_links {
            0 => String::new(),
            1 => " (1 queue is full)".to_owned(),
            count => format!(" ({count} queues are full)"),
        };
        format!(", nothing moved for {} s{full}", self.still.as_secs())
    }

    fn json(&self) -> Value {
        json!({
            "time": round(self.time),
            "duration": self.duration.map(round),
            "packets": self.packets,
            "fps": round(self.fps()),
            "speed": round(self.speed()),
            "full_links": self.full_links,
        })
    }

    fn draw(&self, bar: &ProgressBar) {
        if let (Some(duration), None) = (self.duration, bar.length()) {
            bar.set_length(millis(duration));
            bar.set_style(style("{bar:20} {percent:>3}%  {wide_msg}"));
        }
        bar.set_message(self.line());
        bar.set_position(millis(self.time));
    }
}

/// Without a length as long as none is known.
fn new_bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style("{spinner}  {wide_msg}"));
    bar
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the templates are constants");
    style.progress_chars("=> ")
}

fn millis(seconds: f64) -> u64 {
    (seconds * 1e3) as u64
}

/// Three digits are more than any reader needs.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// `4.2 s`, `1:05`, `1:00:05`.
fn clock(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a graph at these seconds of wall time, at (media milliseconds, packets).
    fn check(duration: Option<u64>, looks: &[(u64, u64, u64)]) -> Reading {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let mut reading = None;
        for &(seconds, millis, packets) in looks {
            let progress = Progress {
                position: Some(Duration::from_millis(millis)),
                duration: duration.map(Duration::from_secs),
                packets,
                full_links: 2,
            };
            reading = Some(meter.read(&progress, start + Duration::from_secs(seconds)));
        }
        reading.expect("there is a look")
    }

    #[test]
    fn lines() {
        insta::assert_snapshot!(check(Some(100), &[(2, 5000, 125)]).line(), @"5.0 s of 1:40, 62 fps, 2.5x, 38.0 s left");
        insta::assert_snapshot!(check(None, &[(2, 5000, 125)]).line(), @"5.0 s, 62 fps, 2.5x");
        insta::assert_snapshot!(check(Some(7200), &[(1, 0, 0)]).line(), @"0.0 s of 2:00:00, 0 fps, 0.0x");
    }

    #[test]
    fn a_stall_is_noted() {
        insta::assert_snapshot!(check(None, &[(1, 40, 1), (5, 40, 1)]).line(), @"0.0 s, 0 fps, 0.0x, nothing moved for 4 s (2 queues are full)");
        insta::assert_snapshot!(check(None, &[(1, 40, 1), (5, 40, 1), (6, 80, 2)]).line(), @"0.1 s, 0 fps, 0.0x");
    }

    #[test]
    fn objects() {
        insta::assert_snapshot!(check(Some(100), &[(3, 5000, 125)]).json(), @r#"{"time":5.0,"duration":100.0,"packets":125,"fps":41.667,"speed":1.667,"full_links":2}"#);
        insta::assert_snapshot!(check(None, &[(0, 0, 0)]).json(), @r#"{"time":0.0,"duration":null,"packets":0,"fps":0.0,"speed":0.0,"full_links":2}"#);
    }

    #[test]
    fn clocks() {
        let times = [0.04, 59.94, 59.96, 65.0, 3599.6, 36_005.0].map(clock);
        insta::assert_snapshot!(times.join(", "), @"0.0 s, 59.9 s, 1:00, 1:05, 1:00:00, 10:00:05");
    }
}
