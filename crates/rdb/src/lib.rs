//! RDB files, DUMP payloads and AOF manifests: codecs without I/O.
#![forbid(unsafe_code)]
