//! Counts per customer and minute, from files of what customers did: import, count, serve.
//!
//! ```sh
//! alias customer_counts='cargo run --release -p event-examples --example customer_counts --'
//! customer_counts import fixtures/customer_events.csv
//! customer_counts count --customer b4f9279a0196e40632e947dd1a88e857 --start '2021-03-01 00:15:00+00' --end '2021-03-01 04:30:00+00'
//! customer_counts count --file fixtures/customer_events.csv --customer b4f9279a0196e40632e947dd1a88e857 --start 2021-03-01 --end 2021-03-02
//! customer_counts serve
//! curl 'http://127.0.0.1:8000/hourly?customer_id=b4f9279a0196e40632e947dd1a88e857&start=2021-03-01&end=2021-03-02'
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use clap::{Parser, Subcommand};
use event_core::filter::{Field, Test};
use event_core::minutes::Cut;
use event_core::query::{Bucket, Measure, ParameterError, Parameters, Unit};
use event_core::{Answer, Code, Filter, Query, Source, Timestamp};
use event_store::import::{self, Column, Columns, CountOptions, Format, Header, ImportOptions, Input, Keep, Progress};
use event_store::{EventStore, Origin};
use serde_json::json;

#[derive(Parser)]
struct Cli {
    /// Where the counts are kept
    #[arg(long, global = true, default_value = "sqlite://customer_counts.db?mode=rwc")]
    database: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Count the rows of a file: customer id, event type, transaction id, time; or what of it is new
    Import {
        file: PathBuf,
        /// Keep the counts, and not the events
        #[arg(long)]
        counts_only: bool,
        /// Write line, column and reason of each bad row to this file
        #[arg(long)]
        rejects: Option<PathBuf>,
    },
    /// Count the events of a customer, hour by hour
    Count {
        /// Straight from this file, without a database
        #[arg(long)]
        file: Option<PathBuf>,
        #[arg(long)]
        customer: String,
        /// From this time on
        #[arg(long)]
        start: Timestamp,
        /// Before this time
        #[arg(long)]
        end: Timestamp,
    },
    /// Answer over HTTP
    Serve {
        #[arg(long, default_value_t = 8000)]
        port: u16,
    },
}

const CATEGORY: &str = "usage";
const NAME: &str = "transaction";

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("customer_counts: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    if let Command::Count {
        file: Some(file),
        customer,
        start,
        end,
    } = &cli.command
    {
        return count_file(file.clone(), customer, *start, *end);
    }
    let store = EventStore::connect(&cli.database).await?;
    // What is counted, in the very transaction that stores: the minutes of each customer.
    let metric = json!({"metric": "usage", "category": CATEGORY, "name": NAME, "by": ["subject"]});
    store.declare(serde_json::from_value(metric)?).await?;
    match cli.command {
        Command::Import {
            file,
            counts_only,
            rejects,
        } => {
            let keep = if counts_only { Keep::CountsOnly } else { Keep::ByType };
            import(&store, file, keep, rejects).await?;
        }
        Command::Count {
            customer, start, end, ..
        } => print(hourly(&store, &customer, start, end).await?),
        Command::Serve { port } => {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
            println!("listening on http://{}", listener.local_addr()?);
            let router = Router::new()
                .route("/hourly", get(serve_hourly))
                .with_state(store.clone());
            let stop = async {
                let _ = tokio::signal::ctrl_c().await;
            };
            axum::serve(listener, router).with_graceful_shutdown(stop).await?;
        }
    }
    Ok(store.close().await?)
}

/// The same counts from the file itself: as fast as it is read, and gone afterwards.
fn count_file(file: PathBuf, customer: &str, start: Timestamp, end: Timestamp) -> Result<(), Box<dyn Error>> {
    let filter = Filter::new().and(Field::Subject, Test::equals(customer));
    let query = Query::new(Measure::Count).with_filter(filter).within(start, end);
    let query = query.per(Bucket::utc(Unit::Hour));
    let mut counting = CountOptions::default();
    counting.cut = Cut::of(&query);
    counting.spill = Some(std::env::temp_dir());
    let counted = import::count(Input::file(file), &rows()?, &counting, |_| {})?;
    print(counted.answer(&query)?);
    let seconds = counted.elapsed.as_secs_f64();
    eprintln!(
        "{} rows, {} bad, in {seconds:.2} s, {} MiB at the most",
        counted.rows,
        counted.refused(),
        peak_memory() >> 10
    );
    Ok(())
}

