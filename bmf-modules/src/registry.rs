//! The modules of a process by name: those that are linked in, and those in libraries, which are
//! looked for at each look-up and loaded when one is used. How a library is read and loaded is
//! `library`'s, which one is used for a name is `offers`'.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bmf_core::{ModuleDescriptor, ModuleFactory, Shorthand, ShorthandArg, nearest};

use crate::library::cache::Cache;
use crate::library::{self, LibraryInfo};
use crate::missing::{self, Missing};
use crate::offers::{self, Offer, Offers, Place};
use crate::refusal::{Refusal, Refused};
use crate::search::{self, Found, SearchPath, What};
use crate::shown::shown;
use crate::stamp::Stamp;

/// Which module answers to a verb of a one-line graph, and what it makes of it; an `Err` is a message
/// for the user.
pub type Answer = (Arc<dyn ModuleFactory>, Result<Shorthand, String>);

/// The modules that graphs may use, by name. Clones are the same registry; it may be used from any
/// thread.
///
/// Each look-up sees what lies in the directories of the search path at that moment: a library that
/// was dropped in is found, and of one that was replaced the new build is loaded beside the old one.
/// Instances of the old build go on; nothing is ever unloaded. A library that cannot be used is
/// [refused](Self::refused) with its reason, and looked at again when it changes; where the reason may
/// pass without that (what it needs was not there), also when a module is missed or all are listed.
///
/// Of several modules of one name the one with the highest rank is used, of equal ranks the one that
/// is linked in, then the one that is found first. Linked-in modules have rank 0.
#[derive(Clone, Default)]
pub struct Registry {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    path: SearchPath,
    /// Opened when first needed.
    cache: OnceLock<Cache>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    linked: BTreeMap<String, Arc<dyn ModuleFactory>>,
    /// What lies in the directories, in the order of the search path.
    libraries: Vec<Library>,
    offers: Offers,
    /// Clashes of names that were told.
    told: HashSet<String>,
}

struct Library {
    found: Found,
    outcome: Outcome,
}

type Outcome = Result<Arc<LibraryInfo>, Refusal>;

/// A module, as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What graphs call it: the descriptor's name, unless a `meta.info` gives it another one.
    pub name: String,
    /// What it says of itself.
    pub descriptor: ModuleDescriptor,
    /// Where it is.
    pub origin: Origin,
    /// The rank of its library.
    pub rank: i32,
    /// Whether another module of this name is used instead.
    pub is_overridden: bool,
}

/// Where a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the program itself.
    Program,
    /// In a library.
    Library(PathBuf),
}

/// `linked in`, or the path.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("linked in"),
            Self::Library(path) => f.write_str(&shown(path)),
        }
    }
}

