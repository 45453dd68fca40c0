//! The server: joins engine, net, persistence, replication and cluster.
