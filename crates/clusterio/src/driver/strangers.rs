//! Links that others open, and what holds for them before a known node has spoken: the bus port
//! asks for no password, so that whoever reaches it must not use up descriptors or memory.

use super::Driver;
use bus::IpText;
use cluster::{Acquaintance, Event, Level, LinkId};
use mio::Token;
use mio::net::TcpStream;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So many links strangers may have in each direction, beside one of each known node.
pub const STRANGERS: usize = 16;
/// So long a stranger's link is not closed for want of room: a node makes itself known as soon as
/// it is connected. Others wait in the listener's queue meanwhile.
const STAY: Duration = Duration::from_millis(20);
/// Links accepted before the others get their turn.
const ACCEPT_TURN: usize = STRANGERS;
/// How often it is told at most that links of strangers are closed.
const COMPLAINT_PERIOD: Duration = Duration::from_secs(10);

impl Driver {
    /// Notes that a listener may have links to accept.
    pub(super) fn has_links(&mut self, listener: usize) {
        if !self.to_accept.contains(&listener) {
            self.to_accept.push(listener);
        }
    }

    /// How long the driver may wait for events, as far as links that are to be accepted go.
    pub(super) fn accept_wait(&self) -> Option<Duration> {
        let wait = if self.has_room() {
            Duration::ZERO
        } else {
            STAY
        };
        (!self.to_accept.is_empty()).then_some(wait)
    }

    /// Accepts links, a turn of each listener that has some.
    pub(super) fn accept_all(&mut self) {
        for listener in std::mem::take(&mut self.to_accept) {
            self.accept(listener);
        }
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPT_TURN {
            if !self.has_room() {
                break;
            }
            // Without descriptors the rest waits for the next tick.
            let Ok((stream, peer)) = self.listeners[listener].accept() else {
                return;
            };
            self.admit(stream, peer);
        }
        self.has_links(listener);
    }

    /// Whether a link can be accepted: there is room for it, or somebody can be asked to go.
    fn has_room(&self) -> bool {
        self.inbound < self.most_inbound() || self.quietest(STAY).is_some()
    }

    fn most_inbound(&self) -> usize {
        self.machine.other_nodes() + STRANGERS
    }

    /// The link of a stranger that was silent for longest, of those that have been there for
    /// `stay`.
    fn quietest(&self, stay: Duration) -> Option<LinkId> {
        let strangers = self.links.values().filter(|link| {
            !link.known && matches!(link.id, LinkId::In(_)) && link.made.elapsed() >= stay
        });
        strangers.min_by_key(|link| link.heard).map(|link| link.id)
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.make_room(self.is_kept(&stream));
        let local = stream
            .local_addr()
            .map(|a| a.ip().to_canonical().to_string());
        let text = |ip: &str| IpText::new(ip).unwrap_or(IpText::EMPTY);
        let local = text(&local.unwrap_or_default());
        let peer = text(&peer.ip().to_canonical().to_string());
        let link = LinkId::In(self.next_in);
        self.next_in += 1;
        if self.add_link(link, stream, true).is_ok() {
            self.give(Event::Accepted { link, peer, local });
        }
    }

    /// Whether a link has one of the descriptors that are kept for files and known nodes. The
    /// system gives the lowest number that is free, so that then all below are in use.
    fn is_kept(&self, stream: &TcpStream) -> bool {
        stream.as_raw_fd() as usize >= self.shared.kept_from.load(Ordering::Relaxed)
    }

    /// Closes links of strangers, so that there is room for one more: who was silent for longest
    /// goes first. A node makes itself known as soon as it is connected, so that those who come
    /// only to stay lose their places to it.
    fn make_room(&mut self, mut scarce: bool) {
        while scarce || self.inbound >= self.most_inbound() {
            // Without descriptors even newcomers have to go.
            let stay = if scarce { Duration::ZERO } else { STAY };
            let Some(quietest) = self.quietest(stay) else {
                return;
            };
            scarce = false;
            self.complain();
            self.lose_link(quietest, false);
        }
    }

    fn complain(&mut self) {
        if (self.complained).is_some_and(|at| at.elapsed() < COMPLAINT_PERIOD) {
            return;
        }
        self.complained = Some(Instant::now());
        let text = format!(
            "Links to the cluster bus on which no known node has spoken are closed: {} links are \
             open, and descriptors are kept for known nodes and files.",
            self.inbound
        );
        self.hooks.log(Level::Warning, text);
    }

    /// Closes what strangers opened and have not sent a whole packet by for too long.
    pub(super) fn close_silent_strangers(&mut self) {
        let patience = Duration::from_millis(self.machine.patience_with_strangers());
        let silent = |link: &&crate::link::Link| {
            !link.known && matches!(link.id, LinkId::In(_)) && link.heard.elapsed() > patience
        };
        let silent: Vec<LinkId> = self.links.values().filter(silent).map(|l| l.id).collect();
        for id in silent {
            let text =
                format!("A link to the cluster bus is closed: no packet came in {patience:?}.");
            self.hooks.log(Level::Verbose, text);
            self.lose_link(id, false);
        }
    }

    /// Whether a link may be opened: at most so many that strangers asked for.
    pub(super) fn may_dial(&self, id: LinkId) -> bool {
        let strange = |id: LinkId| self.machine.acquaintance(id) == Acquaintance::Stranger;
        if !strange(id) {
            return true;
        }
        let out = |id: &LinkId| matches!(id, LinkId::Out(_));
        let dialled = self.links.values().map(|link| link.id).filter(out);
        dialled.filter(|id| strange(*id)).count() < STRANGERS
    }

    /// Lifts the limits of a link once a known node has spoken on it.
    pub(super) fn get_acquainted(&mut self, id: LinkId) {
        let known = self.machine.acquaintance(id) == Acquaintance::Known;
        let token: Option<&Token> = self.tokens.get(&id).filter(|_| known);
        if let Some(link) = token.and_then(|token| self.links.get_mut(token))
            && !link.known
        {
            link.trust();
        }
    }
}
