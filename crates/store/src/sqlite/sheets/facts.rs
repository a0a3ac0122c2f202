//! Facts: status, type, verdict, template and producer of up to 250 inspections, column by column.
//!
//! A sheet is the number of its rows, templates and producers; the keys; a byte each for status, type,
//! verdict, the place of the template and that of the producer (255: none); the templates; the producers.

use heraldo_domain::inspection::Inspection;
use heraldo_domain::query::InspectionFilter;
use heraldo_wire::id::CompanyId;
use rusqlite::{Connection, params};

use super::held::Weighed;
use super::{Bytes, Row, blob, small};
use crate::sqlite::codes::Code;
use crate::sqlite::fault::{Done, Fault};

/// Fewer than 255, so that a byte names any of a sheet's templates or producers.
const ROWS_MAX: usize = 250;
const NOBODY: u8 = 255;
/// Rows that a walk passes one by one.
const STEPS_MAX: usize = 16;

type IdBytes = [u8; 12];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact {
    key: i64,
    status: u8,
    kind: u8,
    veredict: u8,
    template: IdBytes,
    producer: Option<IdBytes>,
}

/// All codes are small; one that is not would be no code of this program.
fn byte(code: impl Code) -> u8 {
    u8::try_from(code.code()).unwrap_or(u8::MAX)
}

impl Fact {
    pub(super) fn of(key: i64, inspection: &Inspection) -> Self {
        Self {
            key,
            status: byte(inspection.status()),
            kind: byte(inspection.inspection_type),
            veredict: byte(inspection.veredict()),
            template: *inspection.template.id.0.as_bytes(),
            producer: inspection.producer.user_id.map(|user| *user.0.as_bytes()),
        }
    }
}

#[cfg(test)]
impl Fact {
    pub(super) const fn sample(key: i64) -> Self {
        Self {
            key,
            status: 0,
            kind: 0,
            veredict: 2,
            template: [7; 12],
            producer: None,
        }
    }

    pub(super) fn sample_in(key: i64, status: heraldo_wire::object::InspectionStatus) -> Self {
        Self {
            status: byte(status),
            ..Self::sample(key)
        }
    }
}

/// The place of an id among those of the sheet, added when it is new.
fn place(ids: &mut Vec<IdBytes>, id: IdBytes) -> u8 {
    // Neighbours are often alike.
    let place = ids
        .iter()
        .rposition(|other| *other == id)
        .unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        });
    u8::try_from(place).unwrap_or(NOBODY)
}

impl Row for Fact {
    const WEIGHT_MAX: usize = ROWS_MAX;
    const AT: &str = "SELECT id,
            (SELECT first FROM facts_sheet next WHERE next.company = ?1 AND next.first > sheet.first
             ORDER BY first LIMIT 1),
            doc
        FROM facts_sheet sheet WHERE company = ?1
            AND first <= max(?2, (SELECT min(first) FROM facts_sheet WHERE company = ?1))
        ORDER BY first DESC LIMIT 1";

    fn key(&self) -> i64 {
        self.key
    }

    fn weight(&self) -> usize {
        1
    }

    fn held_by(sheet: &rusqlite::Row<'_>) -> Done<Vec<Self>> {
        let facts = Facts::read(blob(sheet, 2)?)?;
        facts
            .rows()
            .map(|(key, status, kind, veredict, template, producer)| {
                Ok(Self {
                    key,
                    status,
                    kind,
                    veredict,
                    template: *facts
                        .templates
                        .get(usize::from(template))
                        .ok_or_else(|| Fault::unreadable("a sheet that names no template"))?,
                    producer: facts.producers.get(usize::from(producer)).copied(),
                })
            })
            .collect()
    }

    fn is_held_by(&self, sheet: &rusqlite::Row<'_>) -> Done<bool> {
        // Nothing is allocated for a row, so that this is cheap enough.
        Ok(Self::held_by(sheet)?.contains(self))
    }

