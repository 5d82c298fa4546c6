//! Files: imported, and exported.

use axum::http::Method;

use super::event::{chosen, ranged};
use super::problem::Problems;
use super::route::{Route, route};
use super::shape::{
    Shape, id, instant, integer, label, list, map, may, named, need, nullable, number, record, short, text, word,
};
use crate::body::Media;
use crate::reply::{Done, Reason};

const TAG: &str = "files";

pub(super) fn routes() -> Vec<Route> {
    vec![import(), export()]
}

fn import() -> Route {
    let bytes = || Shape::from(text().content_media_type("application/octet-stream"));
    route(
        &Method::POST,
        "/v1/import",
        "importFile",
        "Import a file of CSV or NDJSON while it comes",
    )
    .told("The same file under the same label goes on where it was left; nothing is stored twice.")
    .under(TAG)
    .with(
        "map",
        list(text()),
        "NAME=COLUMN: from which column a field comes; once a field",
    )
    .with("label", short(1_000), "Under which name its progress is remembered")
    .with(
        "format",
        word(["csv", "ndjson"]),
        "What the file is, where its content type does not say",
    )
    .with(
        "header",
        word(["present", "absent"]),
        "Whether the first record names the columns",
    )
    .with("delimiter", text(), "One character, or `tab`")
    .with(
        "columns",
        text(),
        "The fields of the columns in order, separated by commas",
    )
    .with("category", label(), "The category of events that name none")
    .with("name", label(), "The name of events that name none")
    .with("version", label(), "The version of events that name none")
    .with("source", id(), "The source of events that name none")
    .with("zone", text(), "The zone of times without an offset")
    .with(
        "space",
        word(["keep", "trim"]),
        "Whether space around values is cut off",
    )
    .with("max_errors", integer(1), "After so many refused rows the import ends")
    .with(
        "start",
        word(["resume", "over"]),
        "Whether to go on behind what was imported before",
    )
    .with(
        "last_record",
        word(["import", "leave"]),
        "What becomes of a last record without an end",
    )
    .with(
        "keep",
        word(["by_type", "counts_only"]),
        "Whether rows are kept, or only counted",
    )
    .takes([(Media::Csv, bytes()), (Media::Ndjson, bytes()), (Media::Bytes, bytes())])
    .compressed_by(&["gzip", "zstd", "identity"])
    .answers(named("Imported"), "What was imported")
    .finds(Problems::of_file)
    .refuses(&[
        Reason::ImportTaken,
        Reason::InvalidDefinition,
        Reason::TypeNotFound,
        Reason::MetricNotReady,
        Reason::CountsOnly,
    ])
}

fn export() -> Route {
    let export = route(
        &Method::GET,
        "/v1/export",
        "exportEvents",
        "Export events in the order of the log",
    )
    .told("The answer is written while it is read; one that is cut off is not complete.")
    .under(TAG)
    .with("format", word(["ndjson", "csv", "arrow"]), "`ndjson` unless given")
    .with("after", integer(0), "Only events behind this position")
    .with(
        "upcast",
        label(),
        "Write the data as of this version, or of the `latest`",
    )
    .with(
        "column",
        list(text()),
        "For CSV: a place in the data that gets a column of its own",
    )
    .with(
        "formulas",
        word(["escaped", "verbatim"]),
        "For CSV: whether what a spreadsheet would compute is escaped",
    );
    ranged(chosen(export))
        .answers_as(Done::Ok, "application/x-ndjson", text(), "The events")
        .answers_as(Done::Ok, "text/csv", text(), "The events")
        .answers_as(Done::Ok, "application/vnd.apache.arrow.stream", text(), "The events")
        .saying(
            "Event-Position",
            integer(0),
            "The position that it holds: the next export goes on behind it",
        )
        .finds(Problems::of_question)
}

pub(super) fn schemas() -> Vec<(&'static str, Shape)> {
    let tally = || {
        record([
            need("rows", integer(0)),
            need("stored", integer(0)),
            need("duplicates", integer(0)),
            need("quarantined", integer(0)),
            need("rejected", integer(0)),
            need("codes", map(integer(0))),
            may("first", instant()),
            may("last", instant()),
        ])
    };
    let imported = record([
        need("label", nullable(text())),
        need("outcome", word(["complete", "nothing_new", "stopped"])),
        need("pass", tally()),
        need("previous", nullable(tally())),
        need("total", tally()),
        need("resumed_at_line", nullable(integer(0))),
        need("rows", integer(0)),
        need("bytes", integer(0)),
        need("seconds", number()),
        need("rows_per_second", number()),
    ]);
    vec![("Imported", imported.into())]
}
