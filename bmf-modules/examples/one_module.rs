//! Runs one module out of a library, without a graph: gives it a number and a picture, and tells what
//! came of them.
//!
//! `cargo run -p bmf-modules --example one_module -- LIBRARY MODULE`
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::path::Path;

use bmf_core::drive::DriveOutput;
use bmf_core::{Ending, Module, ModuleContext, ModuleError, Options, StreamItem, Task};
use bmf_hmp::{Packet, PixelFormat, Timestamp, VideoFrame};
use bmf_modules::Registry;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, name] = &arguments[..] else {
        return Err("usage: one_module LIBRARY MODULE".into());
    };
    let (library, registry) = (Path::new(library), Registry::new());
    for plugin in registry.examine(library)?.plugins {
        let (major, minor) = plugin.abi;
        println!("{} is for contract {major}.{minor}", plugin.name);
    }
    let kind = registry.find_in(library, &[name])?;
    let mut module = kind.create(&Options::default()).map_err(told)?;
    let sent = [
        Packet::new(Timestamp::ZERO, 5_i64),
        Packet::new(
            Timestamp::from_micros(40_000),
            VideoFrame::zeroed(PixelFormat::Yuv420p, 64, 36)?,
        ),
    ];
    let come = run(&mut *module, &sent).map_err(told)?;
    for packet in &come {
        let is_same = sent.iter().any(|sent| sent.shares_payload(packet));
        let which = if is_same { "the one sent" } else { "a new one" };
        println!("{packet:?}, {which}");
    }
    println!("{:?}", module.report().counters);
    Ok(())
}

/// What the module makes of packets that come all at once.
fn run(module: &mut dyn Module, packets: &[Packet]) -> Result<Vec<Packet>, ModuleError> {
    module.open(&ModuleContext::new("node", false, &[true], &[true]))?;
    let mut task = Task::new(&[true], &[true]);
    module.start(&mut task)?;
    task.inputs_mut()[0].packets.extend(packets.iter().cloned());
    task.inputs_mut()[0].ended = true;
    let _ = module.process(&mut task)?;
    module.close(Ending::Finished)?;
    let sent = task.outputs_mut()[0].items_mut().drain(..);
    let packet = |item| match item {
        StreamItem::Packet(packet) => Some(packet),
        StreamItem::Signal(_) => None,
    };
    Ok(sent.filter_map(packet).collect())
}

/// Errors of modules are no `Error`s.
fn told(error: ModuleError) -> Box<dyn Error> {
    error.to_string().into()
}
