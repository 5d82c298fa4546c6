use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::collector::Collector;

const README: &str = include_str!("../../../README.md");

/// The lines of the README that speak to a collector, in order. (That `pip install` works is the wheel's own test.)
fn lines() -> Vec<&'static str> {
    let blocks = README.split("```sh\n").skip(1);
    let lines = blocks.map(|block| block.split("```").next().unwrap().trim());
    lines.filter(|line| line.starts_with("curl ")).collect()
}

/// Runs a line as it stands, from the folder of the README, but against this collector.
fn paste(line: &str, collector: &Collector) -> Value {
    let line = line.replace("http://127.0.0.1:8000", &collector.url());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(folder)
        .output()
        .expect("bash and curl");
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{line}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn the_third_command_of_a_newcomer_shows_on_the_page() {
    let (_, behind) = README.split_once("## Three commands").unwrap();
    let block = behind.split("```").nth(1).unwrap();
    let commands: Vec<&str> = block.lines().skip(1).filter(|line| !line.is_empty()).collect();
    assert!(
        commands.len() == 3 && commands[1] == "cargo run --release",
        "{commands:?}"
    );
    let collector = Collector::start();
    assert!(!collector.get("/").text().contains("page / view"));
    assert_eq!(paste(commands[2], &collector)["results"][0]["status"], "stored");
    let page = collector.get("/").text().to_owned();
    assert!(
        page.contains("page / view: 1</title>") && page.contains("{&quot;path&quot;:&quot;/&quot;}"),
        "{page}"
    );
}

#[test]
fn the_lines_of_the_readme_do_what_they_say() {
    let collector = Collector::start();
    let lines = lines();
    assert_eq!(lines.len(), 7, "{lines:?}");

    let registered = paste(lines[0], &collector);
    assert_eq!(
        (&registered["name"], &registered["active"]),
        (&json!("pageview"), &json!(true))
    );

    let sent = paste(lines[1], &collector);
    let statuses: Vec<_> = sent["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| &verdict["status"])
        .collect();
    assert_eq!(statuses, ["stored", "stored", "stored"]);
    // Two of the three are of types that nobody registered.
    assert_eq!(sent["results"][0]["flags"], json!(["no_id"]));
    assert_eq!(sent["results"][1]["flags"], json!(["no_id", "unplanned"]));

    let refused = paste(lines[2], &collector);
    let verdict = &refused["results"][0];
    assert_eq!(
        (&verdict["status"], &verdict["code"]),
        (&json!("quarantined"), &json!("schema_violation"))
    );
    assert_eq!(verdict["id"], "bad-1");
    let keywords: Vec<_> = verdict["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["keyword"])
        .collect();
    assert_eq!(keywords, ["required", "type"]);
    let kept = collector.get("/v1/quarantine").json();
    assert_eq!(kept["entries"][0]["id"], "bad-1");

    let visit = paste(lines[3], &collector);
    let names: Vec<_> = visit["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["name"])
        .collect();
    assert_eq!(names, ["pageview", "cta click", "submit"]);

    let counts = paste(lines[4], &collector);
    let rows = counts["rows"].as_array().unwrap();
    // Three names in three hours, of which only the second has events.
    assert_eq!(rows.len(), 9);
    let filled: Vec<_> = rows.iter().filter(|row| row["value"] == "1").collect();
    assert_eq!(filled.len(), 3);
    assert!(
        filled
            .iter()
            .all(|row| row["bucket"]["start"] == "2021-01-01T09:00:00Z")
    );
    assert_eq!((&counts["source"], &counts["position"]), (&json!("rows"), &json!(3)));

    let metric = paste(lines[5], &collector);
    assert_eq!((&metric["metric"], &metric["since"]), (&json!("views"), &json!(3)));
    let started = Instant::now();
    while collector.get("/v1/metrics/views").json()["ready"] != true {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{}",
            collector.get("/v1/metrics").text()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let views = paste(lines[6], &collector);
    assert_eq!((&views["source"], &views["position"]), (&json!("cells"), &json!(3)));
    let values: Vec<_> = views["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["value"])
        .collect();
    assert_eq!(values, ["0", "1", "0"]);
}
