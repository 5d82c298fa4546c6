//! A change of one place in a source, as cargo-mutants lists it.

use std::ops::Range;

use crate::json::Json;

/// A line and a column, from one, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    line: usize,
    column: usize,
}

/// What is changed, and into what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// `event-core/src/code.rs:118:9: replace …`.
    pub(crate) name: String,
    /// As seen from the root of the workspace.
    pub(crate) file: String,
    pub(crate) replacement: String,
    place: (Spot, Spot),
    function: Option<Function>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Function {
    place: (Spot, Spot),
    answers: String,
}

impl Mutant {
    /// Reads the list of `cargo mutants --list --json`.
    ///
    /// # Errors
    ///
    /// When it is not such a list.
    pub(crate) fn read(list: &str) -> Result<Vec<Self>, String> {
        Json::read(list)?.list().iter().map(Self::one).collect()
    }

    fn one(json: &Json) -> Result<Self, String> {
        let function = json.get("function");
        let function = match function.is_null() {
            true => None,
            false => Some(Function {
                place: place(function.get("span"))?,
                answers: function.get("return_type").text().to_owned(),
            }),
        };
        Ok(Self {
            name: json.get("name").text().to_owned(),
            file: json.get("file").text().to_owned(),
            replacement: json.get("replacement").text().to_owned(),
            place: place(json.get("span"))?,
            function,
        })
    }

    /// The bytes that are replaced.
    pub(crate) fn range(&self, text: &str) -> Range<usize> {
        range(text, self.place)
    }

    /// The bytes of the function that it lies in.
    pub(crate) fn function(&self, text: &str) -> Option<Range<usize>> {
        self.function.as_ref().map(|function| range(text, function.place))
    }

    /// Whether that function answers a type that only its body says: two bodies would be two types.
    pub(crate) fn is_opaque(&self) -> bool {
        self.function
            .as_ref()
            .is_some_and(|function| function.answers.contains("impl "))
    }
}

fn place(span: &Json) -> Result<(Spot, Spot), String> {
    let spot = |name: &str| -> Result<Spot, String> {
        let number = |of: &str| -> Result<usize, String> {
            let text = span.get(name).get(of).text();
            text.parse().map_err(|_| format!("cargo-mutants gives no {of}"))
        };
        Ok(Spot {
            line: number("line")?,
            column: number("column")?,
        })
    };
    Ok((spot("start")?, spot("end")?))
}

fn range(text: &str, (start, end): (Spot, Spot)) -> Range<usize> {
    offset(text, start)..offset(text, end)
}

fn offset(text: &str, spot: Spot) -> usize {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(spot.line - 1).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    let column = line
        .char_indices()
        .nth(spot.column - 1)
        .map_or(line.len(), |(at, _)| at);
    before + column
}

/// Part `part` (from one) of `parts`, drawn by the seed; all parts of one seed together are all, each once. They stay in the
/// order in which they were drawn, so that the first of them are as good a sample as all.
pub(crate) fn sample(mutants: Vec<Mutant>, seed: u64, part: usize, parts: usize) -> Vec<Mutant> {
    let mut drawn: Vec<(u64, Mutant)> = mutants
        .into_iter()
        .map(|mutant| (mixed(seed, &mutant.name), mutant))
        .collect();
    drawn.sort_by_key(|(key, _)| *key);
    let part = drawn.into_iter().skip(part - 1).step_by(parts);
    part.map(|(_, mutant)| mutant).collect()
}

/// FNV-1a, and the last steps of `SplitMix64`, so that the order has nothing to do with that of the names.
fn mixed(seed: u64, name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut mixed = hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Mutant, sample};

    const LIST: &str = r#"[{"name": "a/src/lib.rs:2:9: replace == with !=", "file": "a/src/lib.rs", "replacement": "!=",
        "span": {"start": {"line": 2, "column": 9}, "end": {"line": 2, "column": 11}},
        "function": {"return_type": "-> impl Iterator", "span":
            {"start": {"line": 1, "column": 1}, "end": {"line": 3, "column": 2}}}},
        {"name": "a/src/lib.rs:4:1: replace 1", "file": "a/src/lib.rs", "replacement": "", "function": null,
        "span": {"start": {"line": 4, "column": 1}, "end": {"line": 4, "column": 2}}}]"#;

    #[test]
    fn a_list_is_read() {
        let read = Mutant::read(LIST).unwrap();
        let text = "fn f() {\n    é £ == 1\n}\n1";
        assert_eq!(&text[read[0].range(text)], "==");
        assert_eq!(&text[read[0].function(text).unwrap()], "fn f() {\n    é £ == 1\n}");
        assert!(read[0].is_opaque() && !read[1].is_opaque());
        assert_eq!(&text[read[1].range(text)], "1");
        assert_eq!(read[1].function(text), None);
        assert!(Mutant::read("[{\"span\": {}}]").is_err());
    }

    #[test]
    fn parts_of_a_seed_are_all_of_them_each_once() {
        let read = Mutant::read(LIST).unwrap();
        let all: Vec<Mutant> = (0..100)
            .map(|number| Mutant {
                name: number.to_string(),
                ..read[0].clone()
            })
            .collect();
        let names = |mutants: &[Mutant]| -> Vec<String> { mutants.iter().map(|mutant| mutant.name.clone()).collect() };
        let mut drawn: Vec<String> = (1..=3)
            .flat_map(|part| names(&sample(all.clone(), 7, part, 3)))
            .collect();
        assert_eq!(drawn.len(), 100);
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), 100);
        let [one, same, other] = [7, 7, 8].map(|seed| names(&sample(all.clone(), seed, 1, 3)));
        assert!(one == same && one != other);
    }
}
