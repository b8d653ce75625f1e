"""Modules that a pattern names are loaded without their hot calls, and everything else of loading stays as it is."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

import flightlog as fl
from flightlog.stripping.finder import Finder, finder, kept_at

WORKER = """from flightlog import hot

@hot.traced_fn
def work(items):
    done = 0
    for item in hot.loop(items):
        hot.tiny("worker", "work", item, "worked on {}", item)
        done += 1
    if hot.on:
        done = -1
    return done

def fail():
    hot.tiny("a", "b")
    raise LookupError("line 15")
"""
LOOK = """
def calls(module):
    return "tiny" in module.work.__code__.co_names + module.fail.__code__.co_names
"""


@pytest.fixture
def app(tmp_path):
    """A package with a worker, beside a module of its own."""
    package = tmp_path / "myapp"
    package.mkdir()
    (package / "__init__.py").write_text(WORKER)
    (package / "worker.py").write_text(WORKER)
    (tmp_path / "other.py").write_text(WORKER)
    return tmp_path


@pytest.fixture
def outside(app, tmp_path):
    """Runs a program beside the package, in a process of its own, and gives the words that it prints."""

    def run(code: str, *arguments: str, **variables: str) -> list[str]:
        unset = ("FLIGHTLOG_", "PYTHON")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(unset)}
        environment |= {"FLIGHTLOG_HOME": str(tmp_path / "home"), **variables}
        command = [sys.executable, *arguments, "-c", LOOK + code]
        done = subprocess.run(command, env=environment, cwd=app, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


ALL = "import myapp, myapp.worker, other; print(*map(calls, (myapp, myapp.worker, other)))"


def test_a_pattern_names_a_package_and_all_in_it(outside):
    assert outside("import flightlog as fl; fl.strip('myapp.*');" + ALL) == ["False", "False", "True"]


@pytest.mark.parametrize(
    ("named", "answers"),
    [
        ("myapp.*", ["False", "False", "True"]),
        ("myapp", ["False", "True", "True"]),
        (" myapp.w*, oth?r ", ["True", "False", "False"]),
        ("*", ["False", "False", "False"]),
        ("nothing.*", ["True", "True", "True"]),
        ("", ["True", "True", "True"]),
    ],
)
def test_the_environment_names_patterns_too(outside, named, answers):
    assert outside("import flightlog;" + ALL, FLIGHTLOG_STRIP=named) == answers


def test_what_is_left_does_what_it_did(outside):
    code = "import flightlog; import myapp; print(myapp.work([1, 2]), hasattr(myapp.work, '__wrapped__'))"
    assert outside(code, FLIGHTLOG_STRIP="*", FLIGHTLOG_LEVEL="trace") == ["2", "False"]


def test_it_says_what_was_loaded_before(outside):
    code = "import flightlog as fl, myapp; print(*fl.strip('myapp.*', 'oth*'), calls(myapp))"
    assert outside(code) == ["myapp", "True"]


def test_the_program_that_records_is_itself_never_stripped(outside):
    code = "import flightlog, flightlog.steps.trace as t; print(type(t.__loader__).__name__)"
    assert outside(code, FLIGHTLOG_STRIP="*") == ["SourceFileLoader"]


def test_stripping_nothing_loads_nothing(outside):
    code = "import sys, flightlog; print('flightlog.stripping.finder' in sys.modules, 'ast' in sys.modules)"
    assert outside(code) == ["False", "False"]


def test_a_pattern_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match="names of modules"):
        fl.strip(42)  # type: ignore[arg-type]  # what is tested
    assert finder not in sys.meta_path


CODE = "import flightlog;" + ALL


@pytest.mark.parametrize("optimised", [(), ("-O",), ("-OO",)])
def test_the_two_sorts_of_byte_code_are_kept_apart(outside, app, optimised):
    """Whatever is loaded first, and from a warm cache as from a cold one."""
    stripped, whole = ["False"] * 3, ["True"] * 3
    for named, answers in (("*", stripped), ("", whole), ("*", stripped), ("", whole)):
        assert outside(CODE, *optimised, FLIGHTLOG_STRIP=named) == answers
    level = f".opt-{len(optimised[0]) - 1}" if optimised else ""
    tag = f".opt-{len(optimised[0]) - 1}flightlog1" if optimised else ".opt-flightlog1"
    names = {
        path.name.removeprefix(f"worker.{sys.implementation.cache_tag}") for path in _cache(app / "myapp")
    }
    assert {f"{level}.pyc", f"{tag}.pyc"} <= names


def _cache(package: Path) -> list[Path]:
    return list((package / "__pycache__").glob("worker.*"))


def test_a_warm_cache_is_read_and_not_compiled_again(outside):
    code = """
import flightlog
from flightlog.stripping import finder
def compiled(source, path):
    print("compiled")
    return stripped(source, path)
