//! Which of several modules of one name is used. Looks at nothing but ranks and order.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::library::LibraryInfo;
use crate::registry::Origin;
use crate::search::{Found, What};
use crate::stamp::Stamp;

/// A module that could be used for a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offer {
    pub(crate) place: Place,
    pub(crate) rank: i32,
    /// Which plugin of its library.
    pub(crate) plugin: usize,
    /// Its name in its library.
    pub(crate) module: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Program,
    Library {
        path: PathBuf,
        stamp: Stamp,
        info: Arc<LibraryInfo>,
    },
}

impl Offer {
    pub(crate) fn origin(&self) -> Origin {
        match &self.place {
            Place::Program => Origin::Program,
            Place::Library { path, .. } => Origin::Library(path.clone()),
        }
    }

    fn of_program(name: &str) -> Self {
        Self {
            place: Place::Program,
            rank: 0,
            plugin: 0,
            module: name.to_owned(),
        }
    }
}

/// The modules of all libraries, by name, those that are used before those that they override.
#[derive(Debug, Default)]
pub(crate) struct Offers(BTreeMap<String, Vec<Offer>>);

impl Offers {
    /// Those of these libraries, which come in the order of the search path.
    pub(crate) fn of<'a>(
        libraries: impl Iterator<Item = (&'a Found, &'a Arc<LibraryInfo>)>,
    ) -> Self {
        let mut offers = Self::default();
        for (found, info) in libraries {
            match &found.what {
                What::Library(stamp) => offers.add_all(found, *stamp, info),
                What::Described(stamp, meta) => {
                    if let Some((plugin, module)) = info.position(&[&meta.name, &meta.class]) {
                        offers.add(&meta.name, found, *stamp, info, plugin, module);
                    }
                }
                What::Refused(_) => {}
            }
        }
        for of_name in offers.0.values_mut() {
            of_name.sort_by_key(|offer| Reverse(offer.rank));
        }
        offers
    }

    fn add_all(&mut self, found: &Found, stamp: Stamp, info: &Arc<LibraryInfo>) {
        for (index, plugin) in info.plugins.iter().enumerate() {
            for module in &plugin.modules {
                self.add(&module.name, found, stamp, info, index, &module.name);
            }
        }
    }

    fn add(
        &mut self,
        name: &str,
        found: &Found,
        stamp: Stamp,
        info: &Arc<LibraryInfo>,
        plugin: usize,
        module: &str,
    ) {
        let offer = Offer {
            place: Place::Library {
                path: found.path.clone(),
                stamp,
                info: Arc::clone(info),
            },
            rank: info.plugins.get(plugin).map_or(0, |plugin| plugin.rank),
            plugin,
            module: module.to_owned(),
        };
        self.0.entry(name.to_owned()).or_default().push(offer);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All of one name, with the program's own among them if it has one.
    pub(crate) fn of_name(&self, name: &str, is_linked: bool) -> Vec<Offer> {
        let mut offers = self.0.get(name).cloned().unwrap_or_default();
        if is_linked {
            let place = offers.partition_point(|offer| offer.rank > 0);
            offers.insert(place, Offer::of_program(name));
        }
        offers
    }
}

/// What is told when several modules have the name of `used`; each clash on a line.
pub(crate) fn clashes(name: &str, offers: &[Offer]) -> Vec<String> {
    let Some((used, others)) = offers.split_first() else {
        return Vec::new();
    };
    let tell = |other: &Offer| {
        let (here, there) = (used.origin(), other.origin());
        if here == there {
            format!("{here} has two modules \"{name}\"; the first is used")
        } else if used.rank != other.rank {
            let (high, low) = (used.rank, other.rank);
            format!(
                "module \"{name}\" is taken from {here} (rank {high}); {there} has it too (rank {low})"
            )
        } else if here == Origin::Program {
            format!("module \"{name}\" is the one that is linked in; {there} has it too")
        } else {
            format!(
                "module \"{name}\" is taken from {here}, which is found first; {there} has it too"
            )
        }
    };
    others.iter().map(tell).collect()
}
