"""Instrumentations that others wrote for libraries that we have none for: found, chosen and used.

OpenTelemetry's instrumentors name themselves as entry points, and so do OpenInference's and OpenLLMetry's. Of several
for one library one is used, by `_FAMILIES`; our own, where there is one, goes before all of them. What they emit
arrives through OpenTelemetry's API (`integrations/opentelemetry`). Nothing of them is loaded before their library is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

GROUPS: Final = ("openinference_instrumentor", "opentelemetry_instrumentor")
"""Groups of entry points."""

DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
"""OpenTelemetry's own variable: names with commas between, or `*` for all."""

_FAMILIES: Final = (
    "OpenInference's, which keeps the messages and tokens of streams and nested calls",
    "the OpenTelemetry project's own",
    "OpenLLMetry's; nothing more trusted is installed for it",
    "somebody else's; nothing more trusted is installed for it",
)
"""Whose it is, the most trusted first, and why."""

_MODULES: Final[Mapping[str, str]] = {
    "agno": "agno",
    "aiohttp_client": "aiohttp",
    "aiohttp_server": "aiohttp.web",
    "autogen": "autogen",
    "autogen_agentchat": "autogen_agentchat",
    "elasticsearch": "elasticsearch",
    "google_adk": "google.adk",
    "google_genai": "google.genai",
    "google_generativeai": "google.generativeai",
    "grpc_aio_client": "grpc.aio",
    "grpc_aio_server": "grpc.aio",
    "grpc_client": "grpc",
    "grpc_server": "grpc",
    "langchain": "langchain_core",
    "mysqlclient": "MySQLdb",
    "openai_agents": "agents",
    "tortoiseorm": "tortoise",
    "urllib": "urllib.request",  # the package alone is imported by whatever handles an address
    "vertexai": "vertexai",
    "wsgi": "wsgiref",
}
"""Names of instrumentors that are not those of the module that they instrument."""

_UNWANTED: Final[Mapping[str, str]] = {
    "system_metrics": "it measures, and records no spans",
    "threading": "Flightlog carries what is current into threads itself",
}
"""Those that are used only when they are asked for by name, and why."""

_OPENINFERENCE: Final = """
agno anthropic autogen_agentchat bedrock beeai claude_agent_sdk crewai dspy google_adk google_genai groq guardrails
haystack instructor langchain litellm llama_index mcp mistralai openai_agents pipecat portkey promptflow pydantic_ai
smolagents vertexai
"""
_OPENTELEMETRY: Final = """
aio_pika aiokafka aiopg asgi asyncio asyncpg botocore cassandra confluent_kafka django elasticsearch falcon fastapi
flask grpc jinja2 kafka_python mysql mysqlclient pika psycopg psycopg2 pymemcache pymongo pymssql pymysql pyramid redis
sqlalchemy sqlite3 starlette tornado tortoiseorm urllib
"""

INSTALLS: Final[Mapping[str, str]] = {
    **{name: f"opentelemetry-instrumentation-{name.replace('_', '-')}" for name in _OPENTELEMETRY.split()},
    **{name: f"openinference-instrumentation-{name.replace('_', '-')}" for name in _OPENINFERENCE.split()},
}
"""Libraries for which somebody offers an instrumentation, and the package that has it."""

_DISTRIBUTIONS: Final[Mapping[str, str]] = {
    **{name: name.replace("_", "-") for name in _OPENINFERENCE.split()},
    "bedrock": "boto3",
    "beeai": "beeai-framework",
    "guardrails": "guardrails-ai",
    "haystack": "haystack-ai",
    "pipecat": "pipecat-ai",
    "portkey": "portkey-ai",
    "vertexai": "google-cloud-aiplatform",
}
"""Packages of libraries that are instrumented by OpenInference's."""


class Candidate(NamedTuple):
    """One instrumentation that is installed."""

    library: str
    """The name by which it is asked for."""
    module: str
    """The module whose import it waits for."""
    family: int
    """Its place in `_FAMILIES`."""
    package: str
    """Its distribution, with its version."""
    entry: Any
    """The entry point."""


