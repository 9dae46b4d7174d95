//! `bmf probe`: what is in media files. A module looks; here it is asked, and what it says is shown.

mod text;

use bmf_core::drive::DriveOutput;
use bmf_core::{Ending, Module, ModuleContext, ModuleError, Options, StreamItem, Task};
use bmf_modules::Registry;
use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::report::{self, Failure};
use crate::terminal;

/// The module that knows.
const MODULE: &str = "ffmpeg_probe";

/// What to look at, and how to show it.
pub(crate) struct Request {
    pub(crate) files: Vec<String>,
    pub(crate) format: Format,
    /// Name of the input format, if the files do not tell.
    pub(crate) input_format: Option<String>,
    /// Options of the protocol and the demuxer.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) quiet: bool,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line for each file and each of its streams, for people
    Text,
    /// An array with an object for each file that could be read
    Json,
}

/// Looks at each file. One that cannot be read is told of, and the others are shown all the same.
pub(crate) fn run(request: &Request, registry: &Registry) -> Result<u8, Failure> {
    let mut found = Vec::new();
    let mut code = 0;
    for file in &request.files {
        match look(file, request, registry) {
            Ok(value) if request.format == Format::Text => terminal::data(&text::page(&value))?,
            Ok(value) => found.push(value),
            Err(failure) => code = failure.print().max(code),
        }
    }
    if request.format == Format::Json {
        terminal::data(&format!("{:#}\n", Value::Array(found)))?;
    }
    Ok(code)
}

/// Asks the module about one file.
fn look(file: &str, request: &Request, registry: &Registry) -> Result<Value, Failure> {
    let factory = registry
        .find(MODULE)
        .map_err(|missing| Failure::usage(missing.to_string(), missing.hint))?;
    let options = options(file, request);
    if let Some(issue) = factory.check(&options).into_iter().next() {
        return Err(Failure::Usage {
            message: issue.message,
            help: issue.hint,
        });
    }
    let failed = |error: ModuleError| Failure::Run {
        message: error.to_string(),
        help: error.hint().map(str::to_owned),
    };
    let mut module = factory.create(&options).map_err(failed)?;
    let found = ask(&mut *module).map_err(failed)?;
    if !request.quiet {
        let warnings = module.report().warnings;
        warnings.iter().for_each(|text| report::warning(text));
    }
    Ok(found)
}

/// What the module sends; it is open for that long.
fn ask(module: &mut dyn Module) -> Result<Value, ModuleError> {
    module.open(&ModuleContext::new("probe", false, &[], &[true]))?;
    let mut task = Task::new(&[], &[true]);
    let asked = module.process(&mut task);
    module.close(Ending::Finished)?;
    let _ = asked?;
    let sent = task.outputs_mut()[0].items_mut().pop();
    let found = match &sent {
        Some(StreamItem::Packet(packet)) => packet.get::<Value>().cloned(),
        _ => None,
    };
    found.ok_or_else(|| ModuleError::new(format!("the module {MODULE} has sent nothing")))
}

fn options(file: &str, request: &Request) -> Options {
    let params = request.params.iter();
    let params: Map<String, Value> = params
        .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
        .collect();
    let mut options = Map::new();
    options.insert("input_path".to_owned(), file.into());
    options.insert("params".to_owned(), params.into());
    if let Some(format) = &request.input_format {
        options.insert("format".to_owned(), format.as_str().into());
    }
    Options(options)
}
