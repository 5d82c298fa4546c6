from typing import NoReturn

from event_py._native.analysed import Analysed as Analysed
from event_py._native.analysed import analyse as analyse
from event_py._native.analysis import Active as Active
from event_py._native.analysis import Analysis as Analysis
from event_py._native.analysis import Funnel as Funnel
from event_py._native.analysis import Retention as Retention
from event_py._native.analysis import Sessions as Sessions
from event_py._native.answer import Answer as Answer
from event_py._native.client import Client as Client
from event_py._native.collected import Collected as Collected
from event_py._native.collected import collecting as collecting
from event_py._native.compatibility import compatibility as compatibility
from event_py._native.event import Event as Event
from event_py._native.exit import close_all as close_all
from event_py._native.export import Export as Export
from event_py._native.frame import Frame as Frame
from event_py._native.infer import Inference as Inference
from event_py._native.infer import infer as infer
from event_py._native.ndjson import Report as Report
from event_py._native.offer import Unconfirmed as Unconfirmed
from event_py._native.patch import patch as patch
from event_py._native.query import Query as Query
from event_py._native.registry import Registry as Registry
from event_py._native.schema import Schema as Schema
from event_py._native.stats import Stats as Stats
from event_py._native.tally import Tally as Tally
from event_py._native.tally import answer as answer
from event_py._native.unstored import Unstored as Unstored
from event_py._native.upcaster import Upcaster as Upcaster
from event_py._native.verdict import Verdict as Verdict

def _panic() -> NoReturn: ...
