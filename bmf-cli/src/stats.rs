//! `--stats`: what every node and link did, as JSON. Nothing is measured here.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bmf_core::{Ending, OutputFile};
use bmf_engine::{LinkOutcome, NodeOutcome, Outcome, RunError};
use serde_json::{Map, Value, json};

use crate::report::{Failure, chain};
use crate::terminal;

/// Where statistics go.
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
}

/// Where statistics go, open for writing.
pub(crate) enum Sink {
    Stdout,
    File(PathBuf, File),
}

impl Target {
    /// `-` is stdout.
    pub(crate) fn new(path: PathBuf) -> Self {
        if path == Path::new("-") {
            Self::Stdout
        } else {
            Self::File(path)
        }
    }

    /// Opens it. Done before the run: after an hour of work is late to hear of a folder that is
    /// not there.
    pub(crate) fn open(self) -> Result<Sink, Failure> {
        match self {
            Self::Stdout => Ok(Sink::Stdout),
            Self::File(path) => match File::create(&path) {
                Ok(file) => Ok(Sink::File(path, file)),
                Err(error) => Err(cannot_write(&path, &error)),
            },
        }
    }
}

impl Sink {
    /// Writes the statistics of a run; an `Err` is one that could not start.
    pub(crate) fn write(self, run: &Result<Outcome, RunError>) -> Result<(), Failure> {
        let stats = match run {
            Ok(outcome) => of_outcome(outcome),
            Err(error) => of_no_run(error),
        };
        let text = format!("{stats:#}\n");
        match self {
            Self::Stdout => terminal::data(&text),
            Self::File(path, mut file) => file
                .write_all(text.as_bytes())
                .map_err(|error| cannot_write(&path, &error)),
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::Run {
        message: format!("cannot write statistics to \"{}\": {error}", path.display()),
        help: None,
    }
}

fn of_outcome(outcome: &Outcome) -> Value {
    let mut stats = Map::new();
    stats.insert("result".to_owned(), result(&outcome.result).into());
    if let Err(error) = &outcome.result {
        stats.insert("error".to_owned(), chain(error).into());
        if let Some(report) = error.waiting() {
            stats.insert("waiting".to_owned(), report.to_json());
        }
    }
    let elapsed = outcome.elapsed.as_secs_f64();
    stats.insert("elapsed_s".to_owned(), elapsed.into());
    stats.insert("nodes".to_owned(), outcome.nodes.iter().map(node).collect());
    stats.insert("links".to_owned(), outcome.links.iter().map(link).collect());
    stats.into()
}

fn of_no_run(error: &RunError) -> Value {
    json!({
        "result": "failed",
        "error": chain(error),
        "elapsed_s": 0.0,
        "nodes": [],
        "links": [],
    })
}

fn result(result: &Result<Ending, RunError>) -> &'static str {
    match result {
        Ok(Ending::Stopped) => "stopped",
        Ok(_) => "finished",
        Err(RunError::Cancelled) => "cancelled",
        Err(_) => "failed",
    }
}

fn node(node: &NodeOutcome) -> Value {
    let counters = node.report.counters.iter();
    let counters: Map<String, Value> = counters
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    json!({
        "id": node.id,
        "name": node.name,
        "module": node.module,
        "tasks": node.tasks,
        "packets_in": node.packets_in,
        "packets_out": node.packets_out,
        "busy_s": node.busy.as_secs_f64(),
        "closed": node.closed,
        "counters": counters,
        "warnings": node.report.warnings,
        "outputs": node.report.outputs.iter().map(output).collect::<Value>(),
    })
}

fn output(file: &OutputFile) -> Value {
    json!({
        "path": file.path,
        "bytes": file.bytes,
        "summary": file.summary,
        "duration_s": file.duration.map(|micros| micros as f64 / 1e6),
    })
}

fn link(link: &LinkOutcome) -> Value {
    let dropped = link.dropped.reasons().into_iter();
    let dropped: Map<String, Value> = dropped
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| (reason.to_owned(), count.into()))
        .collect();
    json!({
        "stream": link.stream,
        "producer": link.producer,
        "consumer": link.consumer,
        "packets": link.packets,
        "peak": link.peak,
        "limit": link.limit,
        "raised": link.raised,
        "dropped": dropped,
    })
}
