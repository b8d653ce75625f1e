"""A module that is waited for is handed over whole, whoever imports it and whenever."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading

import pytest

from flightlog.integrations.on_import import when_imported

SLOW = """
import threading
begun, more = threading.Event(), threading.Event()
def wait():
    begun.set()
    assert more.wait(20)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A module that takes its time to be imported, and the one by which that time ends."""
    (tmp_path / "on_import_gate.py").write_text(SLOW)
    (tmp_path / "on_import_slow.py").write_text("import on_import_gate\non_import_gate.wait()\nthing = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("on_import_gate", "on_import_slow"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("modules")
def test_a_module_that_another_thread_is_importing_is_waited_for():
    import on_import_gate

    importing = threading.Thread(target=__import__, args=("on_import_slow",))
    importing.start()
    assert on_import_gate.begun.wait(20)
    assert not hasattr(sys.modules["on_import_slow"], "thing")
    found = []
    asking = threading.Thread(
        target=when_imported, args=("on_import_slow", lambda module: found.append(module.thing))
    )
    asking.start()
    on_import_gate.more.set()
    importing.join()
    asking.join()
    assert found == [7]


@pytest.mark.usefixtures("modules")
def test_a_module_that_comes_later_is_handed_over_once_it_is_whole():
    import on_import_gate

    on_import_gate.more.set()
    found = []
    when_imported("on_import_slow", lambda module: found.append(module.thing))
    assert found == []
    assert __import__("on_import_slow").thing == 7
    assert found == [7]
    when_imported("on_import_slow", lambda module: found.append(module.thing))
    assert found == [7, 7]


@pytest.fixture
def asking(tmp_path, monkeypatch):
    """A module that asks for itself in the middle of its own import, and whoever it hands itself over to."""
    (tmp_path / "on_import_asking.py").write_text(
        "import on_import_hook\non_import_hook.ask()\nthing = 7\non_import_hook.end()\n"
    )
    (tmp_path / "on_import_hook.py").write_text("def ask(): pass\ndef end(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("on_import_hook")
    for name in ("on_import_asking", "on_import_hook"):
        sys.modules.pop(name, None)


def test_a_module_that_asks_for_itself_in_the_middle_of_its_import_is_handed_over_once_it_is_whole(asking):
    found = []
    asking.ask = lambda: [when_imported("on_import_asking", lambda m: found.append(m.thing)) for _ in "ab"]
    asking.end = lambda: found.append("end")
    module = __import__("on_import_asking")
    assert found == ["end", 7, 7]
    assert type(module.__spec__) is type(sys.__spec__)
    assert "flightlog_waiting" not in vars(module.__spec__)


def test_an_import_that_fails_after_somebody_asked_is_made_up_for_by_the_next_one(asking):
    def fail():
        raise LookupError("not today")

    found = []
    asking.ask = lambda: when_imported("on_import_asking", lambda module: found.append(module.thing))
    asking.end = fail
    with pytest.raises(LookupError):
        __import__("on_import_asking")
    assert found == []
    asking.ask = asking.end = lambda: None
    __import__("on_import_asking")
    assert found == [7]


def test_a_package_without_code_of_its_own_is_handed_over_before_its_modules(tmp_path, monkeypatch):
    inner = tmp_path / "on_import_spread"
    inner.mkdir()
    (inner / "part.py").write_text("thing = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = []

    def arrived(module):
        found.append((module.__name__, "on_import_spread.part" in sys.modules))

    when_imported("on_import_spread", arrived)
    try:
        assert importlib.util.find_spec("on_import_spread") is not None  # which imports nothing
        assert found == []
        assert importlib.import_module("on_import_spread.part").thing == 7
        assert found == [("on_import_spread", False)]
        package = sys.modules["on_import_spread"]
        assert type(package.__spec__).__name__ == "ModuleSpec"
        when_imported("on_import_spread", arrived)
        assert found == [("on_import_spread", False), ("on_import_spread", True)]
    finally:
        for name in ("on_import_spread", "on_import_spread.part"):
            sys.modules.pop(name, None)
