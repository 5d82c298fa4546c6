from typing import Any, Protocol, TypeAlias, final

class _Json(Protocol):
    def to_json(self) -> str: ...

@final
class Unconfirmed: ...

Sendable: TypeAlias = dict[str, Any] | _Json | Unconfirmed
