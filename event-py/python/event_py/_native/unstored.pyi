from typing import final

from event_py._native.verdict import Verdict

@final
class Unstored:
    @property
    def event(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
