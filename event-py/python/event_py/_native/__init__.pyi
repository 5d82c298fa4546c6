from event_py._native.client import Client as Client
from event_py._native.collected import Collected as Collected
from event_py._native.collected import collecting as collecting
from event_py._native.exit import close_all as close_all
from event_py._native.stats import Stats as Stats
