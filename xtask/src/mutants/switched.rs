//! A source in which each changed function has one body more for each of its mutants, and asks which of them is meant:
//! built once, it is all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::mutant::Mutant;

/// The module that is asked, and the variables of the environment that it reads: the number of the mutant, and the file to
/// which it writes the places that were reached.
pub(crate) const ACTIVE: &str = "MUTANT_ACTIVE";
pub(crate) const REACHED: &str = "MUTANT_REACHED";

/// What the compiler sees to be wrong of a mutant only when it makes a program of it: it is to be seen by a test.
const ALLOWED: &str = "#[allow(arithmetic_overflow, unconditional_panic)] ";

/// A file with all of its mutants.
#[derive(Debug, Default)]
pub(crate) struct Switched {
    pub(crate) text: String,
    pub(crate) places: Vec<Place>,
}

/// A function with its bodies; the bytes are those of the switched text.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) range: Range<usize>,
    pub(crate) bodies: Vec<(usize, Range<usize>)>,
    /// The name of a function that was `const`, and could no longer be.
    pub(crate) was_const: Option<String>,
}

/// A function before it is switched: from its first byte to its last, and its mutants by their numbers.
struct Group<'a> {
    range: Range<usize>,
    mutants: Vec<(usize, &'a Mutant)>,
}

impl Switched {
    /// Switches the mutants of one file; `first` is the number of its first place. What lies in no function, in one that
    /// answers an opaque type, or in a `const` one of these names, is left as it is.
    pub(crate) fn new(text: &str, mutants: &[(usize, &Mutant)], first: usize, kept_const: &BTreeSet<String>) -> Self {
        let mut switched = Self::default();
        let mut done = 0;
        for group in groups(text, mutants) {
            let Some(body) = body(text, &group.range) else { continue };
            let signature = &text[group.range.start..body.start];
            let const_name = const_name(signature);
            let is_kept = const_name.as_ref().is_some_and(|name| kept_const.contains(name));
            let is_opaque = group.mutants.iter().any(|(_, mutant)| mutant.is_opaque());
            if is_kept {
                continue;
            }
            switched.text.push_str(&text[done..group.range.start]);
            let start = switched.text.len();
            switched.text.push_str(ALLOWED);
            switched.text.push_str(&match const_name {
                Some(_) => signature.replacen("const ", "", 1),
                None => signature.to_owned(),
            });
            let number = first + switched.places.len();
            let bodies = match is_opaque {
                true => switched.probe(number, &text[body.clone()]),
                false => switched.bodies(text, &body, number, &group),
            };
            switched.places.push(Place {
                range: start..switched.text.len(),
                bodies,
                was_const: const_name,
            });
            done = body.end;
        }
        switched.text.push_str(&text[done..]);
        switched
    }

    /// The body as it was, which only says that it was reached.
    fn probe(&mut self, number: usize, body: &str) -> Vec<(usize, Range<usize>)> {
        let call = format!("{{ let _ = crate::mutant_switch::active({number}); {body} }}");
        self.text.push_str(&call);
        Vec::new()
    }

    fn bodies(
        &mut self,
        text: &str,
        body: &Range<usize>,
        place: usize,
        group: &Group<'_>,
    ) -> Vec<(usize, Range<usize>)> {
        self.text
            .push_str(&format!("{{ match crate::mutant_switch::active({place}) {{\n"));
        let mut bodies = Vec::new();
        for (number, mutant) in &group.mutants {
            self.text.push_str(&format!("{number} => "));
            let start = self.text.len();
            let changed = mutant.range(text);
            self.text.push_str(&text[body.start..changed.start]);
            self.text.push_str(&mutant.replacement);
            self.text.push_str(&text[changed.end..body.end]);
            bodies.push((*number, start..self.text.len()));
            self.text.push('\n');
        }
        self.text.push_str("_ => ");
        self.text.push_str(&text[body.clone()]);
        self.text.push_str("\n}}");
        bodies
    }
}

/// The outermost functions, in their order, with the mutants in them.
fn groups<'a>(text: &str, mutants: &[(usize, &'a Mutant)]) -> Vec<Group<'a>> {
    let mut functions: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, mutant) in mutants {
        if let Some(function) = mutant.function(text) {
            let end = functions.entry(function.start).or_default();
            *end = function.end.max(*end);
        }
    }
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (start, end) in functions {
        // One inside of another belongs to the outer one.
        if groups.last().is_none_or(|last| last.range.end <= start) {
            groups.push(Group {
                range: start..end,
                mutants: Vec::new(),
            });
        }
    }
    for (number, mutant) in mutants {
        let Some(function) = mutant.function(text) else {
            continue;
        };
        if let Some(group) = groups.iter_mut().find(|group| group.range.contains(&function.start)) {
            group.mutants.push((*number, mutant));
        }
    }
    groups
}

/// The body of a function with its braces: what follows its signature, in which no brace stands but within brackets.
fn body(text: &str, function: &Range<usize>) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    let mut rest = text[function.clone()].char_indices().peekable();
    while let Some((at, sign)) = rest.next() {
        match sign {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(function.start + at..function.end),
            '/' if rest.peek().is_some_and(|(_, next)| *next == '/') => {
                while rest.next_if(|(_, sign)| *sign != '\n').is_some() {}
            }
            '"' => {
                while let Some((_, sign)) = rest.next_if(|(_, sign)| *sign != '"') {
                    if sign == '\\' {
                        rest.next();
                    }
                }
                rest.next();
            }
            _ => {}
        }
    }
    None
}

