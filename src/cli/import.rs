//! `sexton import`: definitions from elsewhere.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono_tz::Tz;
use miette::{IntoDiagnostic, WrapErr};

use super::argument;
use crate::job::import::{Imported, agnes, crontab, vercel};

/// Turn a crontab, vercel.json or the environment of agnes into a jobs.toml
///
/// The result goes to standard output and passes `sexton check`. What does not carry over is a comment in it and a line on
/// standard error. A secret that is found on the way is never written: you are told which variable to set.
///
/// Example: crontab -l | sexton import crontab - > jobs.toml
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the definitions come from
    #[command(subcommand)]
    pub from: From,
}

/// Where the definitions come from.
#[derive(Debug, clap::Subcommand)]
pub enum From {
    /// A user's or the system's crontab: lines that call curl or wget become jobs
    Crontab {
        /// The crontab; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The zone of the machine it ran on, such as Europe/Prague
        #[arg(long, value_name = "ZONE", value_parser = argument::zone)]
        timezone: Option<Tz>,
    },
    /// The crons of a vercel.json
    Vercel {
        /// The vercel.json; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The address of the app, which the file does not hold
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
        base_url: String,
    },
    /// The .env of an agnes scheduler: its table of jobs with its SCHEDULER_* variables
    Agnes {
        /// The .env; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The address of the app, when the file sets no API_URL
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
        base_url: String,
    },
}

/// The three streams of the process.
pub struct Streams<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
}

/// Runs the command. Exits 2 when the file is none of its kind.
///
/// # Errors
/// A file that cannot be read, or a stream that cannot be written.
pub fn run(args: &Args, streams: &mut Streams) -> miette::Result<ExitCode> {
    let imported = match &args.from {
        From::Crontab { file, timezone } => Ok(crontab(&read(file, streams.input)?, *timezone)),
        From::Vercel { file, base_url } => vercel(&read(file, streams.input)?, base_url),
        From::Agnes { file, base_url } => agnes(&read(file, streams.input)?, base_url),
    };
    match imported {
        Ok(Imported { text, lost }) => {
            streams.out.write_all(text.as_bytes()).into_diagnostic()?;
            for lost in lost {
                writeln!(streams.err, "not carried over: {lost}").into_diagnostic()?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(streams.err, "error: {error}").into_diagnostic()?;
            Ok(ExitCode::from(2))
        }
    }
}

fn read(file: &Path, input: &mut dyn Read) -> miette::Result<String> {
    if file == Path::new("-") {
        return std::io::read_to_string(input).into_diagnostic().wrap_err("cannot read standard input");
    }
    fs::read_to_string(file).into_diagnostic().wrap_err_with(|| format!("cannot read {}", file.display()))
}