class Choice(NamedTuple):
    """What records a library, and why."""

    library: str
    by: str
    """The package, or `flightlog`; empty for nothing."""
    reason: str
    passed_over: tuple[str, ...] = ()
    """Packages that could as well."""

    def sentence(self) -> str:
        """It as people read it."""
        told = f"{self.library}: {self.by or 'not recorded'}, {self.reason}"
        return f"{told}; not used: {', '.join(self.passed_over)}" if self.passed_over else told


class Foreign:
    """An instrumentor in the place of a wrapper of ours; `instrumenting.py` says what the methods mean."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._instrumentor: Any = None

    def wrap(self, module: ModuleType, report: Callable[[str, Exception], object]) -> None:  # noqa: ARG002 - as each
        """Load it and use it; twice is harmless."""
        if self._instrumentor is not None or _is_being_imported(getattr(self._candidate.entry, "module", "")):
            return  # in the second case by the program, which wants to use it itself
        made = self._candidate.entry.load()()
        if getattr(made, "is_instrumented_by_opentelemetry", False):
            return  # the program did so itself, and takes it back itself
        made.instrument()
        if not getattr(made, "is_instrumented_by_opentelemetry", True):
            raise Unfit(f"{self._candidate.package} does not take the version that is installed")
        self._instrumentor = made

    def unwrap(self, module: ModuleType) -> None:  # noqa: ARG002 - as for each
        """Take it back."""
        made, self._instrumentor = self._instrumentor, None
        if made is not None:
            made.uninstrument()

    def is_client(self, module: ModuleType, value: object) -> bool:  # noqa: ARG002 - as for each
        """Instrumentors know no single clients."""
        return False

    def wrap_client(self, client: Any, report: Callable[[str, Exception], object]) -> bool:  # noqa: ARG002 - as for each
        """As above."""
        return False

    def unwrap_client(self, client: Any) -> None:
        """As above."""


class Unfit(Exception):
    """An instrumentor refuses the library that is here."""


class Instrumentors:
    """Those that are installed here; looked up once, when somebody asks."""

    def __init__(self, own: Iterable[str]) -> None:
        """Know which libraries are ours.

        Args:
            own: names of libraries that we record ourselves.
        """
        self._own = frozenset(own)
        self._candidates: dict[str, list[Candidate]] | None = None
        self._foreign: dict[str, Foreign] = {}

    def candidates(self) -> Mapping[str, list[Candidate]]:
        """By library, the best first."""
        if self._candidates is None:
            found: dict[str, dict[str, Candidate]] = {}
            for candidate in _installed():
                found.setdefault(candidate.library, {}).setdefault(candidate.package, candidate)
            self._candidates = {
                library: sorted(several.values(), key=lambda one: (one.family, one.package))
                for library, several in sorted(found.items())
            }
        return self._candidates

    def names(self, left_out: Iterable[str] = ()) -> tuple[str, ...]:
        """Libraries that are recorded by one of these when nobody names any.

        Args:
            left_out: names that the settings leave out, or `*`.
        """
        if not may_exist():
            return ()
        without = left_out_by(left_out)
        return tuple(
            library
            for library, several in self.candidates().items()
            if library not in self._own
            and library not in _UNWANTED
            and several[0].module not in self._own
            and not is_left_out(library, without)
            and has_module(several[0].module)
        )

    def knows(self, library: str) -> bool:
        """Whether one is installed for it."""
        return may_exist() and library in self.candidates()

    def module_of(self, library: str) -> str:
        """The module whose import is waited for."""
        return self.candidates()[library][0].module

    def wrapping(self, library: str) -> Foreign:
        """The chosen one."""
        if library not in self._foreign:
            self._foreign[library] = Foreign(self.candidates()[library][0])
        return self._foreign[library]

    def choice(self, library: str, left_out: Iterable[str] = (), *, by_name: bool = False) -> Choice:
        """What records a library here, and why.

        Args:
            library: its name.
            left_out: names that the settings leave out, or `*`.
            by_name: whether somebody asked for this one.
        """
        several = self.candidates().get(library, []) if may_exist() else []
        packages = tuple(one.package for one in several)
        if is_left_out(library, left_out_by(left_out)):
            return Choice(library, "", f"left out by the settings or {DISABLED}", packages)
        if library in self._own:
            why = "our own goes before every other" if packages else "our own"
            return Choice(library, "flightlog", why, packages)
        if not several:
            return Choice(library, "", install_line(library) or "nothing is known for it")
        if several[0].module in self._own and not by_name:
            return Choice(library, "", f"our own for {several[0].module} records it; only by name", packages)
        if library in _UNWANTED and not by_name:
            return Choice(library, "", f"{_UNWANTED[library]}; only by name", packages)
        return Choice(library, packages[0], _FAMILIES[several[0].family], packages[1:])


def left_out_by(setting: Iterable[str]) -> frozenset[str]:
    """Names that the setting or OpenTelemetry's own variable leaves out."""
    told = os.environ.get(DISABLED, "").split(",")
    return frozenset(plain_name(name) for name in (*setting, *told) if name.strip())


