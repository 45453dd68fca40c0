//! What a handler has at hand while its command runs.

use crate::ahead::KnownKey;
use crate::fail::{Fail, NOT_FLOAT, NOT_INTEGER};
use crate::{Caller, Dice, Effects, Engine, Keyspace, Session, Settings};
use base::num;
use commands::Spec;
use resp::{Args, Reply};
use store::gate::World;

/// One running command.
pub struct Cx<'a> {
    /// What all workers share.
    pub engine: &'a Engine,
    /// Limits and modes as of the batch.
    pub settings: &'a Settings,
    /// The connection.
    pub session: &'a mut Session,
    /// The command's row.
    pub spec: &'static Spec,
    /// Its arguments, its name (and subcommand) included.
    pub args: Args<'a>,
    /// The keys among them.
    pub(crate) known: &'a [KnownKey],
    /// The keys it may touch.
    pub keys: Keyspace<'a>,
    /// Where its reply goes.
    pub reply: Reply<'a>,
    /// What it changed.
    pub effects: &'a mut Effects,
    /// Random numbers.
    pub dice: &'a mut Dice,
    /// The world, when the command runs under it.
    pub world: Option<&'a World<'a>>,
    /// Who it comes from.
    pub caller: Caller,
}

impl<'a> Cx<'a> {
    /// Milliseconds since 1970, the same for all of the command or transaction.
    pub fn now_ms(&self) -> i64 {
        self.keys.when.now
    }

    /// Whether a key whose time has passed is deleted by this command: where it is replayed, and on
    /// a replica, the primary's DEL does that.
    pub(crate) fn expires_keys(&self) -> bool {
        !self.caller.replays() && !self.settings.loading && !self.settings.replica
    }

    /// The number of the database.
    pub fn db(&self) -> u16 {
        self.session.db
    }

    /// Argument `index` as an integer.
    ///
    /// # Errors
    /// `ERR value is not an integer or out of range`.
    pub fn int(&self, index: usize) -> Result<i64, Fail> {
        num::parse_i64(self.args.get(index)).ok_or_else(|| NOT_INTEGER.into())
    }

    /// Argument `index` as a double.
    ///
    /// # Errors
    /// `ERR value is not a valid float`.
    pub fn float(&self, index: usize) -> Result<f64, Fail> {
        num::parse_f64(self.args.get(index)).ok_or_else(|| NOT_FLOAT.into())
    }

    /// Whether an effect has to be made: where nobody reads the journal, none is.
    #[inline(always)]
    pub(crate) fn wants_effect(&mut self) -> bool {
        self.effects.noted();
        self.effects.is_on()
    }

    /// Notes the command itself as its effect: for commands that give the same result wherever
    /// they are executed. It follows the changes that were announced.
    pub(crate) fn effect_as_sent(&mut self) {
        self.effects.noted();
        let args = self.args;
        self.effects.push(self.session.db, args.iter());
    }

    /// Notes another command with these arguments as the effect of the changes that were announced.
    pub(crate) fn effect_of(&mut self, name: &[u8], args: Args<'_>) {
        self.effects.noted();
        let words = args.iter().len() + 1;
        let all = std::iter::once(name).chain(args.iter());
        self.effects.push_words(self.session.db, words, all);
    }

    /// Notes an effect of the changes that were announced.
    pub(crate) fn effect(&mut self, args: &[&[u8]]) {
        self.effects.noted();
        self.effects.push(self.session.db, args.iter().copied());
    }
}
