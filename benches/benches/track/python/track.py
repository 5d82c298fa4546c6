"""Times the calls of one client, one by one: track.py CLIENT THREADS CALLS URL.

Nothing listens at the URL. Prints nanoseconds as JSON."""

import json
import logging
import os
import queue
import sys
import threading
import time

QUEUE = 1_000_000
WARM_UP = 1_000
CATEGORY, NAME, SESSION = "page interaction", "pageview", "6f1b1a52a8c94b6f9d0e5a7c3b2d4e10"


def data(number):
    """The five fields."""
    return {"host": "www.example.com", "path": "/products/42", "duration": 17.25, "visible": True, "count": number}


def by_hand(_url):
    waiting = queue.Queue(QUEUE)

    def send(number):
        event = {
            "category": CATEGORY,
            "name": NAME,
            "id": "0199f5a0-7c1e-7d3a-9b42-5f0e6a1c8d27",
            "session_id": SESSION,
            "source": "shop",
            "sequence": number,
            "occurred_at": "2025-10-06T09:15:27.243860Z",
            "data": data(number),
        }
        waiting.put_nowait(json.dumps(event))

    return send


def event(url):
    import event_py

    client = event_py.Client(url, source="shop", queue_events=QUEUE, queue_bytes=1 << 30, exit_timeout=0)

    def send(number):
        assert client.track(CATEGORY, NAME, data(number), session_id=SESSION)

    return send


def opentelemetry(url):
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    exporter = OTLPLogExporter(endpoint=url)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=QUEUE))
    logger = provider.get_logger("bench")

    def send(number):
        attributes = data(number)
        attributes["session_id"] = SESSION
        record = LogRecord(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.INFO,
            event_name=NAME,
            body=CATEGORY,
            attributes=attributes,
        )
        logger.emit(record)

    return send


def segment(url):
    from segment.analytics.client import Client

    client = Client("key", host=url, max_queue_size=QUEUE)

    def send(number):
        properties = data(number)
        properties["session_id"] = SESSION
        taken, _ = client.track("customer-7", NAME, properties)
        assert taken

    return send


def posthog(url):
    from posthog import Posthog

    client = Posthog("key", host=url, max_queue_size=QUEUE)

    def send(number):
        properties = data(number)
        properties["$session_id"] = SESSION
        assert client.capture(NAME, distinct_id="customer-7", properties=properties)

    return send


CLIENTS = {"json": by_hand, "event": event, "opentelemetry": opentelemetry, "segment": segment, "posthog": posthog}


def main():
    client, threads, calls, url = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    # They complain that nobody listens.
    logging.disable(logging.CRITICAL)
    send = CLIENTS[client](url)
    for number in range(WARM_UP):
        send(number)
    together = threading.Barrier(threads)
    spans = [None] * threads

    def run(thread):
        times = [0] * calls
        clock = time.perf_counter_ns
        together.wait()
        first = clock()
        for number in range(calls):
            started = clock()
            send(number)
            times[number] = clock() - started
        spans[thread] = first, clock(), times

    running = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    times = sorted(time for _, _, own in spans for time in own)
    elapsed = max(last for _, last, _ in spans) - min(first for first, _, _ in spans)

    def at(of_1000):
        return times[(len(times) - 1) * of_1000 // 1000]

    reading = {"p50": at(500), "p99": at(990), "p999": at(999), "max": at(1000)}
    print(json.dumps(reading | {"rate": len(times) * 1e9 / elapsed}), flush=True)
    # Without waiting for what can never be delivered.
    os._exit(0)


main()
