//! The image of the collector, without building it: what its file says, held to the workspace and to itself.

use std::fs;
use std::path::Path;

use crate::command::Outcome;

/// Debian's releases by number: what is linked on one of them does not run on an older one.
const DEBIAN: [(&str, u32); 4] = [("bookworm", 12), ("trixie", 13), ("forky", 14), ("duke", 15)];

/// Holds `deploy/Containerfile` to `Cargo.toml`, and its two images to each other.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let image = fs::read_to_string(root.join("deploy/Containerfile"))?;
    let offence = offence(&manifest, &image)?;
    if let Some(offence) = &offence {
        println!("    deploy/Containerfile: {offence}");
    }
    Ok(offence.is_none())
}

fn offence(manifest: &str, image: &str) -> Outcome<Option<String>> {
    let (wanted, compiler) = (
        between(manifest, "rust-version = \"", "\"")?,
        between(image, "/rust:", "-slim-")?,
    );
    if version(compiler)? < version(wanted)? {
        return Ok(Some(format!("Rust {compiler} is older than rust-version, {wanted}")));
    }
    if image.contains("DATABASE_URL=") {
        let message = "its DATABASE_URL has its way against the DATABASE_URL_FILE of compose.yaml";
        return Ok(Some(message.to_owned()));
    }
    let built = between(image, "-slim-", " AS build")?;
    let run = between(image, "/cc-debian", ":nonroot")?;
    let known = DEBIAN.iter().find(|(name, _)| *name == built);
    let (_, number) = known.ok_or_else(|| format!("no number is known for Debian's {built}"))?;
    Ok((run.parse::<u32>()? < *number).then(|| format!("built on {built} ({number}), run on the older Debian {run}")))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Outcome<&'a str> {
    let rest = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    Ok(rest
        .ok_or_else(|| format!("nothing stands between {before:?} and {after:?}"))?
        .0)
}

fn version(text: &str) -> Outcome<Vec<u32>> {
    Ok(text.split('.').map(str::parse).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::offence;

    #[test]
    fn neither_the_compiler_nor_the_system_is_too_old() {
        let image =
            "FROM docker.io/library/rust:1.94-slim-trixie AS build\nFROM gcr.io/distroless/cc-debian13:nonroot\n";
        let told = |version: &str, image: &str| offence(&format!("rust-version = \"{version}\"\n"), image);
        for (version, image, expected) in [
            ("1.94", image, None),
            ("1.9", image, None),
            ("1.94", &image.replace("1.94", "1.100.1"), None),
            ("1.94", &image.replace("debian13", "debian14"), None),
            ("1.95", image, Some("Rust 1.94 is older than rust-version, 1.95")),
            (
                "1.94",
                &image.replace("debian13", "debian12"),
                Some("built on trixie (13), run on the older Debian 12"),
            ),
            (
                "1.94",
                &format!("{image}ENV DATABASE_URL=sqlite://a.db\n"),
                Some("its DATABASE_URL has its way against the DATABASE_URL_FILE of compose.yaml"),
            ),
        ] {
            assert_eq!(told(version, image).unwrap().as_deref(), expected, "{version} {image}");
        }
        assert!(told("1.94", "FROM scratch\n").is_err());
    }
}
