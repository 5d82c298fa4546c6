"""A server that speaks KurrentDB's published gRPC protocol, as far as a subscription to `$all` asks for it.

No KurrentDB is run here: this one answers from a list, and does on command what goes wrong with real ones. Its messages
are made by the code that KurrentDB's client has for Python, from the protocol's own description; none is written by us.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from kurrentdbclient.protos.v1 import (
    shared_pb2,  # type: ignore[import-untyped, unused-ignore]
    streams_pb2,  # type: ignore[import-untyped, unused-ignore]
    streams_pb2_grpc,  # type: ignore[import-untyped, unused-ignore]
)

__all__ = ["Kurrent", "Record"]


@dataclass
class Record:
    """An event of a stream; its place in `$all` is its number in the list, times 100, as real places have gaps."""

    stream: str
    type: str
    data: bytes
    revision: int = 0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ticks: int = 15_850_000_000_000_000  # tenths of microseconds since 1970
    position: int = 0


class Kurrent(streams_pb2_grpc.StreamsServicer):  # type: ignore[misc, unused-ignore]
    """Serves records to whoever subscribes.

    `cut_after` ends each subscription behind so many events: with an error if `how` is `abort`, else in good order.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.requests: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.cut_after: int | None = None
        self.how = "abort"
        self._changed = threading.Condition()
        self._server: grpc.Server | None = None
        self.port = 0

    def append(self, stream: str, kind: str, data: Any, **fields: Any) -> Record:
        """Adds an event behind all others."""
        with self._changed:
            text = data if isinstance(data, bytes) else json.dumps(data).encode()
            revision = sum(record.stream == stream for record in self.records)
            position = 100 * (len(self.records) + 1)
            record = Record(stream, kind, text, revision=revision, position=position, **fields)
            self.records.append(record)
            self._changed.notify_all()
        return record

    def start(self) -> None:
        """Listens at its port, the same as before if it had one."""
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        streams_pb2_grpc.add_StreamsServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        assert self.port, "the port is taken"
        self._server.start()

    def stop(self) -> None:
        """Cuts every connection and listens no more."""
        server, self._server = self._server, None
        if server is not None:
            with self._changed:
                self._changed.notify_all()
            server.stop(None).wait()

    @property
    def url(self) -> str:
        return f"kurrentdb://admin:changeit@127.0.0.1:{self.port}?tls=false"

    def Read(self, request: Any, context: Any) -> Iterator[Any]:
        """The one call that a subscription makes."""
        self.requests.append(request)
        self.headers.append(dict(context.invocation_metadata()))
        options = request.options
        assert options.WhichOneof("stream_option") == "all" and options.WhichOneof("count_option") == "subscription"
        assert options.uuid_option.WhichOneof("content") == "string"
        fits = re.compile(options.filter.stream_identifier.regex)
        behind = options.all.position.commit_position if options.all.HasField("position") else 0
        yield streams_pb2.ReadResp(confirmation=streams_pb2.ReadResp.SubscriptionConfirmation(subscription_id="s"))
        told, sent, caught_up = 0, 0, False
        while context.is_active() and self._server is not None:
            with self._changed:
                if told == len(self.records):
                    if not caught_up:
                        caught_up = True
                        yield streams_pb2.ReadResp(caught_up=streams_pb2.ReadResp.CaughtUp())
                    self._changed.wait(0.2)
                    continue
                record = self.records[told]
            told += 1
            if record.position <= behind:
                continue
            if not fits.match(record.stream):
                place = {"commit_position": record.position, "prepare_position": record.position}
                yield streams_pb2.ReadResp(checkpoint=streams_pb2.ReadResp.Checkpoint(**place))
                continue
            if self.cut_after is not None and sent >= self.cut_after:
                if self.how == "abort":
                    context.abort(grpc.StatusCode.UNAVAILABLE, "the server goes away")
                return
            sent += 1
            yield streams_pb2.ReadResp(event=event(record))


def event(record: Record) -> Any:
    recorded = streams_pb2.ReadResp.ReadEvent.RecordedEvent(
        id=shared_pb2.UUID(string=record.id),
        stream_identifier=shared_pb2.StreamIdentifier(stream_name=record.stream.encode()),
        stream_revision=record.revision,
        prepare_position=record.position,
        commit_position=record.position,
        metadata={"type": record.type, "content-type": "application/json", "created": str(record.ticks)},
        data=record.data,
    )
    return streams_pb2.ReadResp.ReadEvent(event=recorded, commit_position=record.position)
