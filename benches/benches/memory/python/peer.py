"""Answers questions over columns in memory, by DuckDB or by Polars.

Reads a question a line, and prints for each a line of JSON with the seconds that it took and the rows of the answer.
"""

import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

Rows = list[tuple[Any, Any]]


def by_duckdb(file: str, *, enums: bool = False) -> Callable[[str], Rows]:
    import duckdb

    connection = duckdb.connect()
    connection.execute(
        """
        CREATE TABLE orders AS SELECT make_timestamp(occurred_at) AS occurred, subject, province, total
        FROM read_csv(?, header = true, auto_detect = false, delim = ',', quote = '', escape = '', columns = {
            'occurred_at': 'BIGINT', 'subject': 'VARCHAR', 'province': 'VARCHAR', 'total': 'DECIMAL(18, 2)'})
        """,
        [file],
    )
    for column in ["subject", "province"] if enums else []:
        connection.execute(f"CREATE TYPE {column}s AS ENUM (SELECT DISTINCT {column} FROM orders ORDER BY 1)")
        connection.execute(f"ALTER TABLE orders ALTER {column} TYPE {column}s")
    questions = {
        # These are faster than `date_trunc`, and texts are made of the few groups alone.
        "hours": "SELECT make_timestamp(hour * 3600000000), events FROM ("
        "SELECT epoch_us(occurred) // 3600000000 AS hour, count(*) AS events FROM orders GROUP BY hour) ORDER BY 1",
        "days": "SELECT day::TIMESTAMP, total FROM ("
        "SELECT occurred::DATE AS day, sum(total) AS total FROM orders GROUP BY day) ORDER BY 1",
        "top": "SELECT subject::VARCHAR, total FROM ("
        "SELECT subject, sum(total) AS total FROM orders GROUP BY subject) ORDER BY 2 DESC, 1 LIMIT 5",
        "provinces": "SELECT province::VARCHAR, total FROM ("
        "SELECT province, sum(total) AS total FROM orders GROUP BY province) ORDER BY 1",
    }
    return lambda question: connection.execute(questions[question]).fetchall()


def by_polars(file: str, *, categories: bool = False) -> Callable[[str], Rows]:
    import polars as pl

    schema = {"occurred_at": pl.Int64, "subject": pl.String, "province": pl.String, "total": pl.String}
    orders = pl.read_csv(file, schema=schema).with_columns(
        pl.from_epoch("occurred_at", time_unit="us"), pl.col("total").str.to_decimal(scale=2)
    )
    if categories:
        hundredths = (pl.col("total") * 100).cast(pl.Int64)
        orders = orders.with_columns(pl.col("subject", "province").cast(pl.Categorical), total=hundredths)
    orders = orders.rechunk()
    total = pl.col("total").sum()
    at = pl.col("occurred_at").dt
    questions = {
        "hours": orders.lazy().group_by(at.truncate("1h")).agg(pl.len()).sort("occurred_at"),
        "days": orders.lazy().group_by(at.truncate("1d")).agg(total).sort("occurred_at"),
        "top": orders.lazy()
        .group_by("subject")
        .agg(total)
        .with_columns(pl.col("subject").cast(pl.String))
        .sort(["total", "subject"], descending=[True, False])
        .head(5),
        "provinces": orders.lazy()
        .group_by("province")
        .agg(total)
        .with_columns(pl.col("province").cast(pl.String))
        .sort("province"),
    }

    def answer(question: str) -> Rows:
        rows = questions[question].collect().rows()
        if categories and question != "hours":
            return [(of, Decimal(total).scaleb(-2)) for of, total in rows]
        return rows

    return answer


def text(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if hasattr(value, "hour") else str(value)


def main() -> None:
    engine, file = sys.argv[1:]
    engines = {
        "DuckDB": by_duckdb,
        "DuckDB, enums": partial(by_duckdb, enums=True),
        "Polars": by_polars,
        "Polars, categories": partial(by_polars, categories=True),
    }
    answer = engines[engine](file)
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        rows = answer(line.strip())
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "rows": [[text(of), text(value)] for of, value in rows]}), flush=True)


if __name__ == "__main__":
    main()
