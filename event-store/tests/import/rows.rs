//! What rows become.

use std::io::Write as _;

use event_core::metric::Metric;
use event_core::{Code, EventType, Query};
use event_store::TypeChange;
use event_store::import::{Columns, Header, ImportOptions, Keep, Outcome, Space};
use event_store::quarantine::{Selection, Work};

use crate::disk::Disk;
use crate::paper::{Paper, count, counts, events, import, imported, in_order, ndjson, quarantine, with};

const SAMPLE: &str = include_str!("../../../fixtures/customer_events.csv");

pub(crate) async fn the_sample_in_its_short_form(disk: Disk) {
    let store = disk.open().await;
    let paper = Paper::new(SAMPLE);
    let options = in_order("subject,name,data.transaction_id,timestamp");
    let first = imported(&store, &paper.path(), &options).await;
    assert_eq!(
        (first.pass.rows, first.pass.stored, first.pass.quarantined),
        (19, 17, 2)
    );
    assert_eq!(first.outcome, Outcome::Complete);
    let codes: Vec<_> = first.pass.codes.iter().map(|(code, rows)| (*code, *rows)).collect();
    assert_eq!(codes, [(Code::InvalidEnvelope, 1), (Code::InvalidTimestamp, 1)]);
    assert_eq!(first.pass.first.unwrap().to_string(), "2021-03-01T00:01:11.055000Z");
    assert_eq!(first.pass.last.unwrap().to_string(), "2021-03-01T04:07:14.277000Z");
    assert_eq!(count(&store).await, 17);
    assert_eq!(
        events(&store).await[0],
        "b4f9279a0196e40632e947dd1a88e857 INGEST 2021-03-01T00:01:11.055000Z \
         {\"transaction_id\":\"401938ed-f16c-407a-9c99-e7132856e7bf\"}"
    );
    let again = imported(&store, &paper.path(), &options).await;
    assert_eq!(
        (again.outcome, again.rows, again.pass.rows),
        (Outcome::NothingNew, 0, 0)
    );
    assert_eq!(again.previous, Some(first.pass));
    assert_eq!(count(&store).await, 17);
}

pub(crate) async fn c03_a_byte_order_mark_is_no_part_of_the_first_column(disk: Disk) {
    let store = disk.open().await;
    let mut options = with(Header::Present);
    options.name = Some("measured".parse().unwrap());
    let paper = Paper::new("\u{feff}subject,timestamp,a.b,data.x\nc-1,2026-01-01,7,y\n");
    assert_eq!(counts(&store, &paper.path(), &options).await, [1, 0, 0, 0]);
    assert_eq!(
        events(&store).await,
        ["c-1 measured 2026-01-01T00:00:00Z {\"a.b\":\"7\",\"x\":\"y\"}"]
    );
    let paper = Paper::new("\u{feff}{\"category\":\"a\",\"name\":\"b\"}\n");
    assert_eq!(counts(&store, &paper.path(), &ndjson()).await, [1, 0, 0, 0]);
}

pub(crate) async fn c07_a_row_is_the_same_however_it_is_written(disk: Disk) {
    let store = disk.open().await;
    let options = in_order("subject,data.text,timestamp");
    let plain = Paper::new("c-1,\"a \"\"b\"\"\nc\",2026-01-01\nc-2,x,2026-01-02\n");
    assert_eq!(counts(&store, &plain.path(), &options).await, [2, 0, 0, 0]);
    assert_eq!(
        events(&store).await[0],
        "c-1 measured 2026-01-01T00:00:00Z {\"text\":\"a \\\"b\\\"\\nc\"}"
    );
    let other = Paper::new("\"c-1\",\"a \"\"b\"\"\nc\",2026-01-01\r\n\r\n\"c-2\",x,\"2026-01-02\"");
    assert_eq!(counts(&store, &other.path(), &options).await, [0, 2, 0, 0]);
}

