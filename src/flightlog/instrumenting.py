"""Recording other people's libraries: `instrument` and `uninstrument`, for all that is installed or one by one.

Ours come first; for a library that we have none for, an instrumentor that somebody else wrote is used
(`integrations/instrumentors.py`), whose spans reach us through OpenTelemetry's API.

A library's wrapper is loaded when the library is, and not before: naming one that the program never imports
costs it nothing. Whatever goes wrong on our side of a wrapper is counted, told once, and leaves the library's
own behaviour as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, Final, Protocol, Self

from flightlog.border import let_through
from flightlog.configure import load_usable
from flightlog.integrations.instrumentors import (
    INSTALLS,
    Instrumentors,
    has_module,
    install_line,
    is_left_out,
    left_out_by,
    plain_name,
)
from flightlog.integrations.on_import import is_half_made, when_imported
from flightlog.records.errors import BadQuestion, MissingExtra

LIBRARIES: Final[Mapping[str, str]] = {
    "openai": "flightlog.integrations.openai.wrapping",
    "anthropic": "flightlog.integrations.anthropic.wrapping",
    "google_genai": "flightlog.integrations.google_genai.wrapping",
    "mistralai": "flightlog.integrations.mistralai.wrapping",
    "langchain": "flightlog.integrations.langchain.wrapping",
    "llama_index": "flightlog.integrations.llama_index.wrapping",
    "dspy": "flightlog.integrations.dspy.wrapping",
    "mcp": "flightlog.integrations.mcp.wrapping",
    "pydantic_ai": "flightlog.integrations.pydantic_ai.wrapping",
    "crewai": "flightlog.integrations.crewai.wrapping",
    "autogen": "flightlog.integrations.autogen.wrapping",
    "claude_agent_sdk": "flightlog.integrations.claude_agent_sdk.wrapping",
    "haystack": "flightlog.integrations.haystack.wrapping",
    "smolagents": "flightlog.integrations.smolagents.wrapping",
    "litellm": "flightlog.integrations.litellm.wrapping",
    "openai_agents": "flightlog.integrations.openai_agents.wrapping",
    "flujo": "flightlog.integrations.flujo.wrapping",
    "logging": "flightlog.integrations.logs",
    "httpx": "flightlog.integrations.http.httpx",
    "httpx2": "flightlog.integrations.http.httpx",
    "requests": "flightlog.integrations.http.requests",
    "urllib3": "flightlog.integrations.http.urllib3",
    "aiohttp": "flightlog.integrations.http.aiohttp",
    "celery": "flightlog.integrations.celery",
    "opentelemetry": "flightlog.integrations.opentelemetry.wrapping",
}
"""Each library that can be recorded, by the name it is imported with, and the module that wraps it."""

_MODULES: Final = {
    "google_genai": "google.genai",
    "mistralai": "mistralai.client",
    "langchain": "langchain_core",
    "llama_index": "llama_index_instrumentation",
    "autogen": "autogen_core",
    "openai_agents": "agents",
    "opentelemetry": "opentelemetry.trace",
}
"""Modules that are waited for in the place of their package, where that is none of its own."""

_ALSO: Final = {
    "agents": "openai_agents",
    "langchain_core": "langchain",
    "langgraph": "langchain",
    "workflows": "llama_index",
    "autogen_agentchat": "autogen",
    "autogen_core": "autogen",
    "autogen_ext": "autogen",
}
"""Other names of a library, or of one that is recorded with it."""

_PACKAGES: Final = {"autogen": "autogen-agentchat"}
"""Packages that have another name than what they are recorded by."""

_EXTRAS: Final = frozenset({"openai", "opentelemetry"})
"""Libraries that an extra of ours installs."""

instrumentors: Final = Instrumentors(LIBRARIES.keys() | _ALSO.keys())
"""Those that others wrote."""

ALL: Final = frozenset({"all", "on", "true", "yes", "1"})
NONE: Final = frozenset({"none", "off", "false", "no", "0"})
"""Words of the setting `instrument` beside names of libraries."""


class _Wrapping(Protocol):
    """What the module that wraps a library offers."""

    def wrap(self, module: ModuleType, report: Callable[[str, Exception], object]) -> None:
        """Wrap the library; twice is harmless."""

    def unwrap(self, module: ModuleType) -> None:
        """Leave the library as it was."""

    def is_client(self, module: ModuleType, value: object) -> bool:
        """Whether this is an object of the library that can be wrapped by itself."""

    def wrap_client(self, client: Any, report: Callable[[str, Exception], object]) -> bool:
        """Wrap one object; False if it was already."""

    def unwrap_client(self, client: Any) -> None:
        """Leave one object as it was."""


_NEEDED: Final = {"opentelemetry": "opentelemetry._logs"}
"""Modules that a wrapper imports, and that may be importing the one which is waited for."""

_wanted: Final[set[str]] = set()
"""Libraries that are wrapped, or will be when they are imported."""
_awaited: Final[set[str]] = set()
"""Libraries whose import has been waited for; once is enough for a process."""
_chosen: Final[set[str]] = set()
"""Of the wanted ones those that somebody asked for by name, so that the setting does not decide."""


class Instrumented:
    """What one call of `instrument` did; `undo`, or leaving its block, takes it back."""

    __slots__ = ("_clients", "choices", "libraries")

    def __init__(
        self, libraries: tuple[str, ...], clients: tuple[object, ...], choices: tuple[str, ...] = ()
    ) -> None:
        self.libraries = libraries
        """Names of the libraries that it began to record, now or once they are imported."""
        self._clients = clients
        self.choices = choices
        """For each library that was asked for, what records it and why, in a sentence."""

    def undo(self) -> None:
        """Leave the libraries and clients as they were; twice is harmless."""
        if self.libraries or self._clients:
            uninstrument(*self.libraries, *self._clients)
        self.libraries, self._clients = (), ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()

    def __repr__(self) -> str:
        clients = [f"one {type(client).__name__}" for client in self._clients]
        return f"<instrumented: {', '.join([*self.libraries, *clients]) or 'nothing'}>"


def instrument(*targets: object) -> Instrumented:
    """Record the calls of other people's libraries, from now on; what they return does not change.

    Args:
        *targets: names of libraries (`"openai"`, `"logging"`, `"crewai"`), or single client objects, whose copies
            are recorded as they are and next to which other clients are left alone. None at all means every library
            that is installed. What is recorded already stays so.

    Returns:
        What this call began to record, and by what (`choices`); its `undo` takes that back, and it can be used as a
        block.

    Raises:
        BadQuestion: there is no such library here, or this is no client of one.
        MissingExtra: a library that is named is not installed, or what records it is not.
    """
    names, clients = _told_apart(targets)
    for name in names:
        if not _is_installed(name):
            raise MissingExtra(name, f"recording {name}", _install_line(name))
    if targets:
        libraries = names if all(name in LIBRARIES for name in names) else (*names, "opentelemetry")
    else:
        left_out = _settings().instrument_without
        libraries = tuple(name for name in _all(left_out) if _is_installed(name))
    fresh = tuple(name for name in libraries if name not in _wanted)
    _chosen.update(libraries)
    for name in libraries:
        _want(name)
    begun = [
        client
        for client, (name, wrapping) in clients
        if _try(name, wrapping.wrap_client, client, _reporter(name))
    ]
    choices = tuple(instrumentors.choice(name, by_name=bool(targets)).sentence() for name in libraries)
    return Instrumented(fresh, tuple(begun), choices)


def uninstrument(*targets: object) -> None:
    """Take back what `instrument` did, however often it was called.

    Args:
        *targets: as for `instrument`; none at all means every library, though not the single clients.

    Raises:
        BadQuestion: there is no such library here, or this is no client of one.
    """
    names, clients = _told_apart(targets)
    for name in names if targets else (*LIBRARIES, *(_wanted - LIBRARIES.keys())):
        _chosen.discard(name)
        if name in _wanted:
            _wanted.discard(name)
            module = sys.modules.get(_module_of(name))
            if module is not None:
                _try(name, _wrapping(name).unwrap, module)
    for client, (name, wrapping) in clients:
        _try(name, wrapping.unwrap_client, client)


def instrument_by_itself() -> None:
    """Record what the setting `instrument` names, each library as soon as it is imported.

    The setting is read when the first of them is: a program that imports none pays for none.
    """
    for name in (*LIBRARIES, *instrumentors.names()):
        _want(name)


def choices() -> list[str]:
    """For every library that could be recorded here, what records it and why, in a sentence."""
    left_out = _settings().instrument_without
    names = [name for name in LIBRARIES if _is_installed(name)]
    names += [name for name in instrumentors.candidates() if name not in LIBRARIES]
    return [instrumentors.choice(name, left_out).sentence() for name in names]


def _all(left_out: Iterable[str]) -> tuple[str, ...]:
    without = left_out_by(left_out)
    own = (name for name in LIBRARIES if not is_left_out(name, without))
    return (*own, *instrumentors.names(left_out))


def _told_apart(
    targets: tuple[object, ...],
) -> tuple[tuple[str, ...], list[tuple[Any, tuple[str, _Wrapping]]]]:
    """Names, and objects with the library that each is of."""
    said = (plain_name(target) for target in targets if isinstance(target, str))
    names = tuple(_ALSO.get(name, name) for name in said)
    for name in names:
        if name not in LIBRARIES and name not in INSTALLS and not instrumentors.knows(name):
            raise BadQuestion(f"nothing here can record {name!r}; it can be: {_known()}")
    clients = [(target, _library_of(target)) for target in targets if not isinstance(target, str)]
    return names, clients


def _library_of(target: object) -> tuple[str, _Wrapping]:
    for name in LIBRARIES:
        module = sys.modules.get(_module_of(name))
        if module is not None and (wrapping := _wrapping(name)).is_client(module, target):
            return name, wrapping
    kind = type(target)
    raise BadQuestion(
        f"a {kind.__module__}.{kind.__qualname__} cannot be recorded; give the name of a library or a client "
        f"of one: {', '.join(LIBRARIES)}"
    )


def _known() -> str:
    return ", ".join([*LIBRARIES, *sorted(INSTALLS.keys() - LIBRARIES.keys())])


def _is_installed(name: str) -> bool:
    return (name in LIBRARIES or instrumentors.knows(name)) and has_module(_module_of(name))


def _install_line(name: str) -> str:
    """What installs what is missing; empty where an extra of ours does."""
    if name in _EXTRAS:
        return ""
    if name in LIBRARIES or instrumentors.knows(name):
        return f"pip install {_PACKAGES.get(name) or name.replace('_', '-')}"
    return install_line(name)


def _module_of(name: str) -> str:
    """The module that is waited for."""
    return _MODULES.get(name, name) if name in LIBRARIES else instrumentors.module_of(name)


def _wrapping(name: str) -> _Wrapping:
    if name not in LIBRARIES:
        return instrumentors.wrapping(name)
    wrapping: Any = import_module(LIBRARIES[name])
    return wrapping  # type: ignore[no-any-return]  # a module stands in for the protocol


def _want(name: str) -> None:
    """Wrap a library now if it is there, else when it comes."""
    _wanted.add(name)
    module = _module_of(name)
    if name not in _awaited:
        _awaited.add(name)
        when_imported(module, partial(_arrived, name))
    elif sys.modules.get(module) is not None:  # or half of it: then it is waited for
        when_imported(module, partial(_arrived, name))


def _arrived(name: str, module: ModuleType) -> None:
    needed = sys.modules.get(_NEEDED.get(name, ""))
    if needed is not None and is_half_made(needed):
        when_imported(needed.__name__, lambda _: _arrived(name, module))
    elif name in _wanted:
        _try(name, _wrap, name, module)


def _wrap(name: str, module: ModuleType) -> None:
    if name not in _chosen and name not in _named_by_setting():
        _wanted.discard(name)
        return
    _wrapping(name).wrap(module, _reporter(name))


def _named_by_setting() -> set[str]:
    """The libraries that the settings name; a word that names none is told."""
    settings = _settings()
    known = LIBRARIES.keys() | instrumentors.candidates().keys()
    named = {plain_name(word) for word in settings.instrument.split(",")} - {""}
    named = {_ALSO.get(name, name) for name in named}
    for word in sorted(named - ALL - NONE - known - INSTALLS.keys()):
        origin = settings.origins["instrument"]
        _recorder().say(
            f"setting instrument from {origin}: nothing can record {word!r}; it can be {', '.join(LIBRARIES)}"
        )
    for word in sorted((named & INSTALLS.keys()) - known):
        origin = settings.origins["instrument"]
        _recorder().say(
            f"setting instrument from {origin}: nothing can record {word!r} here; {_install_line(word)}"
        )
    if named & ALL:
        return set(_all(settings.instrument_without))
    without = left_out_by(settings.instrument_without)
    named = {name for name in named if not is_left_out(name, without)}
    return named | {"opentelemetry"} if (named & known) - LIBRARIES.keys() else named


def _settings() -> Any:
    say = _recorder().say
    return load_usable(lambda error: say(f"{error}; it is left out"))


def _recorder() -> Any:
    return import_module("flightlog.recording").recorder  # heavy, and only once a library is there


def _try(name: str, step: Callable[..., object], *args: Any) -> object:
    """Do what the program did not ask for in so many words: it must go on whatever we meet."""
    try:
        return step(*args)
    except Exception as failure:  # noqa: BLE001 - the border: somebody's import or start-up is going on
        let_through(failure)
        _reporter(name)("it is not recorded", failure)
        return None


def _reporter(name: str) -> Callable[[str, Exception], None]:
    def report(what: str, failure: Exception) -> None:
        recorder = _recorder()
        recorder.count("internal_errors")
        version = getattr(sys.modules.get(_module_of(name)), "__version__", "")
        recorder.say(f"{f'{name} {version}'.strip()}: {what} ({type(failure).__name__}: {failure})")

    return report
