//! Finds and holds modules. Makes no instance by itself and runs nothing.
#![doc = include_str!("../README.md")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bmf_core::{ModuleFactory, Shorthand, ShorthandArg, nearest};

/// Which module answers to a verb of a one-line graph, and what it makes of it; an `Err` is a message
/// for the user.
pub type Answer<'a> = (&'a Arc<dyn ModuleFactory>, Result<Shorthand, String>);

/// The modules that graphs of this process may use, by name.
///
/// Clones share the factories.
#[derive(Clone, Default)]
pub struct Registry {
    factories: BTreeMap<String, Arc<dyn ModuleFactory>>,
}

impl Registry {
    /// A registry without modules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a module under the name in its descriptor; the newer one of equal names wins.
    pub fn add(&mut self, factory: Arc<dyn ModuleFactory>) {
        let name = factory.descriptor().name.clone();
        self.factories.insert(name, factory);
    }

    /// The module called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn ModuleFactory>> {
        self.factories.get(name)
    }

    /// The names of all modules, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// All modules, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn ModuleFactory>> {
        self.factories.values()
    }

    /// The known name nearest to `typed`, for messages.
    pub fn nearest(&self, typed: &str) -> Option<&str> {
        nearest(typed, self.names())
    }

    /// All that a one-line graph may start a part with: verbs and names of modules.
    pub fn verbs(&self) -> Vec<String> {
        let verbs = self
            .factories
            .values()
            .flat_map(|factory| factory.descriptor().verbs.clone());
        self.names().map(str::to_owned).chain(verbs).collect()
    }

    /// The module that answers to `verb` in a one-line graph; the first one by name if several do.
    pub fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Answer<'_>> {
        self.factories
            .values()
            .find_map(|factory| Some((factory, factory.shorthand(verb, args)?)))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
