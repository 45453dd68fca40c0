//! Times lookup and key extraction: `cargo run --release -p commands --example lookup_time`.

use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 20_000_000;

fn time(what: &str, mut run: impl FnMut()) {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        run();
    }
    println!(
        "{what}: {:.2} ns",
        start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
    );
}

fn main() {
    let names: [&[u8]; 4] = [b"GET", b"set", b"INCRBYFLOAT", b"nosuch"];
    for name in names {
        let text = String::from_utf8_lossy(name).into_owned();
        time(&format!("lookup {text}"), || {
            black_box(commands::lookup(black_box(name)));
        });
    }
    let argv: [&[u8]; 3] = [b"APPEND", b"key", b"value"];
    time("resolve and keys of APPEND", || {
        let spec = commands::resolve(black_box(&argv)).expect("a command");
        commands::keys(spec, black_box(&argv), &mut |index, flags| {
            black_box((index, flags));
        });
    });
    time("resolve and places of APPEND", || {
        let spec = commands::resolve(black_box(&argv)).expect("a command");
        commands::key_places(spec, black_box(&argv), &mut |index| {
            black_box(index);
        });
    });
    let argv: [&[u8]; 3] = [b"SET", b"key", b"value"];
    time("resolve and keys of SET", || {
        let spec = commands::resolve(black_box(&argv)).expect("a command");
        commands::keys(spec, black_box(&argv), &mut |index, flags| {
            black_box((index, flags));
        });
    });
}