fn print(answer: Answer) {
    for row in answer.rows {
        let (Some(hour), Some(count)) = (row.bucket, row.value) else {
            continue;
        };
        let partial = if hour.partial { "  partial" } else { "" };
        println!("{} {count:>8}{partial}", hour.start);
    }
}

/// What the rows of the file are.
fn rows() -> Result<ImportOptions, Box<dyn Error>> {
    let format = Format::Csv {
        delimiter: b',',
        header: Header::Absent,
    };
    let mut options = ImportOptions::new(format, Origin::new(Source::new("customer-counts")?));
    options.category = Some(CATEGORY.parse()?);
    options.name = Some(NAME.parse()?);
    let columns = ["subject", "data.type", "data.transaction_id", "timestamp"].map(str::parse::<Column>);
    options.columns = Columns::InOrder(columns.into_iter().collect::<Result<_, _>>()?);
    Ok(options)
}

async fn import(store: &EventStore, file: PathBuf, keep: Keep, rejects: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let mut options = rows()?;
    options.keep = keep;
    if keep == Keep::CountsOnly {
        options.batch = ImportOptions::LARGE_BATCH;
    }
    options.rejects = rejects;
    // A file of millions of rows has thousands of bad ones.
    options.max_errors = u64::MAX;
    let terminal = std::io::stderr().is_terminal();
    let show = |Progress { rows, bytes, size, .. }: Progress| {
        if let (true, Some(size)) = (terminal, size) {
            eprint!("\r{rows} rows, {} %\x1b[K", bytes * 100 / size.max(1));
        }
    };
    let done = store.import(Input::file(file), options, show).await?;
    if terminal {
        eprint!("\r\x1b[K");
    }
    let bad = done.pass.quarantined + done.pass.rejected;
    println!(
        "{}: {} stored, {} known before, {bad} bad",
        done.outcome.as_str(),
        done.pass.stored,
        done.pass.duplicates
    );
    println!(
        "{} rows in {:.1} s, {} MiB at the most",
        done.rows,
        done.elapsed.as_secs_f64(),
        peak_memory() >> 10
    );
    Ok(())
}

/// Hours on the clock, cut to the range; those without events are 0.
async fn hourly(
    store: &EventStore,
    customer: &str,
    start: Timestamp,
    end: Timestamp,
) -> Result<Answer, event_store::Error> {
    let filter = Filter::new()
        .and(Field::Category, Test::equals(CATEGORY))
        .and(Field::Name, Test::equals(NAME))
        .and(Field::Subject, Test::equals(customer));
    let query = Query::new(Measure::Count).with_filter(filter).within(start, end);
    store.answer(&query.per(Bucket::utc(Unit::Hour))).await
}

async fn serve_hourly(State(store): State<EventStore>, RawQuery(query): RawQuery) -> Response {
    let (customer, start, end) = match asked(query.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, Some(&error.parameter), &error.message),
    };
    match hourly(&store, &customer, start, end).await {
        Ok(answer) => Json(answer.rows).into_response(),
        Err(event_store::Error::Query(error)) => problem(StatusCode::BAD_REQUEST, Some("end"), &error.to_string()),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, None, "the counts cannot be read now"),
    }
}

/// Customer, start and end.
fn asked(query: &str) -> Result<(String, Timestamp, Timestamp), ParameterError> {
    let parameters = Parameters::read(query)?;
    let [customer, start, end] = parameters.once(["customer_id", "start", "end"])?;
    let wrong = |name, code, detail: &str| ParameterError::new(name, code, detail);
    let missing = |name| wrong(name, Code::InvalidParameter, "this is missing");
    let time = |name, text: Option<&str>| {
        let time: Result<Timestamp, _> = text.ok_or_else(|| missing(name))?.parse();
        time.map_err(|error| wrong(name, error.code(), &error.to_string()))
    };
    let customer = customer.ok_or_else(|| missing("customer_id"))?;
    Ok((customer.to_owned(), time("start", start)?, time("end", end)?))
}

/// A problem as RFC 9457 has it.
fn problem(status: StatusCode, parameter: Option<&str>, detail: &str) -> Response {
    let body = json!({"status": status.as_u16(), "title": status.canonical_reason(), "parameter": parameter, "detail": detail});
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

/// The most memory that was held, in KiB, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}
