//! Whether the cluster works, and until when this node may serve.

use crate::event::{Effect, Level};
use crate::machine::Cluster;
use crate::view::State;
use bus::Flags;

/// A primary that has just started gives the others this long to tell it that it is none.
const WRITABLE_DELAY: u64 = 2_000;

/// Why the cluster does not serve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Down {
    Uncovered,
    Minority,
}

impl Down {
    fn text(self) -> &'static str {
        match self {
            Down::Uncovered => {
                "At least one hash slot is not served by any available node \
                 (cluster-require-full-coverage is on)."
            }
            Down::Minority => "This node is in a minority partition.",
        }
    }
}

/// Whether this node serves, as far as it knows of the cluster.
#[derive(Debug)]
pub(crate) struct Serving {
    state: State,
    /// Why the cluster is down, as last logged.
    down: Option<Down>,
    /// When this node started: a primary waits before it serves.
    started: u64,
    /// When it last found itself in a minority.
    minority_at: Option<u64>,
    /// Whether the state is to be worked out anew at the end of this event.
    due: bool,
    /// Answers older than this do not count for the right to serve: the process slept since.
    trust_after: u64,
    /// Until when it may serve, as last published.
    until: u64,
}

impl Serving {
    /// A node that starts now.
    pub(crate) fn new(now: u64) -> Serving {
        Serving {
            state: State::Fail,
            down: None,
            started: now,
            minority_at: None,
            due: true,
            trust_after: now,
            until: 0,
        }
    }

    /// The state of the cluster.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Has the state worked out anew at the end of this event.
    pub(crate) fn check(&mut self) {
        self.due = true;
    }

    /// Whether the state is to be worked out, which the caller does now.
    pub(crate) fn take_check(&mut self) -> bool {
        std::mem::take(&mut self.due)
    }

    /// Since when answers count.
    pub(crate) fn trust_after(&self) -> u64 {
        self.trust_after
    }

    /// Answers from before this moment do not count any more.
    pub(crate) fn distrust_before(&mut self, now: u64) {
        self.trust_after = now;
    }

    /// Whether a primary has started so lately that the others may not have told it that it is
    /// none.
    fn is_new(&self, now: u64) -> bool {
        self.state == State::Fail && now - self.started < WRITABLE_DELAY
    }
}

impl Cluster {
    /// Works out the state of the cluster anew.
    pub(crate) fn update_state(&mut self) {
        let now = self.now.mono;
        let primary = self.roster.me().is_primary();
        if primary && self.serving.is_new(now) {
            self.serving.check();
            return;
        }
        let (mut state, mut reason) = (State::Ok, None);
        let down = Flags::PFAIL.with(Flags::FAIL);
        let (mut size, mut reachable, mut slots_failed) = (0, 0, false);
        for (_, node) in self.roster.iter() {
            if node.slot_count > 0 && node.is_failed() {
                slots_failed = true;
            }
            if node.votes() {
                size += 1;
                reachable += usize::from(!node.has(down));
            }
        }
        if self.settings.require_full_coverage && (slots_failed || self.roster.unowned() > 0) {
            state = State::Fail;
            reason = Some(Down::Uncovered);
        }
        if reachable < size / 2 + 1 && !self.mutants.serve_in_minority {
            state = State::Fail;
            self.serving.minority_at = Some(now);
            reason = Some(Down::Minority);
        }
        self.explain(reason);
        if self.is_silent() {
            state = State::Fail;
        }
        if state == self.serving.state {
            return;
        }
        if state == State::Ok && primary {
            // Back in the majority: first hear whether somebody has taken over.
            let delay = self.settings.node_timeout.clamp(500, 5_000);
            if self.serving.minority_at.is_some_and(|t| now - t < delay) {
                self.serving.check();
                return;
            }
        }
        self.serving.state = state;
        self.out.view_changed();
        let word = if state == State::Ok { "ok" } else { "fail" };
        self.log(Level::Notice, format!("Cluster state changed: {word}"));
    }

    /// Logs why the cluster does not serve, once for each reason.
    fn explain(&mut self, reason: Option<Down>) {
        if self.serving.down != reason
            && let Some(reason) = reason
        {
            let text = format!("Cluster is currently down: {}", reason.text());
            self.log(Level::Warning, text);
        }
        self.serving.down = reason;
    }

    /// Stops serving until the others had time to say what they decided.
    pub(crate) fn suspend(&mut self) {
        self.serving.minority_at = Some(self.now.mono);
        self.serving.check();
        if self.serving.state == State::Ok && !self.mutants.serve_in_minority {
            self.serving.state = State::Fail;
            self.out.view_changed();
            self.log(Level::Notice, "Cluster state changed: fail".to_owned());
        }
    }

    /// Publishes until when this node may serve, a primary without hearing from a majority again.
    ///
    /// The others count us as suspect one node timeout after a ping we did not answer; a primary
    /// whose process slept knows nothing yet of what they did meanwhile.
    pub(crate) fn update_right_to_serve(&mut self, tick: bool) {
        if self.serving.state != State::Ok {
            return;
        }
        let now = self.now.mono;
        let timeout = self.settings.node_timeout;
        if !tick && self.serving.until > now + timeout / 2 {
            return;
        }
        if !self.roster.me().is_primary() {
            // A replica redirects, and reads: it only must not sleep.
            self.serving.until = now + timeout;
            self.out.push(Effect::ServeUntil(now + timeout));
            return;
        }
        let me = self.roster.myself;
        let mut alive = Vec::new();
        let mut size = 0;
        for (at, node) in self.roster.iter().filter(|(_, n)| n.votes()) {
            size += 1;
            if at == me {
                alive.push(now + timeout);
                continue;
            }
            let answered = node
                .pong_direct
                .is_some_and(|t| t >= self.serving.trust_after);
            if !answered || node.has(Flags::PFAIL.with(Flags::FAIL)) {
                continue;
            }
            alive.push(match node.ping_sent {
                Some(sent) => sent.max(node.heard) + timeout,
                None => now + timeout,
            });
        }
        let quorum = size / 2 + 1;
        let until = if size == 0 {
            // A node without slots of its own in a cluster without any serves nothing anyway.
            now + timeout
        } else if alive.len() < quorum {
            return;
        } else {
            *alive.select_nth_unstable_by(quorum - 1, |a, b| b.cmp(a)).1
        };
        let until = if self.mutants.serve_in_minority {
            now + 1_000_000_000
        } else {
            until
        };
        if until > self.serving.until {
            self.serving.until = until;
            self.out.push(Effect::ServeUntil(until));
        }
    }
}
