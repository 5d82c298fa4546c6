//! A piece of work on refused events: on which, by whom, and whether in earnest.

use event_core::upcaster::Target;
use event_core::{Label, Source};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;

use super::QuarantineFilter;
use crate::dictionary::only_number;
use crate::entity::quarantine::{QuarantineRow, SELECTED};
use crate::error::Error;
use crate::inner::Inner;

/// Entries that are worked on in one transaction.
pub(super) const STEP: usize = 100;

/// On which entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// On these, by their numbers; also on discarded ones, where that makes sense.
    Numbers(Vec<i64>),
    /// On those that a filter chooses, of which only open ones are touched.
    Filter(QuarantineFilter),
}

/// All that are open.
impl Default for Selection {
    fn default() -> Self {
        Selection::Filter(QuarantineFilter::default())
    }
}

/// Whether something is done, or only told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// It is done.
    #[default]
    Real,
    /// Nothing is written.
    Dry,
}

/// A piece of work on refused events.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// On which entries.
    pub selection: Selection,
    /// Whether in earnest.
    pub run: Run,
    /// Only on entries behind this number.
    pub after: Option<i64>,
    /// On so many at the most; 0 stands for all.
    pub limit: usize,
    /// Only on those of these applications, whatever is selected; on those of all, if `None`.
    pub sources: Option<Vec<Source>>,
    /// As which version of their type events are judged and stored that name another one, where they are replayed; as
    /// what they came in, if `None`.
    pub upcast: Option<Target>,
    /// Who has asked for it, for the history.
    pub actor: Option<Label>,
}

impl Work {
    /// Work in earnest, on all of a selection.
    #[must_use]
    pub fn on(selection: Selection) -> Self {
        Work {
            selection,
            ..Work::default()
        }
    }

    /// The same, without writing anything.
    #[must_use]
    pub fn dry(self) -> Self {
        Work { run: Run::Dry, ..self }
    }

    /// The same, on events as those of a version of their type.
    #[must_use]
    pub fn lifted(self, target: Target) -> Self {
        let upcast = Some(target);
        Work { upcast, ..self }
    }

    /// The same, asked for by somebody.
    #[must_use]
    pub fn by(self, actor: Option<Label>) -> Self {
        Work { actor, ..self }
    }
}

/// The entries of a piece of work, step by step in the order of their numbers.
pub(super) struct Steps {
    selection: Selection,
    sources: Option<Vec<Source>>,
    /// States in which they are taken.
    states: &'static str,
    after: i64,
    /// What comes in later is not for this time.
    last: i64,
    left: usize,
    /// How many there are, about.
    pub(super) total: i64,
}

impl Steps {
    pub(super) async fn new(work: &Work, discarded_too: bool, inner: &Inner) -> Result<Self, Error> {
        let mut steps = Steps {
            selection: work.selection.clone(),
            sources: work.sources.clone(),
            states: "state = 'open'",
            after: work.after.unwrap_or(0),
            last: i64::MAX,
            left: if work.limit == 0 { usize::MAX } else { work.limit },
            total: 0,
        };
        match &mut steps.selection {
            Selection::Numbers(numbers) => {
                numbers.sort_unstable();
                numbers.dedup();
                numbers.retain(|number| *number > steps.after);
                if discarded_too {
                    steps.states = "state IN ('open', 'discarded')";
                }
                steps.total = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
            }
            Selection::Filter(filter) => {
                let (condition, values) = of_sources(filter.sql(), steps.sources.as_deref());
                let all = inner.tables.sql("SELECT COALESCE(MAX(id), 0) FROM {quarantine}");
                steps.last = only_number(&inner.reader, inner.dialect.statement(&all, [])).await?;
                let count = inner.tables.sql("SELECT COUNT(*) FROM {quarantine} WHERE id > ?");
                let count = format!("{count} AND {}{condition}", steps.states);
                let values = [Value::from(steps.after)].into_iter().chain(values);
                steps.total = only_number(&inner.reader, inner.dialect.statement(&count, values)).await?;
            }
        }
        Ok(steps)
    }

    /// The next entries, and how many numbers were looked for; `None` when there are no more.
    pub(super) async fn next(&mut self, inner: &Inner) -> Result<Option<(Vec<QuarantineRow>, usize)>, Error> {
        let most = STEP.min(self.left);
        let (wanted, chosen) = match &self.selection {
            Selection::Numbers(numbers) => {
                let behind = numbers.iter().filter(|number| **number > self.after).take(most);
                let wanted: Vec<i64> = behind.copied().collect();
                let texts: Vec<String> = wanted.iter().map(i64::to_string).collect();
                (wanted, (format!(" AND id IN ({})", texts.join(", ")), Vec::new()))
            }
            Selection::Filter(filter) => (Vec::new(), filter.sql()),
        };
        let (condition, values) = of_sources(chosen, self.sources.as_deref());
        let by_number = matches!(self.selection, Selection::Numbers(_));
        if most == 0 || (by_number && wanted.is_empty()) {
            return Ok(None);
        }
        let table = inner.tables.sql("{quarantine}");
        let sql = format!(
            "SELECT {SELECTED} FROM {table} WHERE id > ? AND id <= ? AND {}{condition} ORDER BY id LIMIT {most}",
            self.states
        );
        let bounds = [Value::from(self.after), self.last.into()];
        let statement = inner.dialect.statement(&sql, bounds.into_iter().chain(values));
        let rows = inner.reader.query_all_raw(statement).await?;
        let rows = rows.iter().map(QuarantineRow::read).collect::<Result<Vec<_>, _>>()?;
        let last = rows.last().map(|row| row.entry.number);
        let Some(last) = wanted.last().copied().or(last) else {
            return Ok(None);
        };
        self.after = last;
        let looked_for = if by_number { wanted.len() } else { rows.len() };
        self.left -= looked_for;
        Ok(Some((rows, looked_for)))
    }

    /// From where to go on, if something may be left.
    pub(super) fn rest(&self) -> Option<i64> {
        (self.left == 0).then_some(self.after)
    }
}

/// The same condition, for some applications.
fn of_sources((mut condition, mut values): (String, Vec<Value>), sources: Option<&[Source]>) -> (String, Vec<Value>) {
    match sources {
        None => {}
        Some([]) => condition.push_str(" AND 1 = 0"),
        Some(sources) => {
            let places = vec!["?"; sources.len()].join(", ");
            condition.push_str(&format!(" AND source IN ({places})"));
            values.extend(sources.iter().map(|source| Value::from(source.as_str())));
        }
    }
    (condition, values)
}
