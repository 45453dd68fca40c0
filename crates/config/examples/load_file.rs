//! Loads a configuration file as the server would and prints what differs from the defaults:
//! `cargo run -p config --example load_file -- FILE [OPTIONS]`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use config::{Config, Surroundings, all, command_line, load};

/// Files as they are; everything else is taken as given.
struct Reading;

impl Surroundings for Reading {
    fn read(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        std::fs::read(OsStr::from_bytes(path)).map_err(|error| error.to_string())
    }

    fn stdin(&mut self) -> Result<Vec<u8>, String> {
        std::io::read_to_string(std::io::stdin())
            .map(String::into_bytes)
            .map_err(|error| error.to_string())
    }

    fn glob(&mut self, _: &[u8]) -> Vec<Vec<u8>> {
        vec![]
    }

    fn change_dir(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        Ok(path.to_vec())
    }

    fn try_log(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn rename_command(&mut self, _: &[u8], _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match load(&command_line(&args), &mut Reading) {
        Ok(loaded) => {
            let default = Config::default();
            for option in all() {
                let value = option.text(&loaded.config);
                if value != option.text(&default) {
                    println!("{} {}", option.name, String::from_utf8_lossy(&value));
                }
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", String::from_utf8_lossy(&error.report("7.2.4")));
            ExitCode::FAILURE
        }
    }
}