    fn insert(db: &Connection, company: CompanyId, rows: &[Self]) -> Done<()> {
        let mut statement = db.prepare_cached(
            "INSERT INTO facts_sheet (company, first, rows, doc) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let first = rows.first().map_or(0, Row::key);
        statement.execute(params![
            company.0.as_bytes(),
            first,
            small(rows.len()),
            pack(rows)
        ])?;
        Ok(())
    }

    fn update(db: &Connection, id: i64, rows: &[Self]) -> Done<()> {
        let mut statement = db.prepare_cached(
            "UPDATE facts_sheet SET id = (SELECT max(id) + 1 FROM facts_sheet),
                 first = ?2, rows = ?3, doc = ?4 WHERE id = ?1",
        )?;
        let first = rows.first().map_or(0, Row::key);
        statement.execute(params![id, first, small(rows.len()), pack(rows)])?;
        Ok(())
    }
}

fn pack(rows: &[Fact]) -> Vec<u8> {
    let (mut templates, mut producers) = (Vec::new(), Vec::new());
    let places: Vec<(u8, u8)> = rows
        .iter()
        .map(|row| {
            let template = place(&mut templates, row.template);
            let producer = row.producer.map_or(NOBODY, |id| place(&mut producers, id));
            (template, producer)
        })
        .collect();
    let mut doc = Vec::with_capacity(4_096);
    for count in [rows.len(), templates.len(), producers.len()] {
        doc.extend(small(count).to_le_bytes());
    }
    doc.extend(rows.iter().flat_map(|row| row.key.to_le_bytes()));
    doc.extend(rows.iter().map(|row| row.status));
    doc.extend(rows.iter().map(|row| row.kind));
    doc.extend(rows.iter().map(|row| row.veredict));
    doc.extend(places.iter().map(|(template, _)| template));
    doc.extend(places.iter().map(|(_, producer)| producer));
    doc.extend(templates.iter().chain(&producers).flatten());
    doc
}

/// A sheet as it is held in memory: sound when it was read.
#[derive(Debug)]
pub(super) struct FactsSheet(Box<[u8]>);

impl FactsSheet {
    pub(super) fn read(doc: &[u8]) -> Done<Self> {
        Facts::read(doc)?;
        Ok(Self(doc.into()))
    }

    pub(super) fn facts(&self) -> Done<Facts<'_>> {
        Facts::read(&self.0)
    }
}

impl Weighed for FactsSheet {
    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// A sheet as it stands in the database.
pub(super) struct Facts<'a> {
    keys: &'a [[u8; 8]],
    statuses: &'a [u8],
    kinds: &'a [u8],
    veredicts: &'a [u8],
    template_places: &'a [u8],
    producer_places: &'a [u8],
    templates: &'a [IdBytes],
    producers: &'a [IdBytes],
}

impl<'a> Facts<'a> {
    pub(super) fn read(doc: &'a [u8]) -> Done<Self> {
        let mut bytes = Bytes(doc);
        let (rows, templates, producers) = (bytes.number()?, bytes.number()?, bytes.number()?);
        Ok(Self {
            keys: bytes.chunks(rows)?,
            statuses: bytes.take(rows)?,
            kinds: bytes.take(rows)?,
            veredicts: bytes.take(rows)?,
            template_places: bytes.take(rows)?,
            producer_places: bytes.take(rows)?,
            templates: bytes.chunks(templates)?,
            producers: bytes.chunks(producers)?,
        })
    }

    /// Oldest first.
    fn rows(&self) -> impl Iterator<Item = (i64, u8, u8, u8, u8, u8)> {
        let kinds = self.statuses.iter().zip(self.kinds).zip(self.veredicts);
        let places = self.template_places.iter().zip(self.producer_places);
        self.keys.iter().zip(kinds).zip(places).map(
            |((key, ((status, kind), veredict)), (template, producer))| {
                (
                    i64::from_le_bytes(*key),
                    *status,
                    *kind,
                    *veredict,
                    *template,
                    *producer,
                )
            },
        )
    }

    /// Which rows have these facts, oldest first; `None` when none has. It goes column by column, which the
    /// compiler turns into a few instructions for many rows.
    pub(super) fn with(&self, wanted: &Wanted) -> Option<Vec<bool>> {
        let mut kept = vec![true; self.keys.len()];
        let mut keep_equal = |column: &[u8], value: Option<u8>| {
            if let Some(value) = value {
                for (kept, of_row) in kept.iter_mut().zip(column) {
                    *kept &= *of_row == value;
                }
            }
        };
        keep_equal(self.statuses, wanted.status);
        keep_equal(self.kinds, wanted.kind);
        keep_equal(self.veredicts, wanted.veredict);
        if let Some(template) = wanted.template {
            let place = self.templates.iter().position(|other| *other == template)?;
            keep_equal(self.template_places, u8::try_from(place).ok());
        }
        if let Some(wanted) = &wanted.producers {
            let mut places = [false; 256];
            for (place, producer) in places.iter_mut().zip(self.producers) {
                *place = wanted.contains(producer);
            }
            if !places.contains(&true) {
                return None;
            }
            for (kept, of_row) in kept.iter_mut().zip(self.producer_places) {
                *kept &= places.get(usize::from(*of_row)).is_some_and(|place| *place);
            }
        }
        Some(kept)
    }

