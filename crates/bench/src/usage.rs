//! What the program says about itself.

/// The version of redis-benchmark whose behaviour this is, before our own.
pub(crate) fn version(program: &str) -> String {
    format!("{program} 7.2.4 (shoal {})", env!("CARGO_PKG_VERSION"))
}

/// The help text.
pub(crate) fn text(program: &str) -> String {
    TEXT.replace("PROGRAM", program)
}

const TEXT: &str = "\
Usage: PROGRAM [OPTIONS] [COMMAND ARG ...]

Connection
 -h <host>          Name or address of the server (127.0.0.1)
 -p <port>          Its port (6379)
 -s <path>          Its unix socket; takes the place of host and port
 -u <uri>           redis://[user[:password]@]host[:port][/database]
 -a <password>      Password
 --user <name>      The user that the password belongs to
 --dbnum <number>   The database to select (0)
 -3                 Speak RESP3

Load
 -c <number>        Connections (50)
 -n <number>        Requests of each test (100000)
 -d <bytes>         Size of values (3)
 -P <number>        Requests sent at once on a connection (1)
 -k <0|1>           1: keep connections, 0: a new one for each batch (1)
 -r <number>        Random keys, members and values: __rand_int__ in an argument
                    becomes a number of 12 digits below this one, another each time.
                    Without -r every request is the same.
 --seed <number>    Where the random numbers start, so that a run can be repeated
 --threads <number> Threads that drive the connections
 --cluster          Spread the load over the masters of a cluster. A command of
                    one's own needs {tag} in its key, which becomes a hash tag of
                    the node.
 --enable-tracking  Send CLIENT TRACKING on first
 -I                 Open the connections and do nothing

Tests
 -t <test,...>      Only these tests, by the names that the output shows
 -l                 Again and again, for ever
 -x                 Take the command's last argument from standard input
 -e                 No effect: an error reply always ends the benchmark

Output
 -q                 One line for each test
 --csv              Comma-separated values
 --precision <n>    Significant digits of latencies, 1 to 4 (3)

 --help             Show this
 -v, --version      Show the version

Examples
  PROGRAM -h 10.0.0.1 -p 6379 -n 100000 -c 20
  PROGRAM -t set -n 1000000 -r 100000000
  PROGRAM -t ping,set,get -n 100000 --csv
  PROGRAM -r 10000 -n 10000 lpush mylist __rand_int__
";
