//! Tests of the command line against real servers and beside the real redis-cli.

mod cluster;