    /// Oldest first.
    pub(super) const fn keys(&self) -> &'a [[u8; 8]] {
        self.keys
    }

    /// Keeps of the rows with these keys, oldest first, those that are kept here as well, and says where they begin.
    ///
    /// Both kinds of sheets hold the same inspections, so that most often they stand side by side: right before
    /// `until`, where the rows that were looked at last begin. To look for them would take longer than all the rest.
    pub(super) fn keep(
        &self,
        kept: &[bool],
        until: usize,
        keys: &[[u8; 8]],
        rows: &mut [bool],
    ) -> usize {
        let beside = |from: usize| {
            let here = from..from.saturating_add(keys.len());
            let own = self.keys.get(here.clone())?;
            (own.as_flattened() == keys.as_flattened()).then_some(here)
        };
        let look_for_them = || {
            let first = keys.first().map_or(0, |first| i64::from_le_bytes(*first));
            let is_older = |own: &[u8; 8]| i64::from_le_bytes(*own) < first;
            self.keys.partition_point(is_older)
        };
        let expected = until.checked_sub(keys.len()).and_then(beside);
        let from = expected
            .as_ref()
            .map_or_else(look_for_them, |here| here.start);
        if let Some(here) = expected.or_else(|| beside(from)) {
            let kept = kept.get(here).unwrap_or_default();
            for (row, kept) in rows.iter_mut().zip(kept) {
                *row &= *kept;
            }
        } else {
            let mut walk = Walk {
                keys: self.keys,
                kept,
            };
            for (key, row) in keys.iter().zip(rows).rev() {
                *row &= walk.has(i64::from_le_bytes(*key));
            }
        }
        from
    }
}

/// Rows of a sheet, of which keys are looked up from the newest to the oldest.
struct Walk<'a> {
    /// Those that were not passed yet.
    keys: &'a [[u8; 8]],
    kept: &'a [bool],
}

impl Walk<'_> {
    /// Whether a key that is older than those asked for before is one of the rows that are kept.
    fn has(&mut self, key: i64) -> bool {
        // Most often it is near; what is farther is found by halving.
        let far = self.keys.len().checked_sub(STEPS_MAX);
        if far.is_some_and(|far| {
            self.keys
                .get(far)
                .is_some_and(|far| i64::from_le_bytes(*far) > key)
        }) {
            let rest = self
                .keys
                .partition_point(|other| i64::from_le_bytes(*other) <= key);
            self.keys = self.keys.split_at(rest).0;
        }
        while let Some((newest, older)) = self.keys.split_last() {
            let newest = i64::from_le_bytes(*newest);
            if newest <= key {
                return newest == key && self.kept.get(older.len()).is_some_and(|kept| *kept);
            }
            self.keys = older;
        }
        false
    }
}

/// The facts that a filter asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    status: Option<u8>,
    kind: Option<u8>,
    veredict: Option<u8>,
    template: Option<IdBytes>,
    producers: Option<Vec<IdBytes>>,
}

impl Wanted {
    /// `None` when no inspection can have them.
    pub(super) fn by(filter: &InspectionFilter) -> Option<Self> {
        let template = match &filter.template_id {
            Some(text) => Some(*text.trim().parse::<heraldo_wire::id::Id>().ok()?.as_bytes()),
            None => None,
        };
        let producers = filter.producers.as_ref().map(|producers| {
            let ids = producers.iter().map(|producer| *producer.0.as_bytes());
            ids.collect::<Vec<_>>()
        });
        if producers.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        Some(Self {
            status: filter.status.map(byte),
            kind: filter.inspection_type.map(byte),
            veredict: filter.veredict.map(byte),
            template,
            producers,
        })
    }

    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
