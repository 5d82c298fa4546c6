"""Sub-interpreters, P16: they are refused, and the main one goes on."""

from __future__ import annotations

import pytest

from script import run

IMPORT = """
    import sys
    try:
        import _interpreters as interpreters
        failed = lambda program: interpreters.exec(made, program)
    except ImportError:
        interpreters = None
        for name in ("_xxsubinterpreters", "_interpreters"):
            try:
                interpreters = __import__(name)
                break
            except ImportError:
                pass
        def failed(program):
            try:
                return interpreters.run_string(made, program)
            except interpreters.RunFailedError as error:
                return error
    import event_py
    made = interpreters.create()
    paths = f"import sys; sys.path[:] = {sys.path!r}\\n"
    assert not failed(paths + "import json"), "it does not work at all"
    print(failed(paths + "import event_py"))
    client = event_py.Client("http://127.0.0.1:1", source="shop", exit_timeout=0)
    client.stats()
"""


def test_p16_is_refused() -> None:
    ended = run(IMPORT)
    assert "ImportError" in ended.stdout, ended.stdout
    assert "subinterpreter" in ended.stdout.lower(), ended.stdout


@pytest.mark.parametrize("first", ["sub", "main"])
def test_p16_whoever_is_first(first: str) -> None:
    code = (
        IMPORT
        if first == "main"
        else IMPORT.replace("    import event_py\n    made", "    made").replace(
            "    client =", "    import event_py\n    client ="
        )
    )
    run(code)
