//! Links between nodes, and what the network does to them.

use cluster::LinkId;
use std::collections::HashMap;

/// One connection. `from` opened it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub from: usize,
    pub to: usize,
    pub out_id: LinkId,
    pub in_id: LinkId,
    pub open: bool,
    /// When the last packet arrives at `to` and at `from`: packets of one link keep their order.
    pub last: [u64; 2],
}

/// All links, and which directions are cut.
#[derive(Default)]
pub(crate) struct Network {
    pub links: Vec<Link>,
    /// By node and its own name of the link.
    pub by_name: HashMap<(usize, LinkId), usize>,
    /// Directions that carry nothing, with the number of causes.
    cut: HashMap<(usize, usize), u32>,
    next_in: u64,
}

impl Network {
    pub fn open(&mut self, from: usize, out_id: LinkId, to: usize) -> usize {
        self.next_in += 1;
        let in_id = LinkId::In(self.next_in);
        let at = self.links.len();
        self.links.push(Link {
            from,
            to,
            out_id,
            in_id,
            open: true,
            last: [0, 0],
        });
        self.by_name.insert((from, out_id), at);
        self.by_name.insert((to, in_id), at);
        at
    }

    /// Closes a link; true if it was open.
    pub fn close(&mut self, at: usize) -> bool {
        let link = &mut self.links[at];
        let was = std::mem::replace(&mut link.open, false);
        let (from, to, out_id, in_id) = (link.from, link.to, link.out_id, link.in_id);
        self.by_name.remove(&(from, out_id));
        self.by_name.remove(&(to, in_id));
        was
    }

    pub fn cut(&mut self, from: usize, to: usize) {
        *self.cut.entry((from, to)).or_insert(0) += 1;
    }

    pub fn mend(&mut self, from: usize, to: usize) {
        if let Some(count) = self.cut.get_mut(&(from, to)) {
            *count -= 1;
            if *count == 0 {
                self.cut.remove(&(from, to));
            }
        }
    }

    pub fn mend_all(&mut self) {
        self.cut.clear();
    }

    pub fn carries(&self, from: usize, to: usize) -> bool {
        !self.cut.contains_key(&(from, to))
    }

    /// Whether a node has opened a link to another.
    pub fn between(&self, from: usize, to: usize) -> bool {
        self.links
            .iter()
            .any(|l| l.open && l.from == from && l.to == to)
    }

    /// The open links of a node.
    pub fn of(&self, node: usize) -> Vec<usize> {
        let touches = |l: &Link| l.open && (l.from == node || l.to == node);
        (0..self.links.len())
            .filter(|at| touches(&self.links[*at]))
            .collect()
    }
}
