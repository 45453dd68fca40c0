//! Older packed forms turned into listpacks, so that whoever loads a value knows one packed form
//! only.
use super::listpack::Builder;
use super::{Element, Flaw, ziplist, zipmap};

/// Bytes after which a new listpack is begun; at most one pair more fits in.
const PIECE: usize = 8 << 10;

/// Listpacks that hold, in order, what the older blob held; each holds whole pairs.
#[derive(Debug, Default)]
pub struct Repacked {
    /// The listpacks, none for an empty blob.
    pub listpacks: Vec<Vec<u8>>,
}

/// Checks a ziplist and repacks it; `hash` asks for whole pairs and no field twice.
pub(crate) fn ziplist_to_listpacks(blob: &[u8], hash: bool) -> Result<Repacked, Flaw> {
    if hash {
        ziplist::check_hash(blob)?;
    } else {
        ziplist::check(blob)?;
    }
    Ok(repack(ziplist::elements(blob)))
}

/// Checks a zipmap and repacks it.
pub(crate) fn zipmap_to_listpacks(blob: &[u8]) -> Result<Repacked, Flaw> {
    zipmap::check(blob)?;
    Ok(repack(zipmap::elements(blob)))
}

fn repack<'a>(elements: impl Iterator<Item = Element<'a>>) -> Repacked {
    let mut listpacks = Vec::new();
    let mut builder = Builder::new();
    for element in elements {
        if builder.size() > PIECE && builder.count().is_multiple_of(2) {
            listpacks.push(std::mem::take(&mut builder).finish());
        }
        builder.push(element);
    }
    if builder.count() > 0 {
        listpacks.push(builder.finish());
    }
    Repacked { listpacks }
}
