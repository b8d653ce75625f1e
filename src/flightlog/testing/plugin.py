"""The pytest plugin: the fixture `recorded`, the option `--flightlog-update`, and what was recorded beside a failure.

It needs no configuration and does nothing for a test that does not ask for a fixture of it. A capture is bound to the
context in which it was begun; a test that is a coroutine may run in another one (a loop that is older than the
fixture), so it is given the context's capture when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextvars import Context
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final

import pytest

from flightlog.core.bound import bound
from flightlog.core.context import variable
from flightlog.testing.captured import capture
from flightlog.testing.updating import updating

_SECTION: Final = "Recorded by flightlog"
_WRITTEN: Final = "flightlog_written"
"""An attribute of a report: golden files that the test wrote. A report takes it along from a worker of xdist."""

_SETTLED: Final = "flightlog_settled"
"""An attribute of a report: what golden files are to hold by the test, as digests by their names."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option."""
    parser.getgroup("flightlog").addoption(
        "--flightlog-update",
        action="store_true",
        help="write the golden traces and stories that are missing or do not match",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin: from here on golden files are written, if that was asked for."""
    before = (updating.asked, updating.has_option)
    updating.asked, updating.has_option = bool(config.getoption("flightlog_update")), True

    def restore() -> None:
        updating.asked, updating.has_option = before
        updating.texts.clear()

    config.add_cleanup(restore)
    if updating.asked and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Agreement(), "flightlog-agreement")


class _Agreement:
    """Sees that workers of xdist want the same of a golden file; within one process the assertion itself does."""

    def __init__(self) -> None:
        self._settled: dict[str, set[str]] = {}

    def _disputed(self) -> list[str]:
        return sorted(path for path, digests in self._settled.items() if len(digests) > 1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test, of whichever worker, wanted."""
        for path, digest in getattr(report, _SETTLED, {}).items():
            self._settled.setdefault(path, set()).add(digest)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let the run fail where they did not agree."""
        if self._disputed() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where they did not."""
        for path in self._disputed():
            terminalreporter.write_line(
                f"flightlog: two assertions of this run want {path}, each otherwise; give each its own file",
                red=True,
            )


@pytest.fixture
def recorded() -> Iterator[capture]:
    """Everything that the test records: spans, events and narrations, with assertions about them.

    Also what threads and tasks record that the test starts, and nothing of any other test.
    """
    with capture() as seen:
        yield seen


@pytest.fixture(scope="class")
def recorded_in_class() -> Iterator[capture]:
    """Everything that the tests of a class record, and the fixtures that they share, but not what `recorded` takes."""
    with capture() as seen:
        yield seen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a test that runs in another context begin where its fixtures left off."""
    if variable.get() is None:
        return (yield)
    _enter_own_context(item)
    test = getattr(item, "obj", None)
    if not iscoroutinefunction(test):
        return (yield)
    item.obj = _begun_here(test)  # type: ignore[attr-defined]  # a test function has one, as was seen above
    try:
        return (yield)
    finally:
        item.obj = test  # type: ignore[attr-defined]  # as above


def _enter_own_context(item: pytest.Item) -> None:
    """`unittest.IsolatedAsyncioTestCase` copies the context when it is made, which is before any fixture."""
    own = getattr(getattr(item, "instance", None), "_asyncioTestContext", None)
    if isinstance(own, Context):
        own.run(variable.set, variable.get())
        own.run(bound.set, bound.get())


def _begun_here(test: Callable[..., Any]) -> Callable[..., Any]:
    """The coroutine function, which begins with the capture, span and binding that are current now."""
    place, binding = variable.get(), bound.get()

    @wraps(test)
    async def begun(*args: Any, **kwargs: Any) -> Any:
        before = variable.get(), bound.get()
        variable.set(place)
        bound.set(binding)
        try:
            return await test(*args, **kwargs)
        finally:
            variable.set(before[0])
            bound.set(before[1])

    return begun


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what was recorded under a failure, and the names of files that were written on the report."""
    report = yield
    if updating.written:
        setattr(report, _WRITTEN, updating.take_written())
    if updating.settled:
        setattr(report, _SETTLED, updating.take_settled())
    seen = getattr(item, "funcargs", {}).get("recorded")
    if report.when == "call" and report.failed and isinstance(seen, capture):
        report.sections.append((_SECTION, seen.outline()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which golden files were written, by whichever worker."""
    reports = [report for some in terminalreporter.stats.values() for report in some]
    written = sorted({path for report in reports for path in getattr(report, _WRITTEN, ())})
    for path in written:
        terminalreporter.write_line(f"flightlog: wrote {path}")
