//! The command line: one file per command.
//!
//! Exit codes: 0 fine, 1 the thing failed, 2 usage or bad definitions.

#[cfg(feature = "reference-app")]
pub mod app;
mod argument;
mod backfill;
mod backup;
mod cancel;
pub mod check;
mod client;
mod definitions;
#[cfg(feature = "reference-app")]
mod demo;
mod doctor;
pub mod edit;
mod explain;
mod fire;
mod firing;
mod healthcheck;
pub mod import;
mod ledger;
mod list;
mod log;
pub mod next;
mod origin;
mod output;
mod pause;
mod plan;
mod private_file;
mod reload;
mod replace;
mod run;
mod runs;
pub mod schema;
pub mod secret;
pub mod setting;
mod settle;
mod show;
mod sidecar;
mod signals;
mod simulate;
mod table;
pub mod token;
mod verify;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, Subcommand};
use miette::MietteHandlerOpts;

use crate::{
    clock::SystemClock,
    config::{self, Environment},
    entropy::Entropy,
};
use output::Output;
use setting::{Screen, Setting};

const AFTER_HELP: &str = "\
First steps:
  sexton demo                  see it work: an app, git repositories, a schedule
  sexton check jobs.toml       what is wrong with a file, and when its jobs fire
  sexton run                   the sidecar; SCHEDULER_API_TOKEN holds the secret

Exit codes: 0 fine, 1 the thing failed, 2 usage or bad definitions.";

/// Fires HTTP jobs on time, each with its own timeout, and keeps a ledger of every occurrence.
#[derive(Debug, Parser)]
#[command(name = "sexton", version, about, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    #[cfg(feature = "reference-app")]
    Demo(demo::Args),
    #[cfg(feature = "reference-app")]
    App(app::Args),
    Check(check::Args),
    Next(next::Args),
    Explain(explain::Args),
    Simulate(simulate::Args),
    Plan(plan::Args),
    Doctor(doctor::Args),
    Add(edit::AddArgs),
    Set(edit::SetArgs),
    Remove(edit::RemoveArgs),
    Import(import::Args),
    Schema(schema::Args),
    List(list::Args),
    Runs(runs::Args),
    Show(show::Args),
    Fire(fire::Args),
    Cancel(cancel::Args),
    Settle(settle::Args),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Backfill(backfill::Args),
    Verify(verify::Args),
    Backup(backup::Args),
    Secret(secret::SecretArgs),
    Token(token::TokenArgs),
    Healthcheck(healthcheck::Args),
}

/// Reads the command line, runs the command, and says how it went.
#[must_use]
pub fn main() -> ExitCode {
    show_whole_lines();
    let environment = Environment::of_process();
    let mut out = Output::standard();
    match run(Cli::parse().command, &environment, &mut out) {
        Ok(code) => code,
        Err(_) if out.reader_is_gone() => ExitCode::SUCCESS,
        Err(report) => {
            tell(&format!("{report:?}"));
            report.downcast_ref::<client::NoAnswer>().map_or(ExitCode::FAILURE, client::NoAnswer::exit_code)
        }
    }
}

/// Of what goes wrong. An id or a path that is wrapped cannot be copied; a terminal wraps by itself.
fn show_whole_lines() {
    drop(miette::set_hook(Box::new(|_| Box::new(MietteHandlerOpts::new().wrap_lines(false).build()))));
}

fn run(command: Command, environment: &Environment, out: &mut dyn Write) -> miette::Result<ExitCode> {
    let overrides = match config::overrides(environment) {
        Ok(overrides) => overrides,
        Err(error) => return Ok(usage_error(&error)),
    };
    let lookup = |name: &str| environment.get(name);
    let screen = screen(environment);
    let setting = Setting { environment: &lookup, overrides: &overrides, clock: &SystemClock, screen };
    match command {
        Command::Run(args) => run::run(args, environment),
        #[cfg(feature = "reference-app")]
        Command::Demo(args) => demo::run(&args, environment),
        #[cfg(feature = "reference-app")]
        Command::App(args) => app::start(args, environment),
        Command::Check(args) => check::run(&args, &setting, out),
        Command::Next(args) => next::run(&args, &setting, out),
        Command::Explain(args) => explain::run(&args, &setting, out),
        Command::Simulate(args) => simulate::run(&args, environment, &setting, out),
        Command::Plan(args) => plan::run(&args, environment, &setting, out),
        Command::Doctor(args) => doctor::run(&args, environment, screen, out),
        Command::Add(args) => edit::add(&args, &setting, out),
        Command::Set(args) => edit::set(&args, &setting, out),
        Command::Remove(args) => edit::remove(&args, &setting, out),
        Command::Import(args) => {
            import::run(&args, &mut import::Streams { input: &mut io::stdin(), out, err: &mut io::stderr() })
        }
        Command::Schema(args) => schema::run(&args, out),
        Command::List(args) => list::run(&args, environment, &setting, out),
        Command::Runs(args) => runs::run(&args, environment, screen, out),
        Command::Show(args) => show::run(&args, environment, screen, out),
        Command::Fire(args) => fire::run(&args, environment, out),
        Command::Cancel(args) => cancel::run(&args, environment, out),
        Command::Settle(args) => settle::run(&args, environment, out),
        Command::Pause(args) => pause::pause(&args, environment, out),
        Command::Resume(args) => pause::resume(&args, environment, out),
        Command::Backfill(args) => backfill::run(&args, environment, out),
        Command::Verify(args) => verify::run(&args, environment, screen, out),
        Command::Backup(args) => backup::run(&args, environment, out),
        Command::Secret(args) => secret::run(args, lookup, Entropy::System, out),
        Command::Token(args) => {
            let (clock, input) = (Arc::new(SystemClock), &mut io::stdin());
            let around = token::Surroundings { environment: &lookup, clock, entropy: Entropy::System, input };
            token::run(args, around, out)
        }
        Command::Healthcheck(args) => healthcheck::run(&args, out),
    }
}

/// Colour only on a terminal, and not where the user asked for none.
fn screen(environment: &Environment) -> Screen {
    if io::stdout().is_terminal() {
        Screen::Terminal { color: environment.get("NO_COLOR").is_none_or(|value| value.is_empty()) }
    } else {
        Screen::Pipe
    }
}

/// Says what was used wrongly; exit code 2.
fn usage_error(error: &dyn std::error::Error) -> ExitCode {
    tell(&format!("error: {error}"));
    ExitCode::from(2)
}

/// A line for people, on standard error.
fn tell(text: &str) {
    drop(writeln!(io::stderr(), "{}", text.trim_end()));
}

/// Shows on a terminal, in one line, that long work goes on.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        drop(write!(io::stderr(), "\r\x1b[K{text}"));
    }
}
