//! What a file may be called, how long it may be, and what only some may say.

use super::member::Member;
use super::offence::Offence;
use super::path::{Form, Path};
use super::rules::{EMPTY_NAMES, MOST_LINES, MOST_NAMES, RESERVED, Reserved, fits};
use super::source::Source;

/// Everything in a crate's files that is against the rules for files.
pub(crate) fn offences(place: &str, member: &Member, files: &[Source]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files {
        let label = format!("{place}/{}", file.file);
        offences.extend(name(&label, &file.file));
        if file.test {
            continue;
        }
        offences.extend(length(&label, file));
        if file.file.starts_with("src/") {
            offences.extend(globs(&label, file));
            offences.extend(surface(&label, file));
            let reserved = RESERVED.iter().filter(|reserved| reserved.member == member.name);
            offences.extend(reserved.flat_map(|reserved| words(&label, file, reserved)));
        }
    }
    offences
}

fn name(label: &str, file: &str) -> Option<Offence> {
    let inside = file.strip_suffix(".rs").unwrap_or(file);
    let mut parts = inside.split('/');
    if inside.ends_with("/mod") {
        return Some(Offence::about(
            label,
            "a `mod.rs` hides its name: use `name.rs` beside `name/`".to_owned(),
        ));
    }
    let empty = parts.find(|part| EMPTY_NAMES.iter().any(|pattern| fits(pattern, part)))?;
    Some(Offence::about(
        label,
        format!("the name `{empty}` says nothing: a file is one noun or one verb"),
    ))
}

fn length(label: &str, file: &Source) -> Option<Offence> {
    let text = format!("{} lines without its tests, more than {MOST_LINES}", file.lines);
    (file.lines > MOST_LINES).then(|| Offence::about(label, text))
}

fn globs(label: &str, file: &Source) -> Vec<Offence> {
    let exported = file
        .paths
        .iter()
        .filter(|path| path.form == Form::Glob { exported: true });
    exported
        .map(|path| {
            let text = format!("`pub use {}::*` exports what nobody named", path.segments.join("::"));
            Offence::at(label, path.line, text)
        })
        .collect()
}

/// Counts the names that a library offers at its root. Its modules are the table of contents
/// that sorts the others, and do not count.
fn surface(label: &str, file: &Source) -> Option<Offence> {
    let exported = |path: &&Path| path.within.is_empty() && matches!(path.form, Form::Use { exported: true, .. });
    let count = file.paths.iter().filter(exported).count();
    let text = format!("{count} names at the crate's root, more than {MOST_NAMES}");
    (file.file == "src/lib.rs" && count > MOST_NAMES).then(|| Offence::about(label, text))
}

fn words(label: &str, file: &Source, reserved: &Reserved) -> Vec<Offence> {
    if reserved.only.iter().any(|allowed| fits(allowed, &file.file)) {
        return Vec::new();
    }
    let mut offences = Vec::new();
    for word in reserved.words {
        for line in lines(file, word) {
            offences.push(Offence::at(
                label,
                line,
                format!("`{word}` is not for this file: {}", reserved.why),
            ));
        }
    }
    offences
}

/// The lines that say a word or begin a path so.
fn lines(file: &Source, word: &str) -> Vec<usize> {
    let parts: Vec<&str> = word.split("::").collect();
    if parts.len() == 1 {
        return file
            .tokens
            .iter()
            .filter(|token| token.text == word)
            .map(|token| token.line)
            .collect();
    }
    let says =
        |path: &&Path| path.segments.len() >= parts.len() && path.segments.iter().zip(&parts).all(|(a, b)| a == b);
    file.paths.iter().filter(says).map(|path| path.line).collect()
}
