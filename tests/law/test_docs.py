"""The documentation names what a reader can meet, its links lead somewhere, its generated pages are today's."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from law_source import PACKAGE, ROOT, modules
from test_rooms import FLOORS

import flightlog
from flightlog.cli.main import COMMANDS
from flightlog.journal.counters import NAMES as COUNTERS
from flightlog.records import annotation, event, process, span
from flightlog.records.events import VOCABULARY
from flightlog.records.kinds import KINDS, LEVELS, STATUSES
from flightlog.settings import SETTINGS

DOCS = ROOT / "docs"
WRITTEN_BY_HAND = (
    "adr/README.md",
    "architecture.md",
    "context.md",
    "crash-safety.md",
    "dialects.md",
    "diff.md",
    "export.md",
    "graphs.md",
    "hot.md",
    "index.md",
    "integrations.md",
    "keeping.md",
    "lints/README.md",
    "narration.md",
    "propagation.md",
    "questions.md",
    "opentelemetry-provider.md",
    "opentelemetry.md",
    "recording.md",
    "redaction.md",
    "replay.md",
    "search.md",
    "sinks.md",
    "sql.md",
    "speed.md",
    "testing.md",
    "versions.md",
    "watch.md",
)
GENERATED = ("cli.md", "schema.json", "settings.md", "store-schema.md")

RECORDS = (span.Span, event.Event, process.Process, annotation.Annotation)
"""The types of the union `records.record.Known`."""

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def _pages() -> list[Path]:
    return [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]


def _prose(page: str) -> str:
    """What one page says, code included."""
    return (DOCS / page).read_text(encoding="utf-8")


def _unnamed(words: Iterator[str] | list[str] | tuple[str, ...], text: str) -> list[str]:
    """The words that stand nowhere in backquotes; what stands with more (`flightlog run`) counts as well."""
    code = " ".join(re.findall(r"`([^`\n]+)`", text))
    return [word for word in words if not re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", code)]


def test_the_pages_that_people_write_are_there():
    assert [page for page in WRITTEN_BY_HAND if not (DOCS / page).is_file()] == []


def test_the_index_leads_to_every_page():
    index = _prose("index.md")
    pages = [page for page in (*WRITTEN_BY_HAND, *GENERATED) if page != "index.md"]
    assert [page for page in pages if f"({page})" not in index] == []


def test_there_is_a_changelog():
    assert (ROOT / "CHANGELOG.md").is_file()


def test_every_setting_is_named():
    assert _unnamed([setting.name for setting in SETTINGS], _prose("settings.md")) == []
    assert _unnamed([setting.variable for setting in SETTINGS], _prose("settings.md")) == []


def test_every_command_is_named():
    page = _prose("cli.md")
    assert [name for name in COMMANDS if f"## flightlog {name}\n" not in page] == []


def test_every_public_name_is_named():
    assert _unnamed(flightlog.__all__, _prose("recording.md")) == []


def test_every_kind_status_and_level_is_named():
    assert _unnamed([*KINDS, *STATUSES, *LEVELS], _prose("recording.md")) == []


def test_every_event_with_a_meaning_is_named_with_its_fields():
    page = _prose("recording.md")
    assert _unnamed(list(VOCABULARY), page) == []
    assert _unnamed([name for meaning in VOCABULARY.values() for name in meaning.fields], page) == []


def test_every_record_type_is_named_with_its_fields():
    page = _prose("architecture.md")
    assert _unnamed([kind.__struct_config__.tag for kind in RECORDS], page) == []
    fields = {name for kind in RECORDS for name in kind.__struct_fields__ if name != "extra"}
    assert _unnamed(sorted(fields), page) == []


def test_every_counter_of_a_loss_is_named():
    assert _unnamed(COUNTERS, _prose("crash-safety.md")) == []


def test_every_room_and_its_floor_is_named():
    """The table of the documentation is the table of the law."""
    rows = dict(re.findall(r"^\| ([1-9]) \| ([^|]+) \|", _prose("architecture.md"), re.MULTILINE))
    said = {int(floor): set(re.findall(r"`(\w+)(?:/|\.py)`", rooms)) for floor, rooms in rows.items()}
    assert said == {floor: {room or "__init__" for room in rooms} for floor, rooms in FLOORS.items()}


def test_every_decision_has_its_four_parts_and_a_line_in_the_list():
    listed = _prose("adr/README.md")
    decisions = sorted((DOCS / "adr").glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [
        f"{number:04d}" for number in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        headings = _HEADING.findall(path.read_text(encoding="utf-8"))
        assert headings[1:] == ["Context", "Decision", "Consequences", "Refused"], path.name
        assert f"({path.name})" in listed, path.name


def test_generated_pages_are_what_the_program_says():
    command = [sys.executable, str(ROOT / "scripts" / "docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert [name for name in GENERATED if not (DOCS / name).is_file()] == []


def _anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of a page's headings."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in kept}


def _broken(page: Path) -> Iterator[str]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or not target.is_relative_to(ROOT):
            yield f"{page.relative_to(ROOT)}: {link}"
        elif anchor and target.suffix == ".md" and anchor not in _anchors(target):
            yield f"{page.relative_to(ROOT)}: {link} (no such heading)"


def test_links_lead_somewhere():
    assert [broken for page in _pages() if page.is_file() for broken in _broken(page)] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[there](there.md) [a part](there.md#the-part) [outside](https://example.org)", 0),
        ("[nowhere](nowhere.md)", 1),
        ("[no part](there.md#no-part)", 1),
        ("[above everything](../../../../../../../../etc)", 1),
        ("```\n[in code](nowhere.md)\n```", 0),
    ],
)
def test_a_broken_link_is_found(text, count, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "there.md").write_text("# The part\n")
    page = tmp_path / "page.md"
    page.write_text(text + "\n")
    assert len(list(_broken(page))) == count


def test_files_that_the_documentation_names_exist():
    """Whatever looks like a path of this repository in backquotes is one."""
    tops = ("src/", "tests/", "scripts/", "docs/", "bench/", "examples/")
    named = {
        (page, path)
        for page in _pages()
        if page.is_file()
        for path in re.findall(r"`([\w./-]+)`", page.read_text(encoding="utf-8"))
        if path.startswith(tops)
    }
    assert [f"{page.name}: {path}" for page, path in sorted(named) if not (ROOT / path).exists()] == []


def test_modules_that_the_documentation_names_exist():
    """`core/context.py` and its like are files of the package; the README names programs of its reader's, too."""
    known = {str(module.path.relative_to(PACKAGE)) for module in modules()} | {
        "program.py",
        "sitecustomize.py",
    }
    wrong = [
        f"{page.name}: {path}"
        for page in sorted(DOCS.rglob("*.md"))
        for path in re.findall(r"`((?:\w+/)*\w+\.py)`", page.read_text(encoding="utf-8"))
        if path not in known and not path.startswith(("src/", "tests/", "scripts/", "bench/", "examples/"))
    ]
    assert wrong == []
