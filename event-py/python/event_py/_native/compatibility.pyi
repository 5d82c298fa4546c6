from event_py._native.schema import Rules
from event_py.versions import Compatibility

def compatibility(new: Rules, old: Rules) -> Compatibility: ...
