//! What to tell a user whose module is not there: a slip of the hand, or a library that was refused.

use bmf_core::nearest;
use thiserror::Error;

use crate::refusal::{Refusal, Refused};

/// No module that can be used has the name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no module \"{name}\"")]
pub struct Missing {
    /// The name.
    pub name: String,
    /// What the user can do.
    pub hint: String,
    /// A library that was refused and could have been the one.
    pub refused: Option<Box<Refused>>,
}

/// Explains why there is no module called `name`. `tried` are libraries that had it and could not be
/// loaded, `refused` all that cannot.
pub(crate) fn explain(
    name: &str,
    known: &[String],
    tried: &[Refused],
    refused: &[Refused],
) -> Missing {
    let culprit = tried
        .last()
        .or_else(|| refused.iter().find(|refused| is_like(refused, name)))
        .cloned();
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = match (&culprit, near) {
        (Some(refused), Some(near)) => format!("{refused}; or did you mean \"{near}\"?"),
        (Some(refused), None) => refused.to_string(),
        (None, Some(near)) => format!("did you mean \"{near}\"?"),
        (None, None) => {
            "`bmf modules` lists the modules there are, and where they are looked for".to_owned()
        }
    };
    Missing {
        name: name.to_owned(),
        hint,
        refused: culprit.map(Box::new),
    }
}

/// Whether a library's name says that the module could be in it.
fn is_like(refused: &Refused, name: &str) -> bool {
    if let Refusal::UnfitModule { module, .. } = &refused.reason {
        return module == name;
    }
    let path = &refused.path;
    let is_meta = path.file_name().is_some_and(|file| file == "meta.info");
    let stem = match is_meta {
        true => path.parent().and_then(|folder| folder.file_name()),
        false => path.file_stem(),
    };
    let stem = stem.unwrap_or_default().to_string_lossy();
    let stem = stem.strip_prefix("Module_").unwrap_or(&stem);
    let stem = stem.strip_prefix("lib").unwrap_or(stem);
    let (stem, name) = (fold(stem), fold(name));
    stem == name
        || (name.len() > 2 && stem.contains(&name))
        || (stem.len() > 2 && name.contains(&stem))
        || nearest(&name, [stem.as_str()]).is_some()
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;

    fn check(name: &str, library: &str) -> String {
        let refused = Refused {
            path: library.into(),
            reason: Refusal::Empty,
        };
        let known = ["blur".to_owned()];
        explain(name, &known, &[], &[refused]).hint
    }

    #[test]
    fn libraries_of_like_names_are_blamed() {
        insta::assert_snapshot!(check("edge_detect", "/m/libedge-detect.so"), @"/m/libedge-detect.so is empty; copy it again");
        insta::assert_snapshot!(check("edge", "/m/libedge_modules.so"), @"/m/libedge_modules.so is empty; copy it again");
        insta::assert_snapshot!(check("egde", "/m/libedge.so"), @"/m/libedge.so is empty; copy it again");
        insta::assert_snapshot!(check("edge", "/m/Module_edge/meta.info"), @"/m/Module_edge/meta.info is empty; copy it again");
    }

    #[test]
    fn else_the_nearest_name_is_told() {
        insta::assert_snapshot!(check("blurr", "/m/libblurry.so"), @r#"/m/libblurry.so is empty; copy it again; or did you mean "blur"?"#);
        insta::assert_snapshot!(check("blurr", "/m/libx.so"), @r#"did you mean "blur"?"#);
        insta::assert_snapshot!(check("sharpen", "/m/libx.so"), @"`bmf modules` lists the modules there are, and where they are looked for");
    }
}
