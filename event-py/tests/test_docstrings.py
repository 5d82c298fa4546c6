"""Every public name says what it is, every class and function shows it, and what they show is so."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import event_py

# Where somebody else's package is needed, its tests show what is done with it.
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def modules() -> Iterator[Any]:
    yield event_py
    for found in pkgutil.walk_packages(event_py.__path__, "event_py."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            try:
                yield importlib.import_module(found.name)
            except ModuleNotFoundError as missing:
                # An adapter for a package that is not here.
                assert not str(missing.name).startswith("event_py"), missing


def public() -> dict[str, Any]:
    """Everything that users may name, by its dotted name; what is exported twice, once."""
    names: dict[str, Any] = {}
    seen: set[int] = set()
    for module in modules():
        names[module.__name__] = module
        assert hasattr(module, "__all__"), f"{module.__name__} says nothing of what is public"
        assert list(module.__all__) == sorted(module.__all__), f"{module.__name__}.__all__ is not sorted"
        for name in module.__all__:
            value = getattr(module, name)
            if id(value) in seen or not (inspect.isclass(value) or inspect.isroutine(value)):
                continue
            seen.add(id(value))
            names[f"{module.__name__}.{name}"] = value
            if inspect.isclass(value):
                members = {key: member for key, member in vars(value).items() if not key.startswith("_")}
                names |= {f"{module.__name__}.{name}.{key}": member for key, member in members.items()}
    return names


PUBLIC = public()
# Methods belong to the example of their class, what adapts the package to another one to the example of its module;
# exceptions are shown by what raises them.
SHOWN = [
    name
    for name, value in PUBLIC.items()
    if inspect.ismodule(PUBLIC.get(name.rpartition(".")[0]))
    and not inspect.ismodule(value)
    and not (inspect.isclass(value) and issubclass(value, (Exception, tuple)))
]


def documentation(value: Any) -> str:
    # Not `inspect.getdoc`: what a base class or `object` says of itself is not about this.
    return inspect.cleandoc(getattr(value, "__doc__", None) or "")


def parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def documented(value: Any) -> bool:
    return not (callable(value) or inspect.isdatadescriptor(value)) or bool(documentation(value))


def test_the_walk_reaches_native_code_and_python() -> None:
    assert {"event_py.Client.track", "event_py.Stats.stored", "event_py.testing.collecting"} <= PUBLIC.keys()
    assert {"event_py.Client", "event_py.Settings", "event_py.testing.collecting"} <= set(SHOWN)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert documented(PUBLIC[name]), f"{name} has no docstring"


@pytest.mark.parametrize("name", SHOWN)
def test_every_class_and_function_has_an_example(name: str) -> None:
    module = name.rpartition(".")[0]
    shown = documentation(PUBLIC[name])
    if module != "event_py":
        shown += documentation(PUBLIC[module])
    # What cannot run by itself, as the settings of an application, is shown as a block.
    assert ">>> " in shown or "\n    " in shown, f"{name} has no example"


@pytest.mark.parametrize("name", [name for name, value in PUBLIC.items() if ">>> " in documentation(value)])
def test_every_example_runs(name: str) -> None:
    text = documentation(PUBLIC[name])
    # Beside the names of its module: that is how doctest runs it, too.
    module = next(part for part in parents(name) if inspect.ismodule(PUBLIC.get(part)))
    example = doctest.DocTestParser().get_doctest(text, dict(vars(PUBLIC[module])), name, None, 0)
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(said)
