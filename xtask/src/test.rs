//! `cargo xtask test`: chooses steps, makes the machine fit for them, runs them and tells what came of each. What a
//! step does is in `steps.rs`.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::args::TestArgs;
use crate::deps::{self, Need};
use crate::steps::{STEPS, Step};
use crate::workspace::Workspace;

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

/// Runs the steps that `args` names, or all.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> anyhow::Result<()> {
    let steps = select(&args.steps)?;
    std::env::set_current_dir(&workspace.root)?;
    deps::ensure(&needs(&steps))?;

    let mut outcomes = Vec::new();
    let mut stop = false;
    for step in steps {
        let outcome = if stop {
            Outcome::NotRun
        } else {
            run_step(workspace, step)
        };
        stop |= matches!(outcome, Outcome::Failed(_)) && !args.keep_going;
        outcomes.push((step, outcome));
    }
    println!("\n{}", summary(&outcomes));
    if outcomes
        .iter()
        .any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    {
        bail!("not everything passed");
    }
    Ok(())
}

fn select(names: &[String]) -> anyhow::Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    for name in names {
        if !STEPS.iter().any(|step| step.name == name) {
            let known = STEPS
                .iter()
                .map(|step| step.name)
                .collect::<Vec<_>>()
                .join(", ");
            bail!("there is no step '{name}'; the steps are {known}");
        }
    }
    Ok(STEPS
        .iter()
        .filter(|step| names.iter().any(|name| name == step.name))
        .collect())
}

fn needs(steps: &[&Step]) -> Vec<Need> {
    steps.iter().flat_map(|step| step.needs).copied().collect()
}

fn run_step(workspace: &Workspace, step: &Step) -> Outcome {
    println!("\n== {} ==", step.name);
    let start = Instant::now();
    match (step.run)(workspace) {
        Ok(()) => Outcome::Passed(start.elapsed()),
        Err(error) => {
            eprintln!("{}: {error:#}\n  {}", step.name, step.remedy);
            Outcome::Failed(start.elapsed())
        }
    }
}

/// One line per step; failed ones with what to do, since by then the failure has scrolled away.
fn summary(outcomes: &[(&Step, Outcome)]) -> String {
    let line = |(step, outcome): &(&Step, Outcome)| match outcome {
        Outcome::Passed(time) => {
            format!("  ok       {:8}{:8.1} s\n", step.name, time.as_secs_f64())
        }
        Outcome::Failed(time) => {
            format!(
                "  FAILED   {:8}{:8.1} s   {}\n",
                step.name,
                time.as_secs_f64(),
                step.remedy
            )
        }
        Outcome::NotRun => format!("  not run  {}\n", step.name),
    };
    outcomes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the steps chosen by `line`.
    fn check(line: &str) -> String {
        let names: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        match select(&names) {
            Ok(steps) => steps
                .iter()
                .map(|step| step.name)
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn selection_keeps_the_order_of_ci() {
        insta::assert_snapshot!(check(""), @"fmt tidy clippy doc test loom smoke corpus fuzz soak dynamic template ages memory");
        insta::assert_snapshot!(check("clippy fmt"), @"fmt clippy");
        insta::assert_snapshot!(check("fmt lint"), @"there is no step 'lint'; the steps are fmt, tidy, clippy, doc, test, loom, smoke, corpus, fuzz, soak, dynamic, template, ages, memory");
    }

    #[test]
    fn what_needs_nothing_installs_nothing() {
        let names = ["tidy", "loom"].map(str::to_owned);
        assert_eq!(needs(&select(&names).unwrap()), []);
    }

    #[test]
    fn summary_names_the_remedy() {
        let outcomes = [
            (&STEPS[1], Outcome::Passed(Duration::from_millis(1250))),
            (&STEPS[0], Outcome::Failed(Duration::from_secs(34))),
            (&STEPS[3], Outcome::NotRun),
        ];
        insta::assert_snapshot!(summary(&outcomes), @r"
        ok       tidy         1.2 s
        FAILED   fmt         34.0 s   run `cargo fmt --all`
        not run  doc
        ");
    }
}
