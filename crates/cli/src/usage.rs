//! What the program says about itself.

/// The version of redis-cli whose behaviour this is, before our own.
pub(crate) fn version(program: &str) -> String {
    format!("{program} 7.2.4 (shoal {})", env!("CARGO_PKG_VERSION"))
}

/// The help text.
pub(crate) fn text(program: &str) -> String {
    TEXT.replace("PROGRAM", program)
        .replace("VERSION", &version(program))
}

const TEXT: &str = "\
VERSION

Usage: PROGRAM [OPTIONS] [COMMAND [ARG ...]]

Connection
  -h <host>            Name or address of the server (127.0.0.1).
  -p <port>            Its port (6379).
  -s <path>            Its unix socket; takes the place of host and port.
  -t <seconds>         How long connecting may take (no limit).
  -u <uri>             redis://[user[:password]@]host[:port][/database]
  -n <number>          The database to select (0).
  -2                   Speak RESP2.
  -3                   Speak RESP3.
  -4, -6               Accepted; both families are always tried.

Who is calling
  -a, --pass <text>    The password. Other users of this machine may see it in the
                       list of processes: prefer the variable REDISCLI_AUTH.
  --user <name>        The user that the password belongs to.
  --askpass            Ask for the password without showing it.
  --no-auth-warning    Do not warn about passwords on the command line.

Running commands
  -r <count>           Run the command so many times (-1: for ever).
  -i <seconds>         Pause after each run; parts of a second may be given. Also the
                       pace of --scan, --stat and --latency, and of --bigkeys,
                       --memkeys and --hotkeys for every 100 SCAN calls.
  -x                   Take the last argument from standard input.
  -X <tag>             Take the argument that is <tag> from standard input.
  --quoted-input       Arguments are quoted strings, as in \"\\x00\".
  -c                   Follow -MOVED and -ASK: cluster mode.
  -e                   End with exit code 1 when a command fails.
  --verbose            Say more.

What replies look like
  --raw                Bytes as they are (if standard output is no terminal).
  --no-raw             Types shown and strings quoted (if it is one).
  -d <text>            What separates the elements of raw replies (a line end).
  -D <text>            What ends a raw reply (a line end).
  --csv                Comma-separated values.
  --json               JSON; asks for RESP3 unless -2 is given.
  --quoted-json        JSON whose strings are escaped to ASCII.
  --show-pushes <y|n>  Show RESP3 pushes (y if standard output is a terminal).

Looking at the server
  --stat               A line of figures each second.
  --latency            The time a PING takes, for ever; for one second (or -i) and as
                       one line if standard output is no terminal, or with --raw, --csv.
  --latency-history    The same, a line for every 15 seconds (or -i).
  --latency-dist       The same as a spectrum of 256 colours, each second (or -i).
  --intrinsic-latency <seconds>
                       How long this system keeps a busy program waiting.
  --lru-test <keys>    Play a cache in which a fifth of the keys gets four fifths of
                       the requests.
  --replica            Be a replica and show what the master sends.

Looking at keys
  --scan               List all keys with SCAN.
  --pattern <glob>     Only keys that match (also with --bigkeys, --memkeys, --hotkeys).
  --quoted-pattern <glob>
                       The same as a quoted string.
  --count <number>     How many keys SCAN looks at in one call (10).
  --bigkeys            The keys with the most elements, by type.
  --memkeys            The keys that take the most memory, by type.
  --memkeys-samples <number>
                       The same, looking at so many elements of each key.
  --hotkeys            The keys that are used most (needs an LFU maxmemory-policy).

Moving data
  --pipe               Send standard input, in the server's protocol, as it is.
  --pipe-timeout <seconds>
                       Give up after so long without replies (30; 0: never).
  --rdb <file>         Fetch the server's data as an RDB file (-: standard output).
  --functions-rdb <file>
                       The same with functions and without keys.

Scripts
  --eval <file>        Send a Lua script; a lone comma separates keys from arguments.
  --ldb, --ldb-sync-mode
                       The Lua debugger: not supported.

Clusters
  --cluster <command> [ARG ...]
                       Create, look at and change clusters; --cluster help tells more.

  --help               Show this.
  -v, --version        Show the version.

Environment: REDISCLI_AUTH (password), REDISCLI_HISTFILE (history; /dev/null for none),
REDISCLI_RCFILE (preferences).

Examples
  cat picture | PROGRAM -x set picture
  PROGRAM -D \"\" --raw dump key > key.dump
  PROGRAM -X dump restore copy 0 dump replace < key.dump
  PROGRAM -r 100 lpush mylist x
  PROGRAM -r 100 -i 1 info | grep used_memory_human:
  PROGRAM --quoted-input set '\"null-\\x00-separated\"' value
  PROGRAM --eval script.lua key1 key2 , arg1 arg2
  PROGRAM --scan --pattern 'user:*'

Without a command PROGRAM reads commands line by line; type \"help\" there.
";
