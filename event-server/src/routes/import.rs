//! `POST /v1/import`: a file of CSV or NDJSON, imported while it comes.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::query::ParameterError;
use event_core::{Code, Source};
use event_store::Origin;
use event_store::api_key::{Access, Principal};
use event_store::import::{Column, Columns, Format, Header, ImportOptions, Input, Keep, LastRecord, Space, Start};
use tokio::sync::Semaphore;

use super::App;
use crate::auth;
use crate::body::{Media, Upload};
use crate::reply::{self, Failure, Reason};
use crate::target::Parameters;

/// So many files are imported at a time: each has a thread, and some megabytes.
static IMPORTS: Semaphore = Semaphore::const_new(4);

const KINDS: [Media; 3] = [Media::Csv, Media::Ndjson, Media::Bytes];

pub(super) async fn upload(
    State(app): State<App>,
    parameters: Parameters,
    request: Request,
) -> Result<Response, Failure> {
    let mut origin = auth::origin(&request, &app.config);
    let sender = auth::sender(&request).cloned();
    let asked = Asked::read(&parameters)?;
    asked.speak(&mut origin, sender.as_ref())?;
    let Ok(_permit) = IMPORTS.try_acquire() else {
        let detail = "as many files are imported as can be at a time; try again later";
        return Err(Failure::new(Reason::Overloaded, detail));
    };
    let (media, upload, uploaded) = Upload::of(request, &KINDS)?;
    let options = asked.options(media, origin)?;
    let input = Input::stream(uploaded).at_most(app.config.import_bytes as u64);
    let (imported, sent) = tokio::join!(app.store.import(input, options, |_| {}), upload.run(&app.config));
    // How many there are shows when they are there: the rate does not count them, the quota of the day does.
    let rows = match &imported {
        Ok(report) => report.rows,
        Err(stopped) => stopped.imported.as_ref().map_or(0, |report| report.rows),
    };
    if let Some(sender) = &sender {
        app.store.spend(sender, rows);
    }
    let stopped = match imported {
        Ok(imported) => return Ok(reply::json(&imported)),
        Err(stopped) => stopped,
    };
    // What went wrong with the body is why it could not be read.
    let failure = sent.err().unwrap_or_else(|| stopped.failure.into());
    Err(match stopped.imported {
        Some(report) => failure.reporting(&report),
        None => failure,
    })
}

/// What is declared of a file by parameters.
#[derive(Default)]
struct Asked<'a> {
    map: Vec<(String, Column)>,
    once: [Option<&'a str>; NAMES.len()],
}

/// The parameters that may be given once each.
const NAMES: [&str; 15] = [
    "label",
    "format",
    "header",
    "delimiter",
    "columns",
    "category",
    "name",
    "version",
    "source",
    "zone",
    "space",
    "max_errors",
    "start",
    "last_record",
    "keep",
];

impl<'a> Asked<'a> {
    fn read(parameters: &'a Parameters) -> Result<Self, ParameterError> {
        let mut asked = Asked::default();
        for (name, value) in parameters.pairs() {
            if name == "map" {
                let column = value
                    .rsplit_once('=')
                    .ok_or_else(|| wrong(name, "this is written as NAME=COLUMN"))?;
                asked.map.push((column.0.to_owned(), parsed(name, column.1)?));
                continue;
            }
            let Some(place) = NAMES.iter().position(|known| *known == name) else {
                let message = format!("unknown parameter; there are map, {}", NAMES.join(", "));
                return Err(ParameterError::new(name, Code::UnknownParameter, message));
            };
            if asked.once[place].replace(value).is_some() {
                return Err(wrong(name, "this is given twice"));
            }
        }
        Ok(asked)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let place = NAMES.iter().position(|known| *known == name)?;
        self.once[place]
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Option<T>, ParameterError> {
        self.get(name).map(|text| parsed(name, text)).transpose()
    }

    /// One of a few words; the first is meant where there is none.
    fn one_of<T: Copy, const N: usize>(&self, name: &str, words: [(&str, T); N]) -> Result<T, ParameterError> {
        let Some(text) = self.get(name) else {
            return Ok(words[0].1);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        let known = || words.map(|(word, _)| word).join(" or ");
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| wrong(name, format!("this is {}", known())))
    }

    /// For whom the rows speak, and in which zone.
    fn speak(&self, origin: &mut Origin, sender: Option<&Principal>) -> Result<(), Failure> {
        if let Some(source) = self.parsed::<Source>("source")? {
            match sender {
                Some(sender) if !sender.rights.has_source(&source) => {
                    let advice = auth::advice("--source SOURCE", &[Access::Write]);
                    let detail = format!("the key of this request speaks for another source: {advice}");
                    return Err(Failure::new(Reason::NotPermitted, detail));
                }
                _ => origin.source = source,
            }
        }
        if let Some(zone) = self.get("zone") {
            let unknown = |_| wrong("zone", "this is a zone of the IANA database, say Europe/Paris");
            origin.zone = zone.parse().map_err(unknown)?;
        }
        Ok(())
    }

    fn options(self, media: Media, origin: Origin) -> Result<ImportOptions, ParameterError> {
        let by_media = if media == Media::Ndjson { "ndjson" } else { "csv" };
        let format = match (self.get("format"), media) {
            (None, Media::Bytes) => {
                return Err(wrong(
                    "format",
                    "say csv or ndjson, or send text/csv or application/x-ndjson",
                ));
            }
            (None, _) => by_media,
            (Some(format), Media::Bytes) => format,
            (Some(format), _) if format == by_media => format,
            (Some(_), _) => return Err(wrong("format", "the content type says otherwise")),
        };
        let header = self.one_of("header", [("present", Header::Present), ("absent", Header::Absent)])?;
        let delimiter = match self.get("delimiter").unwrap_or(",").as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => *byte,
            b"tab" => b'\t',
            _ => return Err(wrong("delimiter", "this is one character of ASCII, or tab")),
        };
        let format = match format {
            "csv" => Format::Csv { delimiter, header },
            "ndjson" => Format::Ndjson,
            _ => return Err(wrong("format", "this is csv or ndjson")),
        };
        let mut options = ImportOptions::new(format, origin);
        options.columns = match self.get("columns") {
            None => Columns::ByName(self.map.clone()),
            Some(_) if !self.map.is_empty() => return Err(wrong("map", "this goes without columns")),
            Some(columns) => {
                let columns = columns.split(',').map(|column| parsed("columns", column));
                Columns::InOrder(columns.collect::<Result<_, _>>()?)
            }
        };
        options.label = self.get("label").map(str::to_owned);
        options.category = self.parsed("category")?;
        options.name = self.parsed("name")?;
        options.version = self.parsed("version")?;
        options.space = self.one_of("space", [("keep", Space::Keep), ("trim", Space::Trim)])?;
        options.start = self.one_of("start", [("resume", Start::Resume), ("over", Start::Over)])?;
        options.last_record = self.one_of(
            "last_record",
            [("import", LastRecord::Import), ("leave", LastRecord::Leave)],
        )?;
        options.keep = self.one_of("keep", [("by_type", Keep::ByType), ("counts_only", Keep::CountsOnly)])?;
        if let Some(errors) = self.parsed("max_errors")? {
            options.max_errors = errors;
        }
        if options.max_errors == 0 {
            return Err(wrong("max_errors", "this is a whole number from 1"));
        }
        Ok(options)
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, ParameterError> {
    text.parse().map_err(|error: T::Err| wrong(name, error.to_string()))
}

fn wrong(name: &str, message: impl Into<String>) -> ParameterError {
    ParameterError::new(name, Code::InvalidParameter, message)
}