pub(crate) async fn c18_what_looks_like_a_formula_is_text(disk: Disk) {
    let store = disk.open().await;
    let paper = Paper::new("c,\"=cmd|' /C calc'!A0\",2026-01-01\nc,@x,2026-01-01\nc,-1,2026-01-01\n");
    let options = in_order("subject,data.a,timestamp");
    assert_eq!(counts(&store, &paper.path(), &options).await, [3, 0, 0, 0]);
    let texts = ["=cmd|' /C calc'!A0", "@x", "-1"].map(|text| format!("{{\"a\":\"{text}\"}}"));
    for (event, text) in events(&store).await.iter().zip(texts) {
        assert!(event.ends_with(&text), "{event}");
    }
}

pub(crate) async fn columns_become_what_they_are_declared_to_be(disk: Disk) {
    let store = disk.open().await;
    let columns =
        "-,id?,session_id,sequence,timestamp,data.a.b:number,data.a.c:boolean,data.d:json,data.e:integer?,data.f?";
    let paper = Paper::new(
        "skipped,e-1,s,3,2026-01-01,1.50,true,\"{\"\"x\"\":[1]}\",7,\n\
         skipped,,s,4,2026-01-01,-2e3,false,null,,text\n",
    );
    assert_eq!(counts(&store, &paper.path(), &in_order(columns)).await, [2, 0, 0, 0]);
    let data: Vec<String> = events(&store).await;
    assert!(
        data[0].ends_with(r#"{"a":{"b":1.5,"c":true},"d":{"x":[1]},"e":7}"#),
        "{data:?}"
    );
    assert!(
        data[1].ends_with(r#"{"a":{"b":-2000,"c":false},"d":null,"f":"text"}"#),
        "{data:?}"
    );
    let session = store.session(&"s".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(session.events.len(), 2);

    let mut trimmed = in_order("subject,data.n:number,timestamp");
    trimmed.space = Space::Trim;
    let paper = Paper::new(" c , 5 ,\t2026-01-01\n");
    assert_eq!(counts(&store, &paper.path(), &trimmed).await, [1, 0, 0, 0]);
    assert_eq!(events(&store).await[2], "c measured 2026-01-01T00:00:00Z {\"n\":5}");
}

pub(crate) async fn lines_of_ndjson_are_events(disk: Disk) {
    let store = disk.open().await;
    let paper = Paper::new(
        "{\"id\":\"1\",\"category\":\"a\",\"name\":\"b\",\"timestamp\":\"2026-01-01\"}\r\n\n\
         {\"category\":\"a\",\"name\":\"b\"}\n{\"category\":\"a\",\"name\":\"b\"}\n\
         {\"category\":\"a\"\n7\n{\"id\":\"1\",\"category\":\"a\",\"name\":\"c\"}",
    );
    let first = imported(&store, &paper.path(), &ndjson()).await.pass;
    assert_eq!((first.stored, first.quarantined), (3, 3));
    let codes: Vec<_> = first.codes.keys().map(|code| code.as_str()).collect();
    assert_eq!(codes, ["malformed_json", "invalid_envelope", "id_conflict"]);
    assert_eq!(quarantine(&store).await[0].raw.as_deref(), Some("{\"category\":\"a\""));
    // Under another label, too: rows without id are known by what they hold.
    let mut other = ndjson();
    other.label = Some("other".to_owned());
    assert_eq!(counts(&store, &paper.path(), &other).await, [0, 3, 3, 0]);
}

pub(crate) async fn equal_rows_that_were_refused_are_replayed_each(disk: Disk) {
    let store = disk.open().await;
    let kind = EventType::new("usage", "measured").unwrap();
    let strict = serde_json::json!({"properties": {"n": {"maximum": 5}}});
    let change = |schema: &serde_json::Value| TypeChange {
        schema: Some(schema.clone()),
        ..TypeChange::default()
    };
    store
        .register(&kind, &"1".parse().unwrap(), change(&strict))
        .await
        .unwrap();
    // Of lines, of a table, and of a mapping over lines: what is replayed is the event, with its own id.
    let line = r#"{"category":"usage","name":"measured","timestamp":"2026-01-01","data":{"n":7}}"#;
    let lines = Paper::new(format!("{line}\n{line}\n{line}\n"));
    assert_eq!(counts(&store, &lines.path(), &ndjson()).await, [0, 0, 3, 0]);
    let table = Paper::new("c,7,2026-01-02\nc,7,2026-01-02\n");
    let columns = in_order("subject,data.n:number,timestamp");
    assert_eq!(counts(&store, &table.path(), &columns).await, [0, 0, 2, 0]);
    let mut mapped = ndjson();
    (mapped.category, mapped.name) = (Some("usage".parse().unwrap()), Some("measured".parse().unwrap()));
    let rules = r#"{"occurred_at": "/at", "data": {"n": "/body/n"}}"#;
    mapped.mapping = Some(serde_json::from_str(rules).unwrap());
    let document = r#"{"at":"2026-01-03","body":{"n":7},"category":"x","name":"y"}"#;
    let documents = Paper::new(format!("{document}\n{document}\n"));
    assert_eq!(counts(&store, &documents.path(), &mapped).await, [0, 0, 2, 0]);

    let mild = serde_json::json!({"properties": {"n": {"maximum": 9}}});
    store
        .register(&kind, &"1".parse().unwrap(), change(&mild))
        .await
        .unwrap();
    let replayed = store.replay(&Work::on(Selection::default()), |_| ()).await.unwrap();
    assert_eq!(replayed.entries, 7);
    let stored = events(&store).await;
    assert_eq!(stored.len(), 7, "{stored:?}");
    assert!(stored.iter().all(|event| event.ends_with("{\"n\":7}")), "{stored:?}");
    // The same files again find all of it there.
    for (paper, options) in [(&lines, ndjson()), (&table, columns), (&documents, mapped)] {
        let mut again = options;
        again.label = Some("again".to_owned());
        let [stored, duplicates, refused, rejected] = counts(&store, &paper.path(), &again).await;
        assert_eq!((stored, refused, rejected), (0, 0, 0));
        assert!(duplicates >= 2);
    }
}

pub(crate) async fn a_mapping_lifts_rows_and_documents(disk: Disk) {
    let store = disk.open().await;
    let rules = r#"{"id": "/no", "subject": "/who", "occurred_at": "/at", "numbers": ["/n"],
                    "data": {"value": "/n", "kind": {"const": "k"}}}"#;
    let mut options = with(Header::Present);
    options.name = Some("measured".parse().unwrap());
    options.mapping = Some(serde_json::from_str(rules).unwrap());
    let paper = Paper::new("no,who,at,n\n1,c,2026-01-01,7.5\n2,c,2026-01-01,\"7,5\"\n3,c,soon,7\n");
    let pass = imported(&store, &paper.path(), &options).await.pass;
    assert_eq!((pass.stored, pass.quarantined), (1, 2));
    assert_eq!(
        pass.codes.keys().copied().collect::<Vec<_>>(),
        [Code::SchemaViolation, Code::InvalidTimestamp]
    );
    let mut documents = options.clone();
    documents.format = event_store::import::Format::Ndjson;
    let paper = Paper::new("{\"no\":1,\"who\":\"c\",\"at\":\"2026-01-01\",\"n\":\"7.5\"}\n{\"no\":4,\"n\":1}\n");
    assert_eq!(counts(&store, &paper.path(), &documents).await, [1, 1, 0, 0]);
    let expected = r#"{"kind":"k","value":7.5}"#;
    assert!(events(&store).await[0].ends_with(expected));
    // A type that says nothing of itself, and of which nothing is said, is refused.
    documents.category = None;
    documents.name = None;
    let refused = quarantine(&store).await.len();
    assert_eq!(counts(&store, &paper.path(), &documents).await, [0, 0, 2, 0]);
    assert_eq!(quarantine(&store).await.len(), refused + 2);
}

pub(crate) async fn compressed_files_are_the_same_files(disk: Disk) {
    let store = disk.open().await;
    let options = in_order("subject,name,data.transaction_id,timestamp");
    let paper = Paper::new("");
    let member = |text: &str| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let (start, end) = SAMPLE.split_at(700);
    paper.write([member(start), member(end)].concat());
    assert_eq!(counts(&store, &paper.path(), &options).await, [17, 0, 2, 0]);
    // The same under the same name, but packed in another way.
    paper.write(zstd::encode_all(SAMPLE.as_bytes(), 3).unwrap());
    assert_eq!(
        imported(&store, &paper.path(), &options).await.outcome,
        Outcome::NothingNew
    );
    let more = format!("{}\nc,INGEST,1,2021-03-02\n", SAMPLE.trim_end());
    paper.write(zstd::encode_all(format!("{SAMPLE}{}", &more[more.len() - 22..]).as_bytes(), 3).unwrap());
    assert_eq!(counts(&store, &paper.path(), &options).await, [1, 0, 0, 0]);

    let mut cut = member(SAMPLE);
    cut.truncate(cut.len() - 9);
    let paper = Paper::new(cut);
    let stopped = import(&store, &paper.path(), &options).await.unwrap_err();
    assert_eq!(stopped.failure.code(), "bad_content_encoding");
}

pub(crate) async fn only_counts_are_kept_and_each_row_counts_once(disk: Disk) {
    let store = disk.open().await;
    let kind = EventType::new("usage", "INGEST").unwrap();
    let by = vec!["subject".parse().unwrap()];
    let metric = Metric::new("usage".parse().unwrap(), kind, None, None, by).unwrap();
    store.declare(metric).await.unwrap();
    let mut options = in_order("subject,name,data.transaction_id,timestamp");
    options.keep = Keep::CountsOnly;
    let paper = Paper::new(SAMPLE);
    assert_eq!(counts(&store, &paper.path(), &options).await, [17, 0, 2, 0]);
    let asked = [
        ("measure", "count"),
        ("category", "usage"),
        ("name", "INGEST"),
        ("by", "subject"),
    ];
    let query = Query::from_pairs(asked).unwrap();
    let answer = store.answer(&query).await.unwrap();
    assert_eq!(
        answer
            .rows
            .iter()
            .map(|row| row.value.clone().unwrap().to_string())
            .collect::<Vec<_>>(),
        ["2", "15"]
    );
    assert!(events(&store).await.is_empty());
    // Under another label, or from the start, nothing is counted again.
    options.label = Some("other".to_owned());
    options.columns = Columns::InOrder(
        ["subject", "name", "data.transaction_id", "timestamp"]
            .map(|it| it.parse().unwrap())
            .into(),
    );
    assert_eq!(counts(&store, &paper.path(), &options).await, [0, 17, 2, 0]);
    assert_eq!(store.answer(&query).await.unwrap().rows, answer.rows);
}

/// Rows in no order of their ids, of which some come again, the same or another, in a batch and in the next.
pub(crate) async fn a_large_batch_keeps_the_first_of_each_id(disk: Disk) {
    let rows = 4_500;
    let mut text = String::new();
    for row in 0..rows {
        // Every id comes once, then one in three comes again: the same, or of another customer.
        let id = row * 2_711 % rows;
        text.push_str(&format!("i-{id},c-{},2021-03-01 00:00:00Z\n", id % 7));
    }
    for id in (0..rows).step_by(3) {
        let customer = if id % 2 == 0 { id % 7 } else { 99 };
        text.push_str(&format!("i-{id},c-{customer},2021-03-01 00:00:00Z\n"));
    }
    let paper = Paper::new(text);
    let store = disk.open().await;
    let kind = EventType::new("usage", "measured").unwrap();
    let by = vec!["subject".parse().unwrap()];
    let metric = Metric::new("usage".parse().unwrap(), kind, None, None, by).unwrap();
    store.declare(metric).await.unwrap();
    let asked = [("category", "usage"), ("name", "measured"), ("by", "subject")];
    let query = Query::from_pairs(asked).unwrap();
    let mut options = in_order("id,subject,timestamp");
    options.keep = Keep::CountsOnly;
    options.max_errors = u64::MAX;
    options.batch = ImportOptions::LARGE_BATCH;
    assert_eq!(counts(&store, &paper.path(), &options).await, [4_500, 750, 750, 0]);
    let rows: Vec<_> = store.answer(&query).await.unwrap().rows;
    let values: Vec<_> = rows.iter().map(|row| row.value.clone().unwrap().to_string()).collect();
    assert_eq!(values, ["643", "643", "643", "643", "643", "643", "642"]);
    // Once more, in small batches, nothing is new.
    options.label = Some("again".to_owned());
    options.batch = 700;
    assert_eq!(counts(&store, &paper.path(), &options).await, [0, 5_250, 750, 0]);
    assert_eq!(store.answer(&query).await.unwrap().rows, rows);
}
