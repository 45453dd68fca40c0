//! Development commands, run as `cargo xtask COMMAND`.
#![forbid(unsafe_code)]

mod arguments;
mod chaos;
mod ci;
mod conformance;
mod fetch;
mod figures;
mod instructions;
mod run;
mod simulate;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::Arguments;

const HELP: &str = "\
usage: cargo xtask COMMAND

  ci [--only STEP,STEP]     all that must pass: fmt, clippy, tidy, build, test, conformance
  tidy                      check the rules of the house
  peers [DIR] [--refresh]   fetch the real servers that the tests compare with (default: peers)
  clients [DIR] [--refresh] fetch the stock clients that the tests write with (default: clients)
  suite [DIR] [--refresh]   fetch the upstream test suite (default: suite)
  conformance               run the upstream suite on our programs, write docs/conformance.md
      --slice               three minutes of it; only a regression fails
      --units A,B           these units only (type/list, cluster/*)
      --only TEST           this test only (/PATTERN for a pattern)
      --bin FILE            this binary (default: build it); --release builds that profile
      --peer valkey|redis74 a real server instead, to learn which tests there are
      --accept              let tests lose their plus
      --jobs N --base-port N --limit SECONDS --timeout SECONDS
  figures                   CPU per operation and bytes per key beside Valkey 9.1
      --parts cpu,aof,cluster,memory,save,scaling,hot --only get,set --depth 1,16,64 --keys N --pairs N
      --requests N --fills N,N --save-keys N --save-items N --rate N --seconds N
      --scaling-keys N --rounds N --milliseconds N --hot-rounds N --hot-requests N
      --bin FILE --subject redis74 --server-core 0 --load-core 1
      --beside FILE         an older binary of ours instead of Valkey
      --write               into docs/figures.md
  instructions [--accept]   instructions of parse, GET, SET, RDB, bus; more than stored fails
  simulate [--seeds N --from N | --seed N | --nodes N]
                            simulated clusters with faults, from seeds; or the traffic of N nodes
      --jobs N --node-timeout MS --seconds N
      --write               seeds and clusters of 10, 100 and 1000 nodes, into docs/simulation.md
  chaos                     kill, pause and fail over masters under writers, and check
      --seconds N --seed N --writers N --subject valkey --beside valkey --bin FILE
      --release             our binary in that profile
      --write               into docs/chaos.md
  deny                      licences, bans and sources of what we depend on
  fuzz [TARGET] [--seconds N]  look for inputs that break a decoder (needs a nightly toolchain)
  fuzz grammar [--seconds N --workers N]
                            random commands by the table against the engine, in process
";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let typed = words.join(" ");
    let mut arguments = Arguments::new(words);
    let result = match command.as_str() {
        "tidy" => return tidy::run(&root()),
        "chaos" => chaos::command(&typed, &mut arguments),
        "ci" => ci::command(&mut arguments),
        "deny" => tools::deny(&mut arguments),
        "fuzz" => tools::fuzz(&mut arguments),
        "clients" => clients(&mut arguments),
        "peers" => peers(&mut arguments),
        "suite" => suite(&mut arguments),
        "conformance" => conformance::command(&mut arguments),
        "figures" => figures::command(&typed, &mut arguments),
        "instructions" => instructions::command(&mut arguments),
        "simulate" => simulate::command(&typed, &mut arguments),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{command}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn peers(arguments: &mut Arguments) -> Result<(), String> {
    let refresh = arguments.flag("--refresh");
    let directory = arguments.word();
    arguments.end()?;
    fetch::peers(&fetch::peers_directory(directory.as_deref()), refresh)
}

fn clients(arguments: &mut Arguments) -> Result<(), String> {
    let refresh = arguments.flag("--refresh");
    let directory = arguments.word();
    arguments.end()?;
    fetch::clients(&fetch::clients_directory(directory.as_deref()), refresh)
}

fn suite(arguments: &mut Arguments) -> Result<(), String> {
    let refresh = arguments.flag("--refresh");
    let directory = arguments.word();
    arguments.end()?;
    fetch::suite(&fetch::suite_directory(directory.as_deref()), refresh).map(|_| ())
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("crates/xtask lies two below the root")
        .to_path_buf()
}
