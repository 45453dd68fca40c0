//! What an event makes the driver do, in the order in which it is to be done.

use crate::event::{Effect, Level};

/// The effects of the event that is being handled.
#[derive(Default)]
pub(crate) struct Outbox {
    effects: Vec<Effect>,
    /// Effects that go by the new view, so that it comes before them: clients paused for a failover
    /// that went on by the old one would lose what they write, and keys of slots that the old one
    /// calls ours are not deleted.
    late: Vec<Effect>,
    view_changed: bool,
}

impl Outbox {
    /// Adds an effect.
    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Adds an effect that goes by the view as it is behind this event.
    pub(crate) fn push_late(&mut self, effect: Effect) {
        self.late.push(effect);
    }

    /// Adds a line of the log.
    pub(crate) fn log(&mut self, level: Level, text: String) {
        self.push(Effect::Log { level, text });
    }

    /// Notes that the view is another from now on.
    pub(crate) fn view_changed(&mut self) {
        self.view_changed = true;
    }

    /// Ends what comes before the view, and what goes by it.
    pub(crate) fn show_view(&mut self) {
        if std::mem::take(&mut self.view_changed) {
            self.effects.push(Effect::ViewChanged);
        }
        self.effects.append(&mut self.late);
    }

    /// Moves all effects into `out`.
    pub(crate) fn drain_into(&mut self, out: &mut Vec<Effect>) {
        out.append(&mut self.effects);
    }
}
