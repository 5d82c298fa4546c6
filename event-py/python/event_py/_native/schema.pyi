from typing import Any, final

from typing_extensions import Self

from event_py.errors import Violation

@final
class Schema:
    def __new__(cls, schema: Rules) -> Self: ...
    def validate(self, data: object) -> None: ...
    def is_valid(self, data: object) -> bool: ...
    def violations(self, data: object) -> list[Violation]: ...
    @property
    def source(self) -> dict[str, Any] | bool: ...

# Whatever a schema can be made of.
Rules = dict[str, Any] | bool | str | bytes | type | Schema