impl Registry {
    /// A registry without modules, which looks nowhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry that looks for libraries in these directories.
    pub fn searching(path: SearchPath) -> Self {
        let shared = Shared {
            path,
            ..Shared::default()
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Where it looks.
    pub fn search_path(&self) -> &SearchPath {
        &self.shared.path
    }

    /// Adds a linked-in module under the name in its descriptor; the newer one of equal names wins.
    pub fn add(&self, factory: Arc<dyn ModuleFactory>) {
        let name = factory.descriptor().name.clone();
        self.lock().linked.insert(name, factory);
    }

    /// The module called `name`. Its library is loaded, if it was not before.
    pub fn get(&self, name: &str) -> Option<Arc<dyn ModuleFactory>> {
        self.find(name).ok()
    }

    /// As [`get`](Self::get), with what to tell the user where there is none.
    ///
    /// # Errors
    /// When no module that can be used has this name.
    pub fn find(&self, name: &str) -> Result<Arc<dyn ModuleFactory>, Missing> {
        let mut refused = Vec::new();
        let mut state = self.with(name);
        state.tell_clashes(name);
        loop {
            let Some(offer) = state.choose(name) else {
                return Err(state.missing(name, refused));
            };
            let (path, stamp) = match &offer.place {
                Place::Program => match state.linked.get(name) {
                    Some(factory) => return Ok(Arc::clone(factory)),
                    None => return Err(state.missing(name, refused)),
                },
                Place::Library { path, stamp, .. } => (path.clone(), *stamp),
            };
            // Loading may take a while, and others need not wait for it.
            drop(state);
            let reason = match self.load(&path, stamp, &offer) {
                Ok(factory) => return Ok(factory),
                Err(reason) => reason,
            };
            let cache = self.cache();
            cache.put(&path, stamp, Err(reason.clone()), Vec::new());
            cache.save();
            state = self.lock();
            state.refuse(&path, stamp, &reason);
            refused.push(Refused { path, reason });
        }
    }

    fn load(
        &self,
        path: &Path,
        stamp: Stamp,
        offer: &Offer,
    ) -> Result<Arc<dyn ModuleFactory>, Refusal> {
        let loaded = library::load(path, stamp, self.cache().file())?;
        let module = loaded.module(offer.plugin, &offer.module);
        module.ok_or_else(|| loaded.info().without(&[&offer.module]))
    }

    /// The first module with one of these `names` out of the library at `path`, whether or not it
    /// lies in the search path. What `module_info` of a graph names by `path` and `entry`.
    ///
    /// # Errors
    /// When the library cannot be used, or has no such module.
    pub fn find_in(&self, path: &Path, names: &[&str]) -> Result<Arc<dyn ModuleFactory>, Refused> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let find = || {
            let loaded = library::load(&path, search::build_of(&path)?, self.cache().file())?;
            let info = loaded.info();
            let position = info.position(names);
            let module = position.and_then(|(plugin, name)| loaded.module(plugin, name));
            module.ok_or_else(|| info.without(names))
        };
        find().map_err(|reason| Refused {
            path: path.clone(),
            reason,
        })
    }

    /// Loads a library, or the one that the `meta.info` in a folder leads to, wherever it lies, to
    /// see whether it can be used.
    ///
    /// # Errors
    /// When it cannot.
    pub fn examine(&self, path: &Path) -> Result<LibraryInfo, Refused> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let described = path.is_dir().then(|| search::in_module_folder(&path));
        let found = described.flatten().unwrap_or_else(|| Found::named(&path));
        let cache = self.cache().file();
        let examined = match &found.what {
            What::Refused(reason) => Err(reason.clone()),
            What::Library(stamp) | What::Described(stamp, _) => {
                let loaded = library::load(&found.path, *stamp, cache);
                fitting(&found, loaded.map(|loaded| loaded.info())).and_then(with_a_module)
            }
        };
        examined.map_err(|reason| Refused {
            path: found.path.clone(),
            reason,
        })
    }

    /// What is known of the module called `name`; its library is not loaded for that.
    pub fn describe(&self, name: &str) -> Option<Listed> {
        let state = self.with(name);
        let offer = state.choose(name)?;
        state.listed(name, &offer, false)
    }

    /// What to tell the user of a name that no module has.
    pub fn missing(&self, name: &str) -> Missing {
        self.current().missing(name, Vec::new())
    }

    /// All modules, sorted by name, those that are used before those that they override.
    pub fn list(&self) -> Vec<Listed> {
        let state = self.look(true);
        let names = state.names();
        let all = names.iter().flat_map(|name| {
            let offers = state.offers_of(name).into_iter().enumerate();
            offers.filter_map(|(place, offer)| state.listed(name, &offer, place > 0))
        });
        all.collect()
    }

    /// What lies in the search path and is not used.
    pub fn refused(&self) -> Vec<Refused> {
        self.look(true).refused()
    }

    /// The names of all modules, sorted.
    pub fn names(&self) -> Vec<String> {
        self.current().names()
    }

    /// The known name nearest to `typed`, for messages.
    pub fn nearest(&self, typed: &str) -> Option<String> {
        let names = self.names();
        nearest(typed, names.iter().map(String::as_str)).map(str::to_owned)
    }

