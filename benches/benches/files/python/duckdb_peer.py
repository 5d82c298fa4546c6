"""The hours of one customer by DuckDB: all customers are counted by minute first."""

import sys

import duckdb

file, customer = sys.argv[1:]
connection = duckdb.connect()
connection.execute(
    """
    CREATE TEMP TABLE minutes AS
    SELECT customer, date_trunc('minute', occurred) AS minute, count(*) AS events
    FROM (
        SELECT customer, TRY_CAST(time AS TIMESTAMP) AS occurred
        FROM read_csv(?, header = false, delim = ',', quote = '"', ignore_errors = true, auto_detect = false,
                      columns = {'customer': 'VARCHAR', 'name': 'VARCHAR', 'id': 'VARCHAR', 'time': 'VARCHAR'})
        WHERE customer <> ''
    )
    WHERE occurred IS NOT NULL
    GROUP BY ALL
    """,
    [file],
)
hours = connection.execute(
    """
    SELECT strftime(date_trunc('hour', minute), '%Y-%m-%dT%H:%M:%SZ'), sum(events)::BIGINT
    FROM minutes WHERE customer = ? GROUP BY ALL ORDER BY 1
    """,
    [customer],
)
for hour, events in hours.fetchall():
    print(f"{hour},{events}")
