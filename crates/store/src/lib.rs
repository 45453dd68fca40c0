//! Slots, slot guards, gates, the journal and tap.