    /// All that a one-line graph may start a part with: names of modules, and after them verbs.
    pub fn verbs(&self) -> Vec<String> {
        let state = self.current();
        let mut words = state.names();
        let mut verbs = Vec::new();
        for name in &words {
            let offer = state.choose(name);
            let module = offer
                .as_ref()
                .and_then(|offer| state.descriptor(name, offer));
            verbs.extend(module.iter().flat_map(|module| module.verbs.clone()));
        }
        words.append(&mut verbs);
        words
    }

    /// The module that answers to `verb` in a one-line graph; the first one by name if several do.
    pub fn shorthand(&self, verb: &str, args: &[ShorthandArg]) -> Option<Answer> {
        let answer = |again: bool| {
            let candidates = self.look(again).that_may_answer(verb);
            candidates.into_iter().find_map(|(name, linked)| {
                let factory = linked.or_else(|| self.get(&name))?;
                let shorthand = factory.shorthand(verb, args)?;
                Some((factory, shorthand))
            })
        };
        answer(false).or_else(|| answer(true))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> &Cache {
        let Shared { path, cache, .. } = &*self.shared;
        cache.get_or_init(|| Cache::open(path.cache().map(Path::to_owned)))
    }

    /// The state, after a look at the directories.
    fn current(&self) -> MutexGuard<'_, State> {
        self.look(false)
    }

    /// The state, after a closer look if it has no module of this name.
    fn with(&self, name: &str) -> MutexGuard<'_, State> {
        let state = self.current();
        if state.choose(name).is_some() {
            return state;
        }
        drop(state);
        self.look(true)
    }

    /// Looks at the directories, `again` also at libraries whose reason to be refused may have passed.
    fn look(&self, again: bool) -> MutexGuard<'_, State> {
        let state = self.lock();
        if self.shared.path.directories().next().is_none() {
            return state;
        }
        let found = search::scan(&self.shared.path);
        if state.is_all(&found, again) {
            return state;
        }
        let known: Vec<_> = found
            .iter()
            .map(|found| state.outcome(found, again))
            .collect();
        // Loading may take a while, and others need not wait for it.
        drop(state);
        let cache = self.cache();
        let libraries = found.into_iter().zip(known).map(|(found, known)| {
            let outcome = known.unwrap_or_else(|| examine(&found, cache));
            Library { found, outcome }
        });
        let libraries = libraries.collect();
        cache.save();
        let mut state = self.lock();
        state.libraries = libraries;
        state.collect_offers();
        state
    }
}

impl State {
    /// Whether just this is known.
    fn is_all(&self, found: &[Found], again: bool) -> bool {
        let known = self.libraries.iter().map(|library| &library.found);
        found.iter().eq(known) && !(again && self.libraries.iter().any(Library::may_pass))
    }

    /// What is known of it.
    fn outcome(&self, found: &Found, again: bool) -> Option<Outcome> {
        let mut known = self.libraries.iter();
        let known = known.find(|library| library.found == *found)?;
        (!again || !known.may_pass()).then(|| known.outcome.clone())
    }

    fn collect_offers(&mut self) {
        let usable = self.libraries.iter().filter_map(|library| {
            let info = library.outcome.as_ref().ok()?;
            Some((&library.found, info))
        });
        self.offers = Offers::of(usable);
    }

    /// A library turned out not to be usable when it was loaded.
    fn refuse(&mut self, path: &Path, stamp: Stamp, reason: &Refusal) {
        for library in &mut self.libraries {
            if library.found.path == path && library.found.stamp() == Some(stamp) {
                library.outcome = Err(reason.clone());
            }
        }
        self.collect_offers();
    }

    /// All modules of a name, the one that is used first.
    fn offers_of(&self, name: &str) -> Vec<Offer> {
        self.offers.of_name(name, self.linked.contains_key(name))
    }

    /// The module that is used for a name.
    fn choose(&self, name: &str) -> Option<Offer> {
        self.offers_of(name).into_iter().next()
    }

