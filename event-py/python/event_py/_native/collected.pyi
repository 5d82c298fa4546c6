from typing import final

from typing_extensions import Unpack

from event_py._native.client import Client
from event_py.settings import Settings

@final
class Collected:
    def json(self) -> list[str]: ...

def collecting(*, source: str = "test", **settings: Unpack[Settings]) -> tuple[Client, Collected]: ...
