from collections.abc import Sequence
from typing import final

from typing_extensions import Self, Unpack

from event_py._native.answer import Answer
from event_py._native.query import Keywords, Query
from event_py._native.tally import Events

@final
class Frame:
    def __new__(cls, fields: Sequence[str]) -> Self: ...
    def add(self, events: Events) -> None: ...
    def answer(self, query: Query | str = "count", **keywords: Unpack[Keywords]) -> Answer: ...
    @property
    def fields(self) -> list[str]: ...
    def __len__(self) -> int: ...