/// The name of a `const fn`, from its signature.
fn const_name(signature: &str) -> Option<String> {
    let (_, rest) = signature.split_once("const fn ")?;
    let name = rest.split(['(', '<', ' ']).next()?;
    Some(name.to_owned())
}

/// The source of the module that the switched functions ask.
pub(crate) fn module(places: usize) -> String {
    format!(
        r#"//! Says which mutant is meant, and writes down which places were reached.
#![allow(dead_code, missing_docs, clippy::all)]
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{{AtomicBool, Ordering}};

static REACHED: [AtomicBool; {places} + 1] = [const {{ AtomicBool::new(false) }}; {places} + 1];

pub(crate) fn active(place: usize) -> usize {{
    static STATE: OnceLock<(usize, Option<std::ffi::OsString>)> = OnceLock::new();
    let (active, file) = STATE.get_or_init(|| {{
        let number = std::env::var("{ACTIVE}").ok().and_then(|text| text.parse().ok());
        (number.unwrap_or(usize::MAX), std::env::var_os("{REACHED}"))
    }});
    if let Some(file) = file
        && !REACHED[place].swap(true, Ordering::Relaxed)
        && let Ok(mut file) = std::fs::File::options().create(true).append(true).open(file)
    {{
        let _ = file.write_all(format!("{{place}}\n").as_bytes());
    }}
    *active
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::mutant::Mutant;
    use super::{ALLOWED, Switched, body, const_name};

    /// A mutant of `old`, which stands in the text once, in the function from `start` to `end` of lines.
    fn mutant(text: &str, old: &str, new: &str, (start, end): (usize, usize), answers: &str) -> Mutant {
        let at = text.find(old).unwrap();
        let line = text[..at].matches('\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |newline| newline + 1) + 1;
        let last = text.lines().nth(end - 1).unwrap().len() + 1;
        let list = format!(
            r#"[{{"name": "m", "file": "f", "replacement": "{new}",
            "span": {{"start": {{"line": {line}, "column": {column}}}, "end": {{"line": {line}, "column": {}}}}},
            "function": {{"return_type": "{answers}", "span":
            {{"start": {{"line": {start}, "column": 1}}, "end": {{"line": {end}, "column": {last}}}}}}}}}]"#,
            column + old.len()
        );
        Mutant::read(&list).unwrap().remove(0)
    }

    const TEXT: &str = "const fn f(a: [u8; { 2 }]) -> bool {\n    a.len() == 1\n}\n\nfn g() { h() }\n";

    #[test]
    fn a_function_has_a_body_for_each_mutant() {
        let [one, two] = [
            mutant(TEXT, "==", "!=", (1, 3), ""),
            mutant(TEXT, "h()", "()", (5, 5), ""),
        ];
        let switched = Switched::new(TEXT, &[(4, &one), (9, &two)], 20, &BTreeSet::new());
        assert_eq!(
            switched.text.replace(ALLOWED, ""),
            "fn f(a: [u8; { 2 }]) -> bool { match crate::mutant_switch::active(20) {\n\
             4 => {\n    a.len() != 1\n}\n_ => {\n    a.len() == 1\n}\n}}\n\n\
             fn g() { match crate::mutant_switch::active(21) {\n9 => { () }\n_ => { h() }\n}}\n"
        );
        let [place, other] = &switched.places[..] else {
            panic!("two functions")
        };
        let (number, range) = place.bodies[0].clone();
        assert_eq!((number, &switched.text[range]), (4, "{\n    a.len() != 1\n}"));
        assert_eq!(
            (place.was_const.as_deref(), other.was_const.as_deref()),
            (Some("f"), None)
        );
        assert!(switched.text[other.range.clone()].starts_with(&format!("{ALLOWED}fn g() {{")));
    }

    #[test]
    fn what_must_stay_const_or_is_opaque_stays() {
        let one = mutant(TEXT, "==", "!=", (1, 3), "");
        let kept = Switched::new(TEXT, &[(4, &one)], 0, &BTreeSet::from(["f".to_owned()]));
        assert!(kept.text == TEXT && kept.places.is_empty());
        let two = mutant(TEXT, "h()", "()", (5, 5), "-> impl Fn()");
        let probed = Switched::new(TEXT, &[(9, &two)], 3, &BTreeSet::new());
        assert!(
            probed
                .text
                .replace(ALLOWED, "")
                .ends_with("fn g() { let _ = crate::mutant_switch::active(3); { h() } }\n")
        );
        assert!(probed.places[0].bodies.is_empty());
    }

    #[test]
    fn a_body_begins_behind_its_signature() {
        let text = "// {\n#[doc = \"{ \\\" {\"]\nfn f(a: [u8; { 2 }]) -> u8 { 1 }";
        assert_eq!(body(text, &(0..text.len())).map(|range| &text[range]), Some("{ 1 }"));
        assert_eq!(body("fn f();", &(0..7)), None);
        assert_eq!(const_name("pub const fn from<T>(").as_deref(), Some("from"));
        assert_eq!(const_name("fn from(a: *const u8)"), None);
    }
}