def is_left_out(library: str, without: frozenset[str]) -> bool:
    """Whether a library is among them."""
    return "*" in without or library in without


def plain_name(name: str) -> str:
    """The name of an instrumentor or a library as it is compared."""
    return name.strip().lower().replace("-", "_")


def may_exist() -> bool:
    """Whether any instrumentor is installed."""
    return next(_places(), None) is not None


def _places() -> Iterator[str]:
    """Where the metadata of packages stands that are called instrumentation: to read all packages' takes 100 ms."""
    for directory in sys.path:
        try:
            names = os.listdir(directory or ".")  # noqa: PTH208 - a Path for each entry would take longer
        except OSError:
            continue
        for name in names:
            if "instrumentation" in name and name.endswith((".dist-info", ".egg-info")):
                yield os.path.join(directory, name)  # noqa: PTH118 - as above


def install_line(library: str) -> str:
    """What installs what records a library, and the library where that is missing; empty for an unknown one."""
    package = INSTALLS.get(library)
    if package is None:
        return ""
    own = "" if has_module(_MODULES.get(library, library)) else _DISTRIBUTIONS.get(library, "")
    return f"pip install {own} {package}" if own else f"pip install {package}"


def _is_being_imported(name: str) -> bool:
    module = sys.modules.get(name)
    return getattr(getattr(module, "__spec__", None), "_initializing", False) is True


def has_module(name: str) -> bool:
    """Whether a module could be imported."""
    if sys.modules.get(name) is not None:
        return True
    from importlib.util import find_spec  # only once somebody asks

    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # its parent is not there, or is no package
        return False


def _installed() -> list[Candidate]:
    from importlib.metadata import Distribution  # 20 ms, and only where there are any

    found = []
    for place in _places():
        distribution = Distribution.at(place)
        for entry in distribution.entry_points:
            if entry.group in GROUPS:
                library = plain_name(entry.name)
                package = f"{distribution.name} {distribution.version}"
                module = _MODULES.get(library, library)
                family = _family(distribution, entry.group)
                found.append(Candidate(library, module, family, package, entry))
    return found


def _family(distribution: Any, group: str) -> int:
    name = plain_name(distribution.name)
    if group == GROUPS[0] or name.startswith("openinference_"):
        return 0
    if not name.startswith("opentelemetry_"):
        return 3
    told = " ".join(
        str(value)
        for field in ("Author-email", "Author", "Home-page", "Project-URL", "Summary")
        for value in distribution.metadata.get_all(field) or ()
    )
    return 2 if "traceloop" in told.lower() or "openllmetry" in told.lower() else 1
