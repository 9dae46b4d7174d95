//! The workspace's driver, `cargo xtask <command>`: one file per command. It touches no media itself and depends on no
//! crate of the workspace, so it builds on a machine that has only Rust.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its terminal"
)]

mod args;
mod workspace;

mod ages;
mod bench;
mod bench_media;
mod build;
mod corpus;
mod demo;
mod dist;
mod fuzz;
mod header;
mod new_module;
mod soak;
mod test;
mod tidy;

mod damage;
mod deps;
mod measure;
mod plugins;
mod sh;
mod steps;

use std::process::ExitCode;

use crate::args::Command;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    let command = match args::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    if command == Command::Help {
        println!("{}", args::HELP);
        return Ok(());
    }
    let workspace = Workspace::find()?;
    match command {
        Command::Help => Ok(()),
        Command::Test(what) => test::run(&workspace, &what),
        Command::Demo => demo::run(&workspace),
        Command::Build(what) => build::run(&workspace, what),
        Command::Dist => dist::run(&workspace),
        Command::NewModule(what) => new_module::run(&workspace, &what),
        Command::Corpus(what) => corpus::run(&workspace, &what),
        Command::Fuzz(what) => fuzz::run(&workspace, &what),
        Command::Soak(what) => soak::run(&workspace, &what),
        Command::Tidy => tidy::run(&workspace),
        Command::Header { check } => header::run(&workspace, check),
        Command::Bench(what) => bench::run(&workspace, what),
    }
}
