"""Write the generated parts of `docs/`: what the program says about itself, so that no page can be out of date.

python scripts/docs.py            write them
python scripts/docs.py --check    write nothing; exit 1 and name each page that differs
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from flightlog.cli.main import COMMANDS, commands
from flightlog.codecs.json_schema import json_schema
from flightlog.settings import SETTINGS, Setting

ROOT: Final = Path(__file__).resolve().parents[1]
STORE_SCHEMA: Final = ROOT / "src" / "flightlog" / "store" / "sqlite" / "schema.sql"
HELP_WIDTH: Final = 88


def cli_page() -> str:
    """Every command's help, as the terminal shows it."""
    group = click.Context(commands, info_name="flightlog", help_option_names=["-h", "--help"])
    parts = [
        "# Command line",
        "",
        "This page is what `flightlog --help` and each command's `--help` say (`make docs` writes it).",
        "",
        *_help(commands, "flightlog", None),
    ]
    for name in COMMANDS:
        command = commands.get_command(group, name)
        assert command is not None
        parts += [f"## flightlog {name}", "", *_help(command, name, group)]
    return "\n".join(parts)


def _help(command: click.Command, called: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        parent,
        called,
        terminal_width=HELP_WIDTH,
        color=False,
        help_option_names=["-h", "--help"],
    )
    yield from ("```text", command.get_help(context), "```", "")


def settings_page() -> str:
    """Every setting, from the one list."""
    rows = [_setting_row(setting) for setting in SETTINGS]
    return "\n".join(
        [
            "# Settings",
            "",
            "A value given in code wins over the environment, the environment over the project's file",
            "(`flightlog.toml`, or `[tool.flightlog]` in `pyproject.toml`), that over the user's file, that over",
            "the default. `flightlog doctor` prints each value with where it came from. This page is written from",
            "`flightlog.settings` by `make docs`.",
            "",
            "| setting | environment | default | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ],
    )


def _setting_row(setting: Setting) -> str:
    variables = ", ".join(f"`{name}`" for name in (setting.variable, *setting.variables))
    default = str(setting.default).lower() if isinstance(setting.default, bool) else str(setting.default)
    cells = (f"`{setting.name}`", variables, f"`{default}`" if default else "(empty)", setting.text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def schema_page() -> str:
    """The JSON Schema of a line, as `flightlog schema` prints it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def store_schema_page() -> str:
    """The tables of the SQLite store, from the file that makes them."""
    return "\n".join(
        [
            "# The SQLite store",
            "",
            "These are the tables of `store.db` in the home directory, written from",
            "`src/flightlog/store/sqlite/schema.sql` by `make docs`.",
            "",
            "```sql",
            STORE_SCHEMA.read_text(encoding="utf-8").rstrip(),
            "```",
            "",
        ],
    )


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "cli.md": cli_page,
    "schema.json": schema_page,
    "settings.md": settings_page,
    "store-schema.md": store_schema_page,
}
"""File name under `docs/` to what makes its text."""


def stale(directory: Path) -> dict[str, str]:
    """The pages of a directory that are missing or differ, with the text that they should have."""
    wanted = {name: make() for name, make in PAGES.items()}
    return {name: text for name, text in wanted.items() if _text(directory / name) != text}


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main() -> int:
    """Write the pages, or check them."""
    directory = ROOT / "docs"
    differing = stale(directory)
    if "--check" in sys.argv[1:]:
        for name in differing:
            print(f"docs/{name} is not what `make docs` writes", file=sys.stderr)
        return 1 if differing else 0
    for name, text in differing.items():
        (directory / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
