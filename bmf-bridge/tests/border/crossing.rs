//! What crosses beside results: packets as the same objects, interrupts, durations, answers in JSON.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::script::{at, packet};
use bmf_bridge::in_process;
use bmf_core::config::Threads;
use bmf_core::drive::DriveOutput;
use bmf_core::{
    Flow, Module, ModuleContext, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue,
    Options, PortKind, PortSpec, Ports, Sharing, Shorthand, ShorthandArg, StreamItem, Task,
};
use bmf_hmp::{Packet, Payload};
use serde_json::json;

/// Passes on one packet per call.
struct OneByOne;

impl Module for OneByOne {
    fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
        if let Some(packet) = task.pop(0) {
            task.push(0, packet);
        }
        Ok(Flow::Wait)
    }
}

/// A payload that nobody but its maker knows.
struct Private;

impl Payload for Private {
    const TAG: &'static str = "test.private";
}

#[test]
fn packets_are_the_same_objects_and_leftovers_stay_in_order() {
    let mut module = in_process::module(Box::new(OneByOne), false);
    let mut task = Task::new(&[true], &[true]);
    let packets: Vec<Packet> = (0..3).map(|time| Packet::new(at(time), Private)).collect();
    task.inputs_mut()[0].packets.extend(packets.iter().cloned());
    for (sent, original) in packets.iter().enumerate() {
        assert_eq!(module.process(&mut task).unwrap(), Flow::Wait);
        // What is left counts as the host's own: it is what its limits see.
        assert_eq!(task.inputs()[0].packets.len(), packets.len() - sent - 1);
        let [StreamItem::Packet(passed)] = task.outputs()[0].items() else {
            panic!("one packet per call: {task:?}");
        };
        assert!(passed.shares_payload(original) && passed.timestamp() == original.timestamp());
        assert!(passed.is::<Private>());
        task.outputs_mut()[0].items_mut().clear();
        assert_eq!(original.ref_count(), 1);
    }
}

/// Waits in `process` until it is interrupted.
struct Waiter {
    context: Option<ModuleContext>,
    is_waiting: Arc<AtomicBool>,
}

impl Module for Waiter {
    fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
        self.context = Some(context.clone());
        Ok(())
    }

    fn process(&mut self, _: &mut Task) -> Result<Flow, ModuleError> {
        let context = self.context.as_ref().unwrap();
        let signal = Arc::new((Mutex::new(false), Condvar::new()));
        let interrupted = Arc::clone(&signal);
        context.on_interrupt(move || {
            *interrupted.0.lock().unwrap() = true;
            interrupted.1.notify_all();
        });
        self.is_waiting.store(true, Ordering::Release);
        let mut is_over = signal.0.lock().unwrap();
        while !*is_over {
            is_over = signal.1.wait(is_over).unwrap();
        }
        assert!(context.interrupt().load(Ordering::Acquire));
        Err(ModuleError::new("interrupted"))
    }
}

#[test]
fn an_interrupt_reaches_a_module_that_waits() {
    let is_waiting = Arc::new(AtomicBool::new(false));
    let waiter = Waiter {
        context: None,
        is_waiting: Arc::clone(&is_waiting),
    };
    let mut module = in_process::module(Box::new(waiter), false);
    let context = ModuleContext::new("node", false, &[], &[]);
    module.open(&context).unwrap();
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| module.process(&mut Task::new(&[], &[])).unwrap_err());
        while !is_waiting.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        context.raise_interrupt();
        call.join().unwrap()
    });
    assert_eq!(error.to_string(), "interrupted");
    drop(module);
    // The context outlives the module.
    context.raise_interrupt();
}

#[test]
fn an_interrupt_that_came_before_is_seen() {
    struct Looks;

    impl Module for Looks {
        fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
            context.set_duration(5);
            match context.interrupt().load(Ordering::Acquire) {
                true => Err(ModuleError::new("interrupted")),
                false => Ok(()),
            }
        }

        fn process(&mut self, _: &mut Task) -> Result<Flow, ModuleError> {
            Ok(Flow::Done)
        }
    }

    let context = ModuleContext::new("node", false, &[], &[]);
    in_process::module(Box::new(Looks), false)
        .open(&context)
        .unwrap();
    assert_eq!(context.duration(), Some(5));
    context.raise_interrupt();
    let again = in_process::module(Box::new(Looks), false).open(&context);
    assert_eq!(again.unwrap_err().to_string(), "interrupted");
}

#[test]
fn what_the_graph_says_of_threads_is_told() {
    struct Tells;

    impl Module for Tells {
        fn open(&mut self, context: &ModuleContext) -> Result<(), ModuleError> {
            Err(ModuleError::new(format!("{:?}", context.threads())))
        }

        fn process(&mut self, _: &mut Task) -> Result<Flow, ModuleError> {
            Ok(Flow::Done)
        }
    }

    let told = |threads| {
        let context = ModuleContext::new("node", false, &[], &[]);
        context.set_threads(threads);
        let opened = in_process::module(Box::new(Tells), false).open(&context);
        opened.unwrap_err().to_string()
    };
    let told = [0, -1, 3].map(|code| told(Threads::from_code(code)));
    insta::assert_snapshot!(told.join(" "), @"Auto All AtMost(3)");
}

