//! All mutants in one build: those that do not compile are found by what the compiler complains of, and left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Outcome;

use super::mutant::Mutant;
use super::switched::{Place, Switched, module};
use super::tree::{Complaint, Tree};

/// What has come of the mutants, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Together {
    /// Those in the build, with the place that must be reached for them to be asked.
    pub(crate) places: BTreeMap<usize, usize>,
    /// Those that do not compile.
    pub(crate) unviable: BTreeSet<usize>,
    /// Those that must be built by themselves.
    pub(crate) apart: BTreeSet<usize>,
    /// Functions that must stay `const`.
    kept_const: BTreeSet<String>,
}

/// The switched files by their names, and the number of the first place in each.
type Files = BTreeMap<String, (usize, Switched)>;

impl Together {
    /// Writes the sources with all mutants into the tree, until they compile.
    ///
    /// # Errors
    ///
    /// When the compiler complains of something that is in no mutant.
    pub(crate) fn build(tree: &Tree, mutants: &[Mutant]) -> Outcome<Self> {
        let mut together = Self::default();
        loop {
            let files = together.write(tree, mutants)?;
            let complaints = tree.complaints()?;
            println!(
                "    {} mutants in one build: {} complaints of the compiler",
                mutants.len() - together.unviable.len() - together.apart.len(),
                complaints.len()
            );
            if complaints.is_empty() {
                together.settle(&files, mutants.len());
                return Ok(together);
            }
            let mut heeded = false;
            for complaint in &complaints {
                heeded |= together.heed(complaint, &files);
            }
            if !heeded {
                let text = complaints.first().map(|first| format!("{first:?}"));
                return Err(format!("the sources with mutants do not compile: {}", text.unwrap_or_default()).into());
            }
        }
    }

    fn write(&self, tree: &Tree, mutants: &[Mutant]) -> Outcome<Files> {
        let mut of_file: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
        for (number, mutant) in mutants.iter().enumerate() {
            let list = of_file.entry(&mutant.file).or_default();
            if !self.unviable.contains(&number) && !self.apart.contains(&number) {
                list.push((number, mutant));
            }
        }
        let (mut files, mut places) = (Files::new(), 0);
        for (file, mutants) in of_file {
            let switched = Switched::new(&tree.original(file)?, &mutants, places, &self.kept_const);
            tree.write(file, switched.text.as_bytes())?;
            let first = places;
            places += switched.places.len();
            files.insert(file.to_owned(), (first, switched));
        }
        let root = format!("{}/src/lib.rs", tree.package());
        let mut text = match files.get(&root) {
            Some((_, switched)) => switched.text.clone(),
            None => tree.original(&root)?,
        };
        text.push_str("\nmod mutant_switch;\n");
        tree.write(&root, text.as_bytes())?;
        tree.write(&tree.module(), module(places).as_bytes())?;
        Ok(files)
    }

    /// Takes out what a complaint is about, and answers whether anything was.
    fn heed(&mut self, complaint: &Complaint, files: &Files) -> bool {
        // Not const, and called where it must be.
        if complaint.code == "E0015" {
            let places = files.values().flat_map(|(_, switched)| &switched.places);
            let mut names = places.filter_map(|place| place.was_const.as_ref());
            if let Some(name) = names.find(|name| is_named(&complaint.text, name)) {
                self.kept_const.insert(name.clone());
                return true;
            }
        }
        for (file, byte) in &complaint.spots {
            let Some((_, switched)) = files.get(file) else { continue };
            let Some(place) = switched.places.iter().find(|place| place.range.contains(byte)) else {
                continue;
            };
            return self.take_out(place, *byte);
        }
        false
    }

    fn take_out(&mut self, place: &Place, byte: usize) -> bool {
        match place.bodies.iter().find(|(_, range)| range.contains(&byte)) {
            Some((number, _)) => {
                self.unviable.insert(*number);
            }
            // It is what they are together that is wrong.
            None => self.apart.extend(place.bodies.iter().map(|(number, _)| *number)),
        }
        !place.bodies.is_empty()
    }

    fn settle(&mut self, files: &Files, mutants: usize) {
        for (first, switched) in files.values() {
            for (at, place) in switched.places.iter().enumerate() {
                let numbers = place.bodies.iter().map(|(number, _)| (*number, first + at));
                self.places.extend(numbers);
            }
        }
        let is_left = |number: &usize| !self.places.contains_key(number) && !self.unviable.contains(number);
        let left: Vec<usize> = (0..mutants).filter(is_left).collect();
        self.apart.extend(left);
    }
}

/// Whether a text of the compiler names a function, by its path or without it.
fn is_named(text: &str, function: &str) -> bool {
    text.split('`').skip(1).step_by(2).any(|path| {
        let path = match path.strip_suffix('>') {
            Some(generic) => generic.rsplit_once("::<").map_or(path, |(path, _)| path),
            None => path,
        };
        path.rsplit("::").next() == Some(function)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::switched::{Place, Switched};
    use super::super::tree::Complaint;
    use super::{Files, Together, is_named};

    fn files() -> Files {
        let place = |range, bodies, name: Option<&str>| Place {
            range,
            bodies,
            was_const: name.map(str::to_owned),
        };
        let places = vec![
            place(0..50, vec![(3, 10..20), (4, 20..30)], None),
            place(60..90, vec![(5, 70..80)], Some("new")),
        ];
        let switched = Switched {
            text: String::new(),
            places,
        };
        Files::from([("a.rs".to_owned(), (7, switched))])
    }

    fn complaint(code: &str, text: &str, byte: usize) -> Complaint {
        Complaint {
            code: code.to_owned(),
            text: text.to_owned(),
            spots: vec![("std.rs".to_owned(), 15), ("a.rs".to_owned(), byte)],
        }
    }

    #[test]
    fn a_complaint_takes_out_what_it_is_about() {
        let mut together = Together::default();
        assert!(together.heed(&complaint("E0308", "mismatched types", 15), &files()));
        assert_eq!(together.unviable, BTreeSet::from([3]));
        assert!(together.heed(&complaint("E0282", "type annotations needed", 5), &files()));
        assert_eq!(together.apart, BTreeSet::from([3, 4]));
        assert!(!together.heed(&complaint("E0282", "type annotations needed", 55), &files()));
        let text = "cannot call non-const associated function `Name::<T>::new` in constants";
        assert!(together.heed(&complaint("E0015", text, 100), &files()));
        assert_eq!(together.kept_const, BTreeSet::from(["new".to_owned()]));
    }

    #[test]
    fn what_is_in_no_build_is_built_apart() {
        let mut together = Together {
            unviable: BTreeSet::from([0]),
            ..Together::default()
        };
        together.settle(&files(), 6);
        assert_eq!(
            together.places.into_iter().collect::<Vec<_>>(),
            [(3, 7), (4, 7), (5, 8)]
        );
        assert_eq!(together.apart, BTreeSet::from([1, 2]));
    }

    #[test]
    fn functions_are_named_with_their_paths() {
        assert!(is_named("function `a::new` in `b`", "new") && is_named("`new::<u8>`", "new"));
        assert!(!is_named("function `a::newer`, new", "new"));
    }
}