    /// Tells, once each, which other modules have a name.
    fn tell_clashes(&mut self, name: &str) {
        for clash in offers::clashes(name, &self.offers_of(name)) {
            if self.told.insert(clash.clone()) {
                log::warn!("{clash}");
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.linked.keys().cloned().collect();
        names.extend(self.offers.names().map(str::to_owned));
        names.sort();
        names.dedup();
        names
    }

    fn refused(&self) -> Vec<Refused> {
        let refused = self.libraries.iter().flat_map(|library| {
            let refused = |reason| Refused {
                path: library.found.path.clone(),
                reason,
            };
            library.reasons().into_iter().map(refused)
        });
        refused.collect()
    }

    fn missing(&self, name: &str, refused: Vec<Refused>) -> Missing {
        missing::explain(name, &self.names(), &refused, &self.refused())
    }

    fn descriptor<'a>(&'a self, name: &str, offer: &'a Offer) -> Option<&'a ModuleDescriptor> {
        match &offer.place {
            Place::Program => Some(self.linked.get(name)?.descriptor()),
            Place::Library { info, .. } => info.module(offer.plugin, &offer.module),
        }
    }

    fn listed(&self, name: &str, offer: &Offer, is_overridden: bool) -> Option<Listed> {
        Some(Listed {
            name: name.to_owned(),
            descriptor: self.descriptor(name, offer)?.clone(),
            origin: offer.origin(),
            rank: offer.rank,
            is_overridden,
        })
    }

    /// The modules that say they answer to a verb, by name. Those in the program are asked in any
    /// case: it costs nothing.
    fn that_may_answer(&self, verb: &str) -> Vec<(String, Option<Arc<dyn ModuleFactory>>)> {
        let candidate = |name: String| {
            let offer = self.choose(&name)?;
            if offer.place == Place::Program {
                let linked = self.linked.get(&name).cloned();
                return Some((name, linked));
            }
            let descriptor = self.descriptor(&name, &offer)?;
            let answers = descriptor.verbs.iter().any(|known| known == verb);
            answers.then_some((name, None))
        };
        self.names().into_iter().filter_map(candidate).collect()
    }
}

impl Library {
    /// Whether its reason to be refused may have passed.
    fn may_pass(&self) -> bool {
        let is_there = self.found.stamp().is_some();
        is_there && self.outcome.as_ref().is_err_and(Refusal::may_pass)
    }

    /// Why it is refused, or modules of it are.
    fn reasons(&self) -> Vec<Refusal> {
        match (&self.outcome, &self.found.what) {
            (Err(reason), _) => vec![reason.clone()],
            // Of its modules only one counts, and that one does.
            (Ok(_), What::Described(..)) => Vec::new(),
            (Ok(info), _) => info.refused().map(Refusal::from).collect(),
        }
    }
}

fn examine(found: &Found, cache: &Cache) -> Outcome {
    match &found.what {
        What::Refused(reason) => Err(reason.clone()),
        What::Library(stamp) | What::Described(stamp, _) => {
            let info = library::examine(&found.path, *stamp, cache);
            fitting(found, info).map(Arc::new)
        }
    }
}

/// A library that is good for anything.
fn with_a_module(info: LibraryInfo) -> Result<LibraryInfo, Refusal> {
    let is_empty = info.plugins.iter().all(|plugin| plugin.modules.is_empty());
    let unfit = info.refused().next().filter(|_| is_empty);
    match unfit.map(Refusal::from) {
        Some(unfit) => Err(unfit),
        None => Ok(info),
    }
}

/// A library, if it has what its `meta.info` says.
fn fitting(found: &Found, info: Result<LibraryInfo, Refusal>) -> Result<LibraryInfo, Refusal> {
    let What::Described(_, meta) = &found.what else {
        return info;
    };
    let info = info.map_err(|reason| match reason {
        // Such files come from BMF.
        Refusal::NoPlugin => Refusal::BmfModule,
        other => other,
    })?;
    let names = [meta.name.as_str(), &meta.class];
    match info.position(&names) {
        Some(_) => Ok(info),
        None => Err(info.without(&names)),
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Registry")
            .field("linked", &state.linked.keys().collect::<Vec<_>>())
            .field("search_path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
