"""Write `docs/versions.md`: which versions of other people's libraries the tests ran with, as they are installed here.

python scripts/versions.py            write it
python scripts/versions.py --print    print the table, and write nothing
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "versions.md"

RECORDED: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "openai": (("openai",), "tests/integrations/test_openai_chat.py"),
    "anthropic": (("anthropic",), "tests/integrations/anthropic"),
    "google_genai": (("google-genai",), "tests/libraries/google_genai"),
    "mistralai": (("mistralai",), "tests/libraries/mistralai"),
    "langchain": (("langchain-core", "langgraph"), "tests/integrations/langchain"),
    "mcp": (("mcp",), "tests/libraries/mcp"),
    "pydantic_ai": (("pydantic-ai-slim", "openai", "anthropic", "mcp"), "tests/libraries/pydantic_ai"),
    "claude_agent_sdk": (("claude-agent-sdk",), "tests/libraries/claude_agent_sdk"),
    "haystack": (("haystack-ai",), "tests/libraries/haystack"),
    "smolagents": (("smolagents",), "tests/libraries/smolagents"),
    "llama_index": (
        ("llama-index-core", "llama-index-workflows", "llama-index-llms-openai", "openai"),
        "tests/libraries/llama_index",
    ),
    "dspy": (("dspy", "litellm", "openai"), "tests/libraries/dspy"),
    "crewai": (("crewai", "openai", "litellm"), "tests/libraries/crewai"),
    "autogen": (("autogen-agentchat", "autogen-ext", "openai"), "tests/libraries/autogen"),
    "litellm": (("litellm",), "tests/libraries/litellm"),
    "openai_agents": (("openai-agents",), "tests/libraries/openai_agents"),
    "flujo": (("flujo",), "tests/libraries/flujo"),
    "httpx": (("httpx",), "tests/integrations/test_http_clients.py"),
    "httpx2": (("httpx2",), "tests/integrations/test_http_clients.py"),
    "requests": (("requests",), "tests/integrations/test_http_clients.py"),
    "urllib3": (("urllib3",), "tests/integrations/test_http_clients.py"),
    "aiohttp": (("aiohttp",), "tests/integrations/test_http_clients.py"),
    "celery": (("celery",), "tests/integrations/test_celery.py"),
    "opentelemetry": (("opentelemetry-api", "opentelemetry-sdk"), "tests/integrations/opentelemetry"),
    "structlog": (("structlog",), "tests/integrations/test_integrations_structlog.py"),
    "loguru": (("loguru",), "tests/integrations/test_integrations_loguru.py"),
    "fastapi": (("fastapi", "starlette", "uvicorn"), "tests/middleware"),
}
"""Library to its packages, and where its tests stand. With `tests/libraries/NAME` it has environments of its own."""

HEAD: Final = """# Versions that were tested

Each of these libraries is recorded in tests that run the real package, model providers and servers as processes of
their own on this machine. The table is what was installed where the tests ran last; `python scripts/versions.py`
writes it from the installed packages.
"""
TAIL: Final = """
Other versions are not refused. Before a wrapper changes anything it looks whether the package has the shape that it
knows. Where it has not (a newer one, a broken one, another one of the same name), that wrapper alone stays out, one
line on standard error says so, and the program goes on as without Flightlog:

```text
flightlog: anthropic 99.0: it is not recorded (Unfit: it has no class Anthropic)
```

A wrapper that fails in the middle of a call is told of once in the same way, counted (`flightlog doctor`), and the call
goes on. Which library is recorded by what, and why, is said by `flightlog doctor` as well.

Libraries that are not in the table can be recorded by
[instrumentations that others wrote](opentelemetry-provider.md).
"""


def table() -> str:
    """The installed versions, a line for each library in each of its environments."""
    lines = ["| library | packages | Python | tests |", "|---|---|---|---|"]
    for library, (packages, tests) in RECORDED.items():
        for place in _places(tests):
            told = [f"{package} {found}" for package in packages if (found := _installed(package, place))]
            if told:
                lines.append(f"| `{library}` | {', '.join(told)} | {_python(place)} | `{tests}` |")
    return "\n".join(lines) + "\n"


def _places(tests: str) -> list[Path]:
    """The environments in which these tests run."""
    if not tests.startswith("tests/libraries/"):
        return [Path(sys.prefix)]
    name = Path(tests).name
    within = Path(sys.prefix) / "libraries"
    return [place for place in (within / name, *sorted(within.glob(f"{name}-3.*"))) if place.is_dir()]


def _installed(package: str, place: Path) -> str:
    within = [str(found) for found in place.glob("lib/python3.*/site-packages")]
    return next((found.version for found in distributions(name=package, path=within)), "")


def _python(place: Path) -> str:
    if place == Path(sys.prefix):
        return platform.python_version()
    settings = (place / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    return next((line.partition("=")[2].strip() for line in settings if line.startswith("version")), "")


def main(arguments: list[str]) -> int:
    """Write the page, or print its table."""
    if arguments == ["--print"]:
        print(table(), end="")
        return 0
    PAGE.write_text(f"{HEAD}\n{table()}{TAIL}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
