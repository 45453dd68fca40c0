//! When a node wants to be taken for dead: it answers nobody, so that a replica takes its place.

/// Why this node may have to keep silent.
#[derive(Default)]
pub(crate) struct Silence {
    /// Its data set is lost: until when it waits for a replica to take over.
    lost_until: Option<u64>,
    /// Since when its workers have been stuck.
    stuck_since: Option<u64>,
}

impl Silence {
    /// The data set is lost: a replica has until `until` to take over.
    pub(crate) fn data_lost(&mut self, until: u64) {
        self.lost_until = Some(until);
    }

    /// A replica did, or the data come from elsewhere.
    pub(crate) fn data_found(&mut self) {
        self.lost_until = None;
    }

    /// Since when the workers have been stuck, if they are.
    pub(crate) fn workers(&mut self, stuck_since: Option<u64>) {
        self.stuck_since = stuck_since;
    }

    /// Whether it keeps silent at `now`. Workers may be stuck for `limit` ms; 0: for ever.
    pub(crate) fn is_on(&self, now: u64, limit: u64) -> bool {
        let stuck = |since: u64| limit != 0 && now.saturating_sub(since) > limit;
        self.lost_until.is_some_and(|until| now < until) || self.stuck_since.is_some_and(stuck)
    }
}
