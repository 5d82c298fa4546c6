CREATE TABLE IF NOT EXISTS {quotes} (
    id {text:100} NOT NULL PRIMARY KEY,
    reference {text:100}, started_at {int}, first {int}, -- until its start has come, nothing
    newest {int} -- the number of the update that the items are of
) {table};

CREATE TABLE IF NOT EXISTS {quote_items} (
    quote {text:100} NOT NULL, product {text:100} NOT NULL, rate {text:100} NOT NULL,
    name {text:200} NOT NULL, status {text:20} NOT NULL, total {text:40} NOT NULL, active {int} NOT NULL,
    PRIMARY KEY (quote, product, rate)
) {table};

CREATE TABLE IF NOT EXISTS {quote_updates} ( -- how many products were active from an update on
    quote {text:100} NOT NULL, number {int} NOT NULL, happened_at {int} NOT NULL, products {int} NOT NULL,
    PRIMARY KEY (quote, number)
) {table}
