"""Every number in the documentation, from one command.

    python bench/run.py            everything; writes docs/benchmarks.md (about 15 minutes)
    python bench/run.py --quick    a short look; writes nothing
    python bench/run.py hot store  only these parts; writes nothing, or with --write their sections of the page
    python bench/run.py --help     the parts, and what each measures

Each part measures its floor and its baselines in the same run. Read the figures as ratios: the machine that
wrote the page stands at its top.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import time
from compileall import compile_dir
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

PARTS: Final = {
    "hot": ("hot_bench", "What a span costs the thread that records it"),
    "opentelemetry": ("opentelemetry_bench", "A span through OpenTelemetry's API"),
    "tier": ("hot_tier_bench", "The hot tier"),
    "peers": ("peers_bench", "Beside other tracers"),
    "journal": ("journal_bench", "The journal"),
    "gate": ("gate_bench", "The gate"),
    "redaction": ("redaction_bench", "What the gate finds, and what it hits by mistake"),
    "capture": ("capture_bench", "Capturing values"),
    "store": ("store_bench", "The store"),
    "process": ("process_bench", "What people wait for"),
    "steps": ("steps_bench", "Execution traces"),
    "otlp": ("otlp_bench", "OpenTelemetry over the wire"),
    "pricing": ("pricing_bench", "What money costs"),
    "words": ("words_bench", "The index of words"),
    "big": ("big_bench", "A store of ten million spans"),
    "watch": ("watch_bench", "The explorer"),
    "flujo": ("flujo_bench", "A pipeline of flujo"),
    "kill": ("kill_rounds", "What survives"),
}
WARM_SECONDS: Final = 1.0
"""Before each part: virtual machines were seen to run a process that comes back from a rest at half its speed."""
PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

READING: Final = (
    "Medians; each part has its floor and its baselines in the same run. Read them as ratios.",
    "Where a unit also tells the fastest tenth, the sides took turns of two milliseconds: the median is what the",
    "machine gave, the fastest tenth what it gives while nobody else wants it, a ratio is that of neighbours in time.",
)
"""How to read the figures."""

Row = tuple[str, float, str]


def machine() -> str:
    """One line about where this ran."""
    model = platform.processor() or platform.machine()
    with Path("/proc/cpuinfo").open() as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {model}, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"OpenTelemetry SDK {_version('opentelemetry-sdk')}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def number(value: float) -> str:
    """Three significant digits, and every digit of what is larger."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def page(found: dict[str, list[Row]]) -> str:
    """The documentation page."""
    parts = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {time.strftime('%Y-%m-%d')}: {machine()}.",
        *READING,
        "",
    ]
    return "\n".join([*parts, *(section(part, rows) for part, rows in found.items())])


def section(part: str, rows: list[Row]) -> str:
    """The section of one part."""
    lines = [f"## {PARTS[part][1]}", "", f"`python bench/run.py {part}`", "", "| what | | |", "|---|--:|---|"]
    lines += [f"| {what} | {number(value)} | {unit} |" for what, value, unit in rows]
    return "\n".join([*lines, ""])


def replaced(text: str, part: str, rows: list[Row]) -> str:
    """The page with the section of one part written anew; a new part's comes last."""
    head, title, rest = text.partition(f"## {PARTS[part][1]}\n")
    if not title:
        return f"{text.rstrip()}\n\n{section(part, rows)}"
    _, following, tail = rest.partition("\n## ")
    return head + section(part, rows) + following + tail


def _work_for(seconds: float) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        pass


def _asked(arguments: list[str]) -> argparse.Namespace:
    """What the command line asks for; anything else ends the program with its usage."""
    parser = argparse.ArgumentParser(
        prog="bench/run.py",
        description="Every number in the documentation, from one command.",
        epilog="parts:\n" + "\n".join(f"  {part:14} {title}" for part, (_, title) in PARTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts", nargs="*", metavar="part", help="only these; else all, which writes the page"
    )
    parser.add_argument("--quick", action="store_true", help="a short look; writes nothing")
    parser.add_argument(
        "--write", action="store_true", help="write the sections of these parts into the page"
    )
    asked = parser.parse_args(arguments)
    unknown = [part for part in asked.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if asked.quick and asked.write:
        parser.error("a short look is not written")
    return asked


def main(arguments: list[str]) -> None:
    """Run what was asked for, print as it comes, and write the page when it was everything."""
    asked = _asked(arguments)
    sys.path.insert(0, str(Path(__file__).parent))
    wanted = asked.parts or list(PARTS)
    found: dict[str, list[Row]] = {}
    compile_dir(PAGE.parents[1] / "src" / "flightlog", quiet=1)  # as an installer does
    print(machine(), *READING, sep="\n")
    for part in wanted:
        print(f"\n{PARTS[part][1]}", flush=True)
        _work_for(WARM_SECONDS)
        found[part] = import_module(PARTS[part][0]).run(quick=asked.quick)
        for what, value, unit in found[part]:
            print(f"  {what:<76} {number(value):>12} {unit}", flush=True)
    found = {part: rows for part, rows in found.items() if rows}  # a part may lack what it measures
    if wanted == list(PARTS) and not asked.quick:
        PAGE.write_text(page(found))
    elif asked.write:
        text = PAGE.read_text()
        for part, rows in found.items():
            text = replaced(text, part, rows)
        PAGE.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
