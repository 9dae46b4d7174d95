//! Panics of a module: each goes on as one on the host's side, with its message, and nothing is the
//! worse for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::script::message;
use bmf_bridge::in_process;
use bmf_core::{
    Ending, Flow, Module, ModuleContext, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue,
    Options, Promise, Report, Sharing, Shorthand, ShorthandArg, Task,
};
use bmf_hmp::{Packet, Payload, Timestamp};
use serde_json::json;

/// Panics where its name says.
struct Panicky(&'static str);

impl Panicky {
    fn come_to(&self, place: &str) {
        if self.0 == place {
            panic!("in {place}");
        }
    }
}

impl Module for Panicky {
    fn open(&mut self, _: &ModuleContext) -> Result<(), ModuleError> {
        self.come_to("open");
        Ok(())
    }

    fn start(&mut self, _: &mut Task) -> Result<(), ModuleError> {
        self.come_to("start");
        Ok(())
    }

    fn promise(&self) -> Promise {
        self.come_to("promise");
        Promise::PerPort
    }

    fn flush(&mut self, _: Option<Timestamp>) -> Result<(), ModuleError> {
        self.come_to("flush");
        Ok(())
    }

    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        if self.0 == "error" {
            return Err(ModuleError::new("outer").with_source(PanickyError));
        }
        task.push(0, crate::script::packet(1));
        self.come_to("process");
        Ok(Flow::Wait)
    }

    fn close(&mut self, _: Ending) -> Result<(), ModuleError> {
        self.come_to("close");
        Ok(())
    }

    fn report(&self) -> Report {
        self.come_to("report");
        Report::default()
    }
}

impl Drop for Panicky {
    fn drop(&mut self) {
        self.come_to("drop");
    }
}

#[derive(Debug)]
struct PanickyError;

impl std::fmt::Display for PanickyError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in the error's text");
    }
}

impl std::error::Error for PanickyError {}

struct Factory {
    descriptor: ModuleDescriptor,
    place: &'static str,
}

impl ModuleFactory for Factory {
    fn descriptor(&self) -> &ModuleDescriptor {
        Panicky(self.place).come_to("descriptor");
        &self.descriptor
    }

    fn check(&self, _: &Options) -> Vec<OptionIssue> {
        panic!("in check");
    }

    fn create(&self, _: &Options) -> Result<Box<dyn Module>, ModuleError> {
        panic!("in create");
    }

    fn sharing(&self, _: &Options) -> Sharing {
        panic!("in sharing");
    }

    fn shorthand(&self, _: &str, _: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        panic!("in shorthand");
    }
}

/// What `action` panics with.
fn caught<R>(action: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(_) => "no panic".to_owned(),
        Err(panic) => message(&*panic).to_owned(),
    }
}

/// Takes a module that panics in one place through all of its calls; tells which of them panicked.
fn check(place: &'static str) -> String {
    let mut module = in_process::module(Box::new(Panicky(place)), false);
    let context = ModuleContext::new("node", false, &[true], &[true]);
    let mut task = Task::new(&[true], &[true]);
    let calls = [
        ("open", caught(|| module.open(&context).unwrap())),
        ("promise", caught(|| module.promise())),
        ("start", caught(|| module.start(&mut task).unwrap())),
        (
            "process",
            caught(|| {
                module
                    .process(&mut task)
                    .map_err(|e| e.to_string())
                    .map(drop)
            }),
        ),
        ("flush", caught(|| module.flush(None).unwrap())),
        ("close", caught(|| module.close(Ending::Failed).unwrap())),
        ("report", caught(|| module.report())),
        ("drop", caught(|| drop(module))),
    ];
    assert_eq!(
        task.outputs()[0].items().len(),
        usize::from(place != "error")
    );
    let panics = calls.iter().filter(|(_, message)| message != "no panic");
    let panics = panics.map(|(call, message)| format!("{call}: {message}"));
    panics.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_panic_goes_on_as_one() {
    for place in [
        "open", "start", "process", "flush", "close", "report", "drop",
    ] {
        assert_eq!(check(place), format!("{place}: in {place}"));
    }
    // No one is prepared for a panic in a promise.
    assert_eq!(check("promise"), "start: in promise");
    assert_eq!(check("error"), "process: in the error's text");
    assert_eq!(check("nowhere"), "");
}

#[test]
fn so_does_that_of_a_factory() {
    let factory = |place| Factory {
        descriptor: ModuleDescriptor {
            name: "panicky".to_owned(),
            ..ModuleDescriptor::default()
        },
        place,
    };
    let unfit = in_process::factory(Arc::new(factory("descriptor"))).map(drop);
    insta::assert_snapshot!(unfit.unwrap_err(), @"module 0 cannot be used: it panicked when it was to describe itself: in descriptor");
    let factory = in_process::factory(Arc::new(factory("nowhere"))).unwrap();
    let options = Options::from_value(json!({"a": 0.1})).unwrap();
    let panics = [
        caught(|| factory.check(&options)),
        caught(|| factory.create(&options).map(drop)),
        caught(|| factory.sharing(&options)),
        caught(|| factory.shorthand("verb", &[])),
    ];
    assert_eq!(
        panics,
        ["in check", "in create", "in sharing", "in shorthand"]
    );
}

/// A payload whose drop panics.
struct Bomb;

impl Payload for Bomb {
    const TAG: &'static str = "test.bomb";
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in the drop of a payload");
    }
}

/// Drops what comes, and keeps the last for its own end.
#[derive(Default)]
struct Keeper(Option<Packet>);

impl Module for Keeper {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        while let Some(packet) = task.pop(0) {
            self.0 = Some(packet);
        }
        Ok(Flow::Wait)
    }
}

#[test]
fn a_payload_that_panics_when_it_goes_ends_nothing() {
    let mut module = in_process::module(Box::new(Keeper::default()), false);
    let mut task = Task::new(&[true], &[]);
    for time in 0..3 {
        let packet = Packet::new(crate::script::at(time), Bomb);
        task.inputs_mut()[0].packets.push_back(packet);
    }
    assert_eq!(module.process(&mut task).unwrap(), Flow::Wait);
    assert_eq!(caught(|| drop(module)), "no panic");
}
