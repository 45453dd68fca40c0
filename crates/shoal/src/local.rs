//! `shoal cluster`: a local cluster as a developer wants it, and the cluster manager.

mod demo;
mod down;
mod form;
mod node;
mod plan;
mod process;
mod status;
mod up;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use plan::Wanted;

/// Where a cluster lives unless `--dir` says otherwise.
const DIRECTORY: &str = "shoal-cluster";

/// What `up`, `status`, `demo` and `down` are told.
#[derive(Debug)]
struct Words {
    wanted: Wanted,
    directory: PathBuf,
    demo: bool,
    failover: bool,
    wipe: bool,
}

/// Runs `shoal cluster` with these words.
pub fn main(args: Vec<OsString>) -> ExitCode {
    let command = args.first().map(|word| word.to_string_lossy().into_owned());
    let run: fn(&Words) -> Result<bool, String> = match command.as_deref() {
        Some("up") => up::run,
        Some("status") => status::run,
        Some("demo") => up::run_demo,
        Some("down") => down::run,
        Some("--help" | "-h") | None => {
            print!("{}", crate::help::text());
            return ExitCode::from(u8::from(command.is_none()));
        }
        _ => return cli::cluster::main(args),
    };
    match parse(&args[1..]).and_then(|words| run(&words)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("shoal cluster: {text}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[OsString]) -> Result<Words, String> {
    let mut words = Words {
        wanted: Wanted::default(),
        directory: PathBuf::from(DIRECTORY),
        demo: false,
        failover: false,
        wipe: false,
    };
    let mut args = args.iter();
    while let Some(word) = args.next() {
        let name = word.to_string_lossy().into_owned();
        let mut number = |lowest: u16, highest: u16| {
            let text = args
                .next()
                .map(|value| value.to_string_lossy().into_owned());
            let parsed = text.as_deref().and_then(|text| text.parse().ok());
            parsed
                .filter(|number| (lowest..=highest).contains(number))
                .map(Some)
                .ok_or_else(|| {
                    format!(
                        "{name} wants a number from {lowest} to {highest}, not '{}'.",
                        text.unwrap_or_default()
                    )
                })
        };
        match name.as_str() {
            "--masters" => words.wanted.masters = number(1, 200)?,
            "--replicas" => words.wanted.replicas = number(0, 10)?,
            "--port" => words.wanted.port = number(1, 55_000)?,
            "--workers" => words.wanted.workers = number(1, 128)?,
            "--dir" => {
                let value = args.next().ok_or("--dir wants a directory.")?;
                words.directory = PathBuf::from(value);
            }
            "--demo" => words.demo = true,
            "--failover" => words.failover = true,
            "--wipe" => words.wipe = true,
            other => return Err(format!("there is no option '{other}'. See 'shoal --help'.")),
        }
    }
    Ok(words)
}

/// The words that name this cluster in a command; none when it is where commands look for it.
fn directory_words(directory: &Path) -> String {
    if directory == Path::new(DIRECTORY) {
        String::new()
    } else {
        format!(" --dir {}", directory.display())
    }
}
