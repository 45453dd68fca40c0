//! Data structures: listpack, list tree, hash table, and the values made of them.
