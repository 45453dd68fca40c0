//! Loading an RDB file into the store.

use crate::save::Delay;
use base::Slot;
use ds::Limits;
use rdb::object::Builder;
use rdb::{Event, Foreign, Reader};
use std::io::Read;
use store::Locker;

/// How many keys are stored between two boundaries of the gate.
const BATCH: usize = 64;

/// How a file is loaded.
pub struct LoadOptions<'a> {
    /// Milliseconds since 1970; keys that have expired are left out, unless `keep_expired`.
    pub now_ms: i64,
    /// Whether expired keys are loaded: by a replica, whose primary will delete them, and below an
    /// append-only file, whose commands may still need them.
    pub keep_expired: bool,
    /// When collections change their encoding.
    pub limits: Limits,
    /// Whether a key belongs here; one that does not is left out.
    pub wanted: &'a dyn Fn(Slot) -> bool,
    /// Is told of progress now and then: how many bytes more were read.
    pub progress: &'a mut dyn FnMut(u64),
    /// Is told of each attribute of the file, name and value, when it comes by.
    pub attribute: &'a mut dyn FnMut(&[u8], &[u8]),
    /// The rest after each key (`key-load-delay`).
    pub key_delay: Delay,
}

/// What a file held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys that were stored.
    pub keys: u64,
    /// Keys that had expired.
    pub expired: u64,
    /// The file's attributes, in order.
    pub aux: Vec<(Vec<u8>, Vec<u8>)>,
    /// Bytes read.
    pub bytes: u64,
}

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// What is in it cannot be read, or not be held by this server.
    #[error("{0}")]
    Content(#[from] rdb::Error),
    /// A key that occurs twice.
    #[error("the key '{0}' occurs twice in database {1}")]
    Duplicate(String, u64),
    /// A value in which something occurs twice that must not, which ends at this offset.
    #[error("{0}, before offset {1}")]
    Doubled(&'static str, u64),
    /// A database that this server does not have.
    #[error("the file has keys in database {0}, and this server has only {1} databases")]
    Database(u64, u16),
}

/// Loads the RDB file that `input` gives. Keys go into the databases by their numbers; nothing is
/// journalled.
///
/// # Errors
/// With the place in the file; what was loaded before stays.
pub fn load(
    input: &mut dyn Read,
    locker: &Locker,
    options: &mut LoadOptions<'_>,
) -> Result<Loaded, LoadError> {
    run(&mut Reader::new(input, Foreign::Refuse), locker, options)
}

/// As [`load`], for an RDB file at the beginning of something longer: also gives the bytes that
/// were read ahead, and the input behind them.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_preamble<R: Read>(
    input: R,
    locker: &Locker,
    options: &mut LoadOptions<'_>,
) -> Result<(Loaded, Vec<u8>, R), LoadError> {
    let mut reader = Reader::new(input, Foreign::Refuse);
    let loaded = run(&mut reader, locker, options)?;
    let (ahead, rest) = reader.into_parts();
    Ok((loaded, ahead, rest))
}

fn run<R: Read>(
    reader: &mut Reader<R>,
    locker: &Locker,
    options: &mut LoadOptions<'_>,
) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    let mut told = 0;
    let mut builder: Option<(u64, Builder)> = None;
    locker.open();
    let result = loop {
        let event = match reader.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        };
        match event {
            Event::Aux { name, value } => {
                (options.attribute)(&name, &value);
                loaded.aux.push((name, value));
            }
            Event::Key(key) => {
                let db = key.db;
                builder = Builder::new(key, options.limits).map(|builder| (db, builder));
            }
            Event::Piece(piece) => {
                if let Some((_, builder)) = &mut builder {
                    builder.add(piece);
                }
            }
            Event::KeyEnd { elements } => {
                let Some((db, builder)) = builder.take() else {
                    continue;
                };
                if let Some(doubled) = builder.doubled() {
                    break Err(LoadError::Doubled(doubled.plain, reader.offset()));
                }
                if let Some(object) = builder.finish(elements, options.now_ms)
                    && let Err(error) = store_key(locker, options, db, object, &mut loaded)
                {
                    break Err(error);
                }
                if options.key_delay.0 != 0 {
                    // Others may want the world meanwhile.
                    locker.close();
                    options
                        .key_delay
                        .rest(loaded.keys + loaded.expired, &|| false);
                    locker.open();
                }
                if (loaded.keys + loaded.expired).is_multiple_of(BATCH as u64) {
                    locker.close();
                    (options.progress)(reader.offset() - told);
                    told = reader.offset();
                    locker.open();
                }
            }
            // Hints, and what is refused with an error.
            Event::SelectDb(_)
            | Event::ResizeDb { .. }
            | Event::SlotInfo { .. }
            | Event::Function(_)
            | Event::ModuleAux { .. }
            | Event::End(_) => {}
        }
    };
    locker.close();
    loaded.bytes = reader.offset();
    (options.progress)(loaded.bytes - told);
    result.map(|()| loaded)
}

fn store_key(
    locker: &Locker,
    options: &LoadOptions<'_>,
    db: u64,
    object: ds::Object,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    let store = locker.store();
    let number = u16::try_from(db).ok().filter(|&db| db < store.databases());
    let number = number.ok_or(LoadError::Database(db, store.databases()))?;
    if !options.keep_expired
        && object
            .expire()
            .is_some_and(|expire| expire <= options.now_ms)
    {
        loaded.expired += 1;
        return Ok(());
    }
    let slot = Slot::of_key(object.key());
    if !(options.wanted)(slot) {
        return Ok(());
    }
    let (hash, physical) = (ds::siphash::of(object.key()), store.physical_db(number));
    let mut guard = locker.lock(slot);
    let keys = guard.keys(physical);
    if keys.is_some_and(|keys| keys.table().find(hash, object.key()).is_some()) {
        let key = object.key().escape_ascii().to_string();
        return Err(LoadError::Duplicate(key, db));
    }
    guard.put(physical, hash, object);
    loaded.keys += 1;
    Ok(())
}
