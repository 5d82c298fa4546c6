"""Runs a command; what it took, as a line of JSON, and then what it printed."""

import json
import os
import subprocess
import sys
import tempfile
import time

with tempfile.TemporaryFile() as printed:
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=printed, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status != 0:
        sys.exit(f"{sys.argv[1:]}: {errors.decode(errors='replace')}")
    taken = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024 / 1e6}
    print(json.dumps(taken))
    printed.seek(0)
    print(printed.read().decode(), end="")
