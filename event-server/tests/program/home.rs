use crate::collector::Collector;

#[test]
fn the_page_greets_shows_and_escapes() {
    let collector = Collector::start();
    let empty = collector.get("/");
    assert_eq!(
        (empty.status, empty.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = empty.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert!(empty.text().contains("No event is stored yet"));
    assert!(empty.text().contains(&format!("curl '{}/v1/events'", collector.url())));
    assert_eq!(
        collector.get("/page.css").header("content-type"),
        Some("text/css; charset=utf-8")
    );

    collector.post(
        "/v1/events",
        r#"[{"id": "<i>", "category": "<b>", "name": "</td><script>alert(1)</script>", "session_id": "<s>",
             "data": {"html": "<img src=x onerror=alert(1)>\u2028{{7*7}}"}}, 7]"#,
    );
    let page = collector.get("/");
    assert!(page.text().contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(page.text().contains("invalid_envelope"));
    for tag in ["<b>", "<i>", "<s>", "<script>", "<img"] {
        assert!(!page.text().contains(tag), "{tag}");
    }
}

/// A line for a shell: what stands between single quotes is one word.
fn words(line: &str) -> Vec<String> {
    let plain = line
        .replace("\\\n", " ")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&amp;", "&");
    let mut words = Vec::new();
    for (at, part) in plain.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_lines_to_paste_do_what_they_say() {
    let collector = Collector::start();
    let page = collector.get("/").text().to_owned();
    let lines: Vec<&str> = page
        .split("<pre><code>")
        .skip(1)
        .map(|rest| rest.split_once("</code>").unwrap().0)
        .collect();
    let mut answers = Vec::new();
    for line in lines {
        let words = words(line);
        let behind = |flag: &str| {
            words
                .iter()
                .position(|word| word == flag)
                .map(|at| words[at + 1].as_str())
        };
        let url = words.iter().find(|word| word.starts_with("http://")).unwrap();
        let path = url.strip_prefix(&collector.url()).unwrap();
        let body = behind("-d").unwrap_or_default();
        let method = behind("-X").unwrap_or(if body.is_empty() { "GET" } else { "POST" });
        let header = behind("-H").map(|header| header.split_once(": ").unwrap());
        let response = collector.request(method, path, header.as_slice(), body);
        assert!(response.status < 300, "{line}: {}", response.text());
        answers.push(response.json());
    }
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["schema"]["required"][0], "path");
    assert_eq!(answers[1]["results"][0]["status"], "stored");
    assert_eq!(answers[2]["results"][0]["violations"][0]["keyword"], "required");
    assert_eq!(answers[3]["events"][0]["id"], "e-1");
    let counts = answers[4]["rows"].as_array().unwrap().iter();
    let total: u64 = counts
        .map(|row| row["value"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, 1);
}
