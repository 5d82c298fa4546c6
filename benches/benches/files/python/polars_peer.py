"""The hours of one customer by Polars' streaming engine: all customers are counted by minute first."""

import sys

import polars as pl

file, customer = sys.argv[1:]
columns = {"customer": pl.String, "name": pl.String, "id": pl.String, "time": pl.String}
minutes = (
    pl.scan_csv(file, has_header=False, schema=columns)
    .filter(pl.col("customer") != "")
    # Every time of the file is in UTC and has these nineteen characters, whatever its fraction.
    .with_columns(pl.col("time").str.head(19).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False))
    .filter(pl.col("time").is_not_null())
    .group_by("customer", pl.col("time").dt.truncate("1m").alias("minute"))
    .agg(pl.len().alias("events"))
    .collect(engine="streaming")
)
hours = (
    minutes.filter(pl.col("customer") == customer)
    .group_by(pl.col("minute").dt.truncate("1h").alias("hour"))
    .agg(pl.col("events").sum())
    .sort("hour")
)
for hour, events in hours.iter_rows():
    print(f"{hour:%Y-%m-%dT%H:%M:%SZ},{events}")
