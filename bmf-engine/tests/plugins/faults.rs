//! Calls of a plugin's module that go wrong: the graph fails, the program does not.

use bmf_core::Ending;
use bmf_engine::{During, RunError};
use serde_json::{Value, json};

use crate::WORKERS;
use crate::kit::{add, lab, logged};
use crate::support::{Lab, until};

/// `source -> before -> fixture_fault -> fixture_pass -> sink`, whose third node goes wrong as told.
fn faulty(options: &Value) -> Lab {
    let mut lab = lab();
    let source = lab.source("source", 120, 1);
    let before = lab.pass("before", source);
    let fault = add(&mut lab, "fixture_fault", before, |mut node| {
        for (key, value) in options.as_object().unwrap() {
            node = node.option(key, value.clone());
        }
        node.batch(1)
    });
    let after = add(&mut lab, "fixture_pass", fault, |node| node);
    // Goes by time, so that nodes are asked what they promise.
    lab.join("sink", &[after]);
    lab
}

/// The same program goes on to use the library.
fn assert_usable() {
    let mut lab = lab();
    let source = lab.source("source", 20, 3);
    let pass = add(&mut lab, "fixture_pass", source, |node| node);
    lab.collect("sink", &[pass]);
    let run = lab.run(2).expect(Ending::Finished);
    assert_eq!(run.log.received("sink", 0).len(), 20);
}

fn tell(error: &RunError) -> String {
    let during: During = match error {
        RunError::Module { at, .. } | RunError::Panic { at, .. } => at.during,
        other => panic!("{other}"),
    };
    let mut told = format!("{error}\nduring {during:?}");
    if let Some(hint) = error.hint() {
        told += &format!("\nhint: {hint}");
    }
    told
}

/// Runs such a graph with several numbers of workers, and tells what came of it, which must be the
/// same each time. All nodes are closed, no packet is left.
fn check(options: Value) -> String {
    let mut results = Vec::new();
    for workers in WORKERS {
        let run = faulty(&options).run(workers);
        run.expect_error();
        results.push(tell(run.outcome.result.as_ref().unwrap_err()));
    }
    assert_usable();
    results.dedup();
    assert_eq!(results.len(), 1, "{results:#?}");
    results.remove(0)
}

/// As `check`, for what goes wrong before the graph starts.
fn check_start(options: Value) -> String {
    let error = faulty(&options).try_start(2).err().unwrap();
    assert_usable();
    tell(&error)
}

#[test]
fn panics() {
    insta::assert_snapshot!(check_start(json!({"on": "new", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Create
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "open", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Open
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "start", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Open
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "promise", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Open
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "process", "what": "panic", "at": 100})), @"
    node 2 'fixture_fault' (fixture_fault), port in, at 0.000100s: the module panicked: on purpose
    during Process
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "close", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Close
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "report", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Close
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "drop", "what": "panic"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Close
    hint: this is a defect of the module; report it
    ");
}

#[test]
fn panics_without_a_message() {
    insta::assert_snapshot!(check_start(json!({"on": "new", "what": "panic_any"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: (no message)
    during Create
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "process", "what": "panic_any", "at": 7})), @"
    node 2 'fixture_fault' (fixture_fault), port in, at 0.000007s: the module panicked: (no message)
    during Process
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "close", "what": "panic_any"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: (no message)
    during Close
    hint: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "drop", "what": "panic_any"})), @"
    node 2 'fixture_fault' (fixture_fault): the module panicked: (no message)
    during Close
    hint: this is a defect of the module; report it
    ");
}