stripped, finder.stripped = finder.stripped, compiled
import myapp
"""
    assert outside(code, FLIGHTLOG_STRIP="myapp.*") == ["compiled"]
    assert outside(code, FLIGHTLOG_STRIP="myapp.*") == []


def test_a_source_that_changed_is_compiled_again(outside, app):
    assert outside(CODE, FLIGHTLOG_STRIP="*") == ["False"] * 3
    path = app / "myapp" / "worker.py"
    path.write_text(WORKER + "\nkeep = work\nwork = lambda: hot.tiny('a', 'b')\n")
    assert outside(CODE, FLIGHTLOG_STRIP="*") == ["False", "True", "False"]


def test_no_byte_code_is_written_where_none_is_wanted(outside, app):
    outside(CODE, FLIGHTLOG_STRIP="*", PYTHONDONTWRITEBYTECODE="1")
    assert _cache(app / "myapp") == []


def test_the_prefix_for_byte_code_is_honoured(outside, app, tmp_path):
    prefix = tmp_path / "elsewhere"
    outside(CODE, FLIGHTLOG_STRIP="*", PYTHONPYCACHEPREFIX=str(prefix))
    assert _cache(app / "myapp") == []
    assert [path.name for path in prefix.rglob("worker.*")] == [
        f"worker.{sys.implementation.cache_tag}.opt-flightlog1.pyc"
    ]


def test_the_module_says_where_its_byte_code_is(outside, app):
    code = "import flightlog, myapp.worker as w; print(w.__cached__, w.__spec__.cached, w.__file__)"
    kept = kept_at(str(app / "myapp" / "worker.py"))
    assert outside(code, FLIGHTLOG_STRIP="*") == [kept, kept, str(app / "myapp" / "worker.py")]
    assert kept != cache_from_source(str(app / "myapp" / "worker.py"))


def test_tracebacks_and_sources_are_those_of_the_file(outside):
    code = """
import inspect, traceback, flightlog, myapp
try:
    myapp.fail()
except LookupError as error:
    (last,) = traceback.extract_tb(error.__traceback__)[-1:]
print(last.lineno, last.line.replace(" ", "_"), inspect.getsource(myapp.fail).count("hot.tiny"))
"""
    assert outside(code, FLIGHTLOG_STRIP="*") == ["15", 'raise_LookupError("line_15")', "1"]


def test_a_module_can_be_loaded_again(outside):
    code = "import importlib, flightlog, myapp; importlib.reload(myapp); print(calls(myapp))"
    assert outside(code, FLIGHTLOG_STRIP="*") == ["False"]


def test_a_program_that_is_run_as_a_module_is_stripped(outside, app):
    (app / "program.py").write_text(
        "from flightlog import hot\ndef f():\n    hot.tiny('a', 'b')\nprint('tiny' in f.__code__.co_names)\n"
    )
    code = "import flightlog, runpy; runpy.run_module('program', run_name='__main__')"
    assert outside(code, FLIGHTLOG_STRIP="program") == ["False"]


def test_source_that_does_not_parse_says_so_as_ever(outside, app):
    (app / "broken.py").write_text("import flightlog\ndef f(:\n")
    code = """
import flightlog
try:
    import broken
except SyntaxError as error:
    print(error.lineno, error.filename.rpartition("/")[2], error.__context__)
"""
    assert outside(code, FLIGHTLOG_STRIP="*") == ["2", "broken.py", "None"]


@pytest.fixture
def restored():
    """Leaves no finder and no module of the test behind."""
    before = set(sys.modules)
    paths = list(sys.path)
    yield
    finder.leave()
    sys.path[:] = paths
    for name in set(sys.modules) - before:
        del sys.modules[name]


class Rewriting(importlib.machinery.SourceFileLoader):
    """Another's loader, which changes source before it is compiled."""

    def source_to_code(self, data, path, *, _optimize=-1):
        return super().source_to_code(
            bytes(data).replace(b"done = 0", b"done = 40"), path, _optimize=_optimize
        )


class Rewriter(importlib.abc.MetaPathFinder):
    """Another's finder, which asks all others as ours does."""

    def find_spec(self, fullname, path, target=None):
        if not fullname.startswith("myapp"):
            return None
        for other in sys.meta_path:
            spec = None if other is self else other.find_spec(fullname, path, target)
            if spec is not None:
                spec.loader = Rewriting(spec.loader.name, spec.loader.path)
                return spec
        return None


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("first", [True, False])
def test_another_s_hook_that_takes_no_tree_keeps_its_turn(app, monkeypatch, first):
    """Its loader cannot compile what is left of a tree, so the module is loaded as that loader would have it."""
    other = Rewriter()
    monkeypatch.syspath_prepend(str(app))
    monkeypatch.setattr(sys, "meta_path", [other, *sys.meta_path] if first else list(sys.meta_path))
    fl.strip("myapp.*")  # noqa: B005 - no text's method
    if not first:
        sys.meta_path.insert(0, other)
    assert importlib.import_module("myapp.worker").work([1]) == 41


def test_patterns_name_modules_as_file_names_are_named():
    names = Finder.names
    assert names(["a.*"], "a")
    assert names(["a.*"], "a.b.c")
    assert not names(["a.*"], "ab")
    assert not names(["A"], "a")
    assert names(["a?"], "ab")


PYTEST = """
import myapp.worker

def test_it():
    assert myapp.worker.work([1, 2]) == 2
    assert "tiny" not in myapp.worker.work.__code__.co_names

def test_that_fails():
    assert myapp.worker.work([1]) == {"asked": "for"}
"""


@pytest.mark.parametrize("how", ["the environment", "conftest"])
def test_pytest_still_explains_assertions_beside_it(app, tmp_path, how):
    (app / "test_app.py").write_text(PYTEST)
    if how == "conftest":
        (app / "conftest.py").write_text("import flightlog as fl\nfl.strip('*')\n")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("FLIGHTLOG_", "PYT"))
    }
    environment |= {
        "FLIGHTLOG_HOME": str(tmp_path / "home"),
        "FLIGHTLOG_STRIP": "*" if how != "conftest" else "",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "test_app.py",
    ]
    for _ in range(2):  # from a cold and from a warm cache
        done = subprocess.run(command, env=environment, cwd=app, capture_output=True, text=True, check=False)
        assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
        assert "assert 1 == {'asked': 'for'}" in done.stdout
    assert any("pytest" in path.name for path in (app / "__pycache__").glob("test_app*"))
