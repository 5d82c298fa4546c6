//! Between crates: what each pulls in, as `cargo tree` tells it.

use std::collections::BTreeSet;
use std::path::Path;

use super::member::Member;
use super::offence::Offence;
use super::rules::{FEATURES, LAYERS, Layer, fits};
use crate::command::{Outcome, cargo, output};

/// Everything in the trees of the layers that are there, and every forbidden feature.
pub(crate) fn offences(root: &Path, members: &[Member]) -> Outcome<Vec<Offence>> {
    let mut offences = Vec::new();
    let built = |layer: &&Layer| members.iter().any(|member| member.name == layer.name);
    for layer in LAYERS.iter().filter(built) {
        let tree = ["tree", "-p", layer.name, "-e", "normal", "--prefix", "none", "--quiet"];
        let everything = output(&mut cargo(root, &[&tree[..], &["--all-features"]].concat()))?;
        offences.extend(forbidden(layer, &everything));
        offences.extend(too_many(layer, &output(&mut cargo(root, &tree))?));
    }
    let tree = [
        "tree",
        "--workspace",
        "--all-features",
        "-e",
        "features",
        "--prefix",
        "none",
        "--quiet",
    ];
    offences.extend(features(&output(&mut cargo(root, &tree))?));
    Ok(offences)
}

/// Crates in the tree of a layer that it must not pull in.
pub(crate) fn forbidden(layer: &Layer, tree: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (name, version) in crates(tree).into_iter().filter(|(name, _)| *name != layer.name) {
        if layer.forbidden.iter().any(|pattern| fits(pattern, name)) {
            let text = format!(
                "pulls in {name} {version}: `cargo tree -p {} -e normal -i {name}` shows how",
                layer.name
            );
            offences.push(Offence::about(layer.name, text));
        }
    }
    offences
}

/// A tree that has grown over its limit.
pub(crate) fn too_many(layer: &Layer, tree: &str) -> Option<Offence> {
    let count = crates(tree).len();
    let most = layer.most_crates.filter(|most| count > *most)?;
    Some(Offence::about(
        layer.name,
        format!("its users must build {count} crates, more than {most}"),
    ))
}

/// Forbidden features in a tree made with `-e features`.
pub(crate) fn features(tree: &str) -> Vec<Offence> {
    let lines = tree.lines().filter_map(|line| line.split_once(" feature \""));
    let on: BTreeSet<(&str, &str)> = lines
        .filter_map(|(name, rest)| Some((name, rest.split_once('"')?.0)))
        .collect();
    let mut offences = Vec::new();
    for (name, feature) in on {
        for rule in FEATURES
            .iter()
            .filter(|rule| fits(rule.of, name) && rule.name == feature)
        {
            offences.push(Offence::about(
                name,
                format!("the feature `{feature}` is on: {}", rule.why),
            ));
        }
    }
    offences
}

/// Name and version of every crate, each once; cargo repeats crates, marked `(*)`.
fn crates(tree: &str) -> BTreeSet<(&str, &str)> {
    let lines = tree.lines().filter(|line| !line.starts_with('['));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap_or(rest)))
        .collect()
}