#[test]
fn errors() {
    insta::assert_snapshot!(check_start(json!({"on": "new", "what": "error"})), @"
    node 2 'fixture_fault' (fixture_fault): on purpose: its cause
    during Create
    ");
    insta::assert_snapshot!(check(json!({"on": "open", "what": "error", "message": "no disk", "hint": "buy one"})), @"
    node 2 'fixture_fault' (fixture_fault): no disk: its cause
    during Open
    hint: buy one
    ");
    insta::assert_snapshot!(check(json!({"on": "start", "what": "error"})), @"
    node 2 'fixture_fault' (fixture_fault): on purpose: its cause
    during Open
    ");
    insta::assert_snapshot!(check(json!({"on": "process", "what": "error", "at": 100})), @"
    node 2 'fixture_fault' (fixture_fault), port in, at 0.000100s: on purpose: its cause
    during Process
    ");
    insta::assert_snapshot!(check(json!({"on": "process", "what": "error", "at": 100, "port": "out", "time": 7})), @"
    node 2 'fixture_fault' (fixture_fault), port out, at 0.000007s: on purpose: its cause
    during Process
    ");
    insta::assert_snapshot!(check(json!({"on": "close", "what": "error", "hint": "open it again"})), @"
    node 2 'fixture_fault' (fixture_fault): on purpose: its cause
    during Close
    hint: open it again
    ");
}

/// The modules before it are made already, and go again.
#[test]
fn a_module_that_panics_when_another_cannot_be_made() {
    let mut lab = lab();
    let source = lab.source("source", 1, 1);
    let drops = add(&mut lab, "fixture_fault", source, |node| {
        let node = node.name("drops").option("message", "gone");
        node.option("on", "drop").option("what", "panic")
    });
    let fails = add(&mut lab, "fixture_fault", drops, |node| {
        let node = node.name("fails").option("message", "not made");
        node.option("on", "new").option("what", "error")
    });
    lab.collect("sink", &[fails]);
    let error = lab.try_start(2).err().unwrap();
    insta::assert_snapshot!(tell(&error), @"
    node 2 'fails' (fixture_fault): not made: its cause
    during Create
    ");
    let logged = logged("a module panicked when it was dropped: gone");
    assert_eq!(logged.len(), 1);
    assert_usable();
}

#[test]
fn options_that_do_not_do() {
    let check = |options: Value| {
        let told = faulty(&options).try_plan().err().unwrap().to_string();
        assert_usable();
        told
    };
    insta::assert_snapshot!(check(json!({"on": "check", "what": "error"})), @r#"error: node 2 'fixture_fault' (fixture_fault): option "on": on purpose: its cause"#);
    insta::assert_snapshot!(check(json!({"on": "check", "what": "panic"})), @"
    error: node 2 'fixture_fault' (fixture_fault): the module panicked when its options were checked: on purpose
      help: this is a defect of the module; report it
    ");
    insta::assert_snapshot!(check(json!({"on": "lunch", "what": "panic"})), @r#"error: node 2 'fixture_fault' (fixture_fault): option "on": unknown value "lunch", expected one of "check", "sharing", "new", "open", "start", "promise", "process", "flush", "close", "report", "drop""#);
}

#[test]
fn a_question_about_sharing_that_goes_wrong() {
    let mut lab = lab();
    let source = lab.source("source", 1, 1);
    let fault = add(&mut lab, "fixture_fault", source, |node| {
        let node = node.option("on", "sharing").option("what", "panic");
        node.parallel(2)
    });
    lab.collect("sink", &[fault]);
    let told = lab.try_plan().err().unwrap();
    insta::assert_snapshot!(told, @"
    error: node 1 'fixture_fault' (fixture_fault): the module panicked when it was asked to share: on purpose
      help: this is a defect of the module; report it
    ");
    assert_usable();
}

/// Begins anew in the middle of a run.
#[test]
fn a_flush_that_goes_wrong() {
    let check = |what: &str| {
        let mut lab = lab();
        let source = lab.endless("source");
        let fault = add(&mut lab, "fixture_fault", source, |node| {
            node.option("on", "flush").option("what", what)
        });
        lab.collect("sink", &[fault]);
        let log = lab.log.clone();
        let graph = lab.start(2);
        until("packets arrive", || log.count("sink") >= 20);
        let flushed = graph.flush(None).map_err(|error| error.to_string());
        let outcome = graph.wait();
        log.assert_clean();
        assert_usable();
        format!("{flushed:?}\n{}", tell(&outcome.result.unwrap_err()))
    };
    insta::assert_snapshot!(check("panic"), @r#"
    Err("the graph cannot be flushed: node 1 'fixture_fault' (fixture_fault): the module panicked: on purpose")
    node 1 'fixture_fault' (fixture_fault): the module panicked: on purpose
    during Flush
    hint: this is a defect of the module; report it
    "#);
    insta::assert_snapshot!(check("error"), @r#"
    Err("the graph cannot be flushed: node 1 'fixture_fault' (fixture_fault): on purpose: its cause")
    node 1 'fixture_fault' (fixture_fault): on purpose: its cause
    during Flush
    "#);
}

#[test]
fn a_task_that_is_taken_away() {
    for workers in WORKERS {
        let mut lab = lab();
        let source = lab.source("source", 20, 1);
        let thief = add(&mut lab, "fixture_thief", source, |node| node.name("thief"));
        lab.collect("sink", &[thief]);
        let run = lab.run(workers);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.expect_error(), @"node 1 'thief' (fixture_thief), port in, at 0.000000s: the module has replaced its task");
            insta::assert_snapshot!(logged("thief: ")[0], @"thief: elsewhere, outputs can be flushed only in `process`");
        }
        assert_usable();
    }
}