#[test]
fn a_flush_from_another_thread_is_refused() {
    /// Takes its task to another thread, to send from there.
    struct Smuggler;

    impl Module for Smuggler {
        fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
            let mut task = std::mem::take(task);
            task.push(0, packet(1));
            std::thread::scope(|scope| scope.spawn(|| task.flush_outputs()).join().unwrap())?;
            Ok(Flow::Wait)
        }
    }

    let mut module = in_process::module(Box::new(Smuggler), true);
    let mut task = Task::new(&[], &[true]);
    let error = module.process(&mut task).unwrap_err();
    insta::assert_snapshot!(error, @"outputs can be flushed only in `process`");
}

#[test]
fn a_module_that_replaces_its_task_is_told() {
    struct Replacer(bool);

    impl Module for Replacer {
        fn process(&mut self, task: &mut Task) -> Result<Flow, ModuleError> {
            if !std::mem::replace(&mut self.0, true) {
                *task = Task::default();
            }
            task.push(0, packet(1));
            Ok(Flow::Wait)
        }
    }

    let mut module = in_process::module(Box::new(Replacer(false)), false);
    let mut task = Task::new(&[true], &[true]);
    let error = module.process(&mut task).unwrap_err();
    insta::assert_snapshot!(error, @"the module has replaced its task");
    assert_eq!(module.process(&mut task).unwrap(), Flow::Wait);
    assert_eq!(task.outputs()[0].items().len(), 1);
}

struct Answers(ModuleDescriptor);

impl ModuleFactory for Answers {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.0
    }

    fn check(&self, options: &Options) -> Vec<OptionIssue> {
        let unknown = OptionIssue::unknown("sise", ["size"]);
        vec![
            OptionIssue::invalid("all", format!("{:?}", options.0)),
            unknown,
        ]
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Module>, ModuleError> {
        match options.get("ok") {
            Some(_) => Ok(Box::new(OneByOne)),
            None => Err(OptionIssue::invalid("ok", "is missing").into()),
        }
    }

    fn sharing(&self, options: &Options) -> Sharing {
        match options.get("ok") {
            Some(_) => Sharing::Impossible("never".to_owned()),
            None => Sharing::Possible,
        }
    }

    fn fuse(&self, chain: &[&Options]) -> Option<Options> {
        let [one, other] = chain else { return None };
        Options::from_value(json!({"one": one, "other": other}))
    }

    fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        match verb {
            "none" => None,
            "bad" => Some(Err(format!("{args:?}"))),
            _ => {
                let options = Options::from_value(json!({"verb": verb})).unwrap();
                let mut shorthand = Shorthand::new(options, PortKind::Audio);
                shorthand.inputs = vec![PortKind::Audio, PortKind::Video];
                Some(Ok(shorthand))
            }
        }
    }
}

#[test]
fn a_factory_answers_as_it_does_directly() {
    let port = PortSpec::new("in", PortKind::Video, "pictures");
    let direct: Arc<dyn ModuleFactory> = Arc::new(Answers(ModuleDescriptor {
        name: "answers".to_owned(),
        docs: "line\nline \"ü\"".to_owned(),
        inputs: Ports::Fixed(vec![port.clone().optional()]),
        outputs: Ports::Any {
            min: 1,
            max: None,
            each: port,
        },
        any_room: true,
        options: json!({"properties": {"size": {"default": 0.1}}}),
        verbs: vec!["none".to_owned()],
        ..ModuleDescriptor::default()
    }));
    let bridged = in_process::factory(Arc::clone(&direct)).unwrap();
    assert_eq!(direct.descriptor(), bridged.descriptor());
    let odd =
        json!({"z": 1, "a": {"b": [-0.1, 1e308, 5e-324, 0.30000000000000004, u64::MAX, "\u{0}"]}});
    for options in [json!({}), json!({"ok": null}), odd] {
        let options = Options::from_value(options).unwrap();
        assert_eq!(direct.check(&options), bridged.check(&options));
        assert_eq!(direct.sharing(&options), bridged.sharing(&options));
        let created = [&direct, &bridged].map(|factory| {
            let created = factory.create(&options);
            created.map(drop).map_err(|error| error.to_string())
        });
        assert_eq!(created[0], created[1]);
    }
    let options = Options::from_value(json!({"size": 1, "a": [null]})).unwrap();
    let chains: [&[&Options]; 3] = [&[], &[&options, &options], &[&options; 3]];
    for chain in chains {
        assert_eq!(direct.fuse(chain), bridged.fuse(chain));
    }
    assert!(bridged.fuse(chains[1]).is_some());
    let args = [
        ShorthandArg::Word("in.mp4".to_owned()),
        ShorthandArg::Pair("crf".to_owned(), "23".to_owned()),
    ];
    for verb in ["none", "bad", "good"] {
        assert_eq!(
            direct.shorthand(verb, &args),
            bridged.shorthand(verb, &args)
        );
    }
}
