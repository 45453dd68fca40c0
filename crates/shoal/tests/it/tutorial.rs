//! The tutorial, typed as it stands: directories, configuration files, servers, a cluster of six,
//! keys, resharding, failover, nodes that come and go, a partition, backups, a restart.
//!
//! Every line is given to a shell whose PATH begins with links under the stock names, so that the
//! same script runs with any servers and any command line. Lost line breaks and addresses are
//! restored: one option a line, 127.0.0.1:7000 to 7005, each server started in its own directory.

mod shell;
mod steps;

use std::sync::{Mutex, MutexGuard};

use testkit::Program;

use steps::Tutorial;

/// The ports are the tutorial's own, so one runs at a time.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn run(servers: Program, cli: Program) {
    let _turn = turn();
    let mut tutorial = Tutorial::new(servers, cli);
    tutorial.configure();
    tutorial.start_all();
    tutorial.create();
    tutorial.set_and_get();
    tutorial.write_from_python();
    tutorial.list_nodes();
    tutorial.reshard_by_prompts();
    tutorial.reshard_by_options();
    tutorial.lose_a_master();
    tutorial.fail_over_by_hand();
    tutorial.add_and_remove_nodes();
    tutorial.run_alone();
    tutorial.pause_a_minority();
    tutorial.pause_a_majority();
    tutorial.back_up();
    tutorial.restart_everything();
}

#[test]
fn real_servers_and_our_command_line() {
    run(Program::Redis70, Program::Shoal);
}

#[test]
fn our_servers_and_the_real_command_line() {
    run(Program::Shoal, Program::Redis70);
}

#[test]
fn our_servers_and_our_command_line() {
    run(Program::Shoal, Program::Shoal);
}
