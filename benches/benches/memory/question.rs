//! What is asked, and what an answer is, whoever gives it.

use event_core::{Answer, Query};

/// A question, by the name that the peers know it by.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    parameters: &'static [(&'static str, &'static str)],
}

pub(crate) const QUESTIONS: [Question; 4] = [
    Question {
        name: "hours",
        title: "Count per hour",
        parameters: &[("bucket", "hour")],
    },
    Question {
        name: "days",
        title: "Sum by day",
        parameters: &[("measure", "sum:/total"), ("bucket", "day")],
    },
    Question {
        name: "top",
        title: "Top 5 by their sums",
        parameters: &[("measure", "sum:/total"), ("by", "subject"), ("top", "5")],
    },
    Question {
        name: "provinces",
        title: "Sum by province",
        parameters: &[("measure", "sum:/total"), ("by", "/province")],
    },
];

impl Question {
    pub(crate) fn query(&self) -> Query {
        Query::from_pairs(self.parameters.iter().copied()).unwrap()
    }
}

/// How many in each hour of a zone.
pub(crate) fn hours(zone: &str) -> Query {
    Query::from_pairs([("bucket", "hour"), ("zone", zone)]).unwrap()
}

/// What the values are of, and the values, in order; decimals have no noughts at their ends.
pub(crate) type Pairs = Vec<(String, String)>;

/// The rows of an answer; the rest beside a top is left out, which the peers do not tell.
pub(crate) fn pairs(answer: &Answer) -> Pairs {
    let pair = |row: &event_core::aggregate::Row| {
        let of = match (&row.bucket, &row.group) {
            (Some(bucket), _) => bucket.start.to_string(),
            (None, Some(group)) => {
                let (_, text) = group.iter().next()?;
                serde_json::from_str(text).ok()?
            }
            (None, None) => String::new(),
        };
        Some((of, plain(&row.value.as_ref()?.to_string())))
    };
    answer.rows.iter().filter_map(pair).collect()
}

/// A number without noughts behind its last place.
pub(crate) fn plain(number: &str) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number.to_owned()
    }
}
