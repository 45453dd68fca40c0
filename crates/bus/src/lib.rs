//! Cluster-bus wire format.
#![forbid(unsafe_code)]
