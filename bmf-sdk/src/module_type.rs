//! From a Rust type to a module factory: typed options, checked and documented by their type.

use std::marker::PhantomData;
use std::sync::Arc;

use bmf_core::config::InputManagerConfig;
use bmf_core::{
    Module, ModuleDescriptor, ModuleError, ModuleFactory, OptionIssue, Options, PortSpec, Ports,
    Sharing, Shorthand, ShorthandArg,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A module as a Rust type.
pub trait ModuleType: Module + Sized + 'static {
    /// Its options. Doc comments become the documentation that `bmf inspect` prints: that of the
    /// struct for the module, that of each field for the option.
    type Options: DeserializeOwned + JsonSchema;

    /// What it is: name, ports.
    fn describe() -> Description;

    /// Makes an instance. Opens nothing: that is [`Module::open`].
    ///
    /// # Errors
    /// When options that are fine one by one do not go together.
    fn new(options: Self::Options) -> Result<Self, ModuleError>;

    /// What the types of the options cannot say: a required one of two, names that must exist.
    /// Called before anything is opened.
    fn validate(options: &Self::Options) -> Vec<OptionIssue> {
        let _ = options;
        Vec::new()
    }

    /// See [`ModuleFactory::sharing`].
    fn sharing(options: &Self::Options) -> Sharing {
        let _ = options;
        Sharing::Possible
    }

    /// See [`ModuleFactory::fuse`].
    fn fuse(chain: &[&Options]) -> Option<Options> {
        let _ = chain;
        None
    }

    /// See [`ModuleFactory::shorthand`].
    fn shorthand(verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        let _ = (verb, args);
        None
    }

    /// What one-line graphs call it beside its name; [`shorthand`](Self::shorthand) says what each
    /// stands for.
    fn verbs() -> Vec<String> {
        Vec::new()
    }
}

/// What a module says of itself beside its options.
#[derive(Clone, Debug)]
pub struct Description {
    name: &'static str,
    version: &'static str,
    summary: &'static str,
    inputs: Ports,
    outputs: Ports,
    is_sink: bool,
    may_block: bool,
    wants_bounds: bool,
    any_room: bool,
    flushes_early: bool,
    input_manager: Option<InputManagerConfig>,
}

impl Description {
    /// A module without ports.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            summary: "",
            inputs: Ports::none(),
            outputs: Ports::none(),
            is_sink: false,
            may_block: false,
            wants_bounds: false,
            any_room: false,
            flushes_early: false,
            input_manager: None,
        }
    }

    /// One line for lists.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Exactly these input ports.
    #[must_use]
    pub fn inputs(mut self, ports: impl Into<Vec<PortSpec>>) -> Self {
        self.inputs = Ports::Fixed(ports.into());
        self
    }

    /// Exactly these output ports.
    #[must_use]
    pub fn outputs(mut self, ports: impl Into<Vec<PortSpec>>) -> Self {
        self.outputs = Ports::Fixed(ports.into());
        self
    }

    /// Input ports of any number.
    #[must_use]
    pub fn any_inputs(mut self, min: usize, max: Option<usize>, each: PortSpec) -> Self {
        self.inputs = Ports::Any { min, max, each };
        self
    }

    /// Output ports of any number.
    #[must_use]
    pub fn any_outputs(mut self, min: usize, max: Option<usize>, each: PortSpec) -> Self {
        self.outputs = Ports::Any { min, max, each };
        self
    }

    /// It does something of its own, so it runs although nobody consumes its outputs.
    #[must_use]
    pub fn sink(mut self) -> Self {
        self.is_sink = true;
        self
    }

    /// Its `process` may wait for the outside world; other nodes go on meanwhile. A source need not
    /// say so.
    #[must_use]
    pub fn may_block(mut self) -> Self {
        self.may_block = true;
        self
    }

    /// Its `process` is also called when no packet came but a timestamp bound rose.
    #[must_use]
    pub fn wants_bounds(mut self) -> Self {
        self.wants_bounds = true;
        self
    }

    /// It runs when one of its outputs has room, and sends where there is some.
    #[must_use]
    pub fn any_room(mut self) -> Self {
        self.any_room = true;
        self
    }

    /// It calls [`Task::flush_outputs`](bmf_core::Task::flush_outputs).
    #[must_use]
    pub fn flushes_early(mut self) -> Self {
        self.flushes_early = true;
        self
    }

    /// The input policy it needs; graphs may still choose another one.
    #[must_use]
    pub fn input_manager(mut self, manager: impl Into<InputManagerConfig>) -> Self {
        self.input_manager = Some(manager.into());
        self
    }
}

/// The factory of a module type.
pub fn factory<M: ModuleType>() -> Arc<dyn ModuleFactory> {
    let description = M::describe();
    let options = schemars::schema_for!(M::Options).to_value();
    let docs = options.get("description").and_then(Value::as_str);
    Arc::new(Factory::<M> {
        descriptor: ModuleDescriptor {
            name: description.name.to_owned(),
            version: description.version.to_owned(),
            summary: description.summary.to_owned(),
            docs: docs.unwrap_or_default().to_owned(),
            inputs: description.inputs,
            outputs: description.outputs,
            is_sink: description.is_sink,
            may_block: description.may_block,
            wants_bounds: description.wants_bounds,
            any_room: description.any_room,
            flushes_early: description.flushes_early,
            options,
            input_manager: description.input_manager,
            verbs: M::verbs(),
        },
        module: PhantomData,
    })
}

struct Factory<M> {
    descriptor: ModuleDescriptor,
    module: PhantomData<fn() -> M>,
}

impl<M: ModuleType> ModuleFactory for Factory<M> {
    fn descriptor(&self) -> &ModuleDescriptor {
        &self.descriptor
    }

    fn check(&self, options: &Options) -> Vec<OptionIssue> {
        let (parsed, mut issues) = options.check::<M::Options>(&self.descriptor.options);
        if let Some(parsed) = parsed {
            let also = M::validate(&parsed).into_iter();
            // A value that does not fit has been told already.
            let told: Vec<String> = issues.iter().map(|issue| issue.path.clone()).collect();
            issues.extend(also.filter(|issue| !told.contains(&issue.path)));
        }
        issues
    }

    fn create(&self, options: &Options) -> Result<Box<dyn Module>, ModuleError> {
        Ok(Box::new(M::new(options.parse()?)?))
    }

    fn sharing(&self, options: &Options) -> Sharing {
        let options = options.parse::<M::Options>();
        options.map_or(Sharing::Possible, |options| M::sharing(&options))
    }

    fn fuse(&self, chain: &[&Options]) -> Option<Options> {
        M::fuse(chain)
    }

    fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Result<Shorthand, String>> {
        M::shorthand(verb, args)
    }
}
