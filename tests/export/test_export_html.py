"""The page opens offline in a browser, shows what was recorded as text, and runs nothing but its own script."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import consumers
import export_records
import pytest
from export_records import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.tree import build, walk
from flightlog.export import html
from flightlog.records.span import Span

TEXTS = st.one_of(
    st.text(max_size=30), st.sampled_from([HOSTILE, "<!--", "<script", "</SCRIPT >", "]]>", "\u2028", "&lt;"])
)


def page(**fields) -> html.Page:
    return html.Page(export_records.row(**fields), export_records.tree(), export_records.annotations())


def document(*pages) -> str:
    return b"".join(html.document(pages or [page()], export_records.PROCESSES)).decode()


class Elements(HTMLParser):
    """What a parser of HTML finds: every tag with its attributes, and what stands in each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag in {"script", "style"}:
            self.blocks.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in {"script", "style"}:
            tag, attributes, text = self.blocks[-1]
            self.blocks[-1] = tag, attributes, text + data


def data_of(text: str, name: str):
    (found,) = (data for tag, attributes, data in Elements(text).blocks if attributes.get("id") == name)
    return json.loads(found)


# -- the file -------------------------------------------------------------------------------------------------


def test_the_policy_lets_run_the_one_script_and_style_by_their_hashes_and_loads_nothing():
    found = Elements(document())
    (policy,) = (
        a["content"]
        for tag, a in found.tags
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = (text for tag, _, text in found.blocks if tag == "style")
    (script,) = (text for tag, a, text in found.blocks if tag == "script" and "type" not in a)
    hashes = ["sha256-" + b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy == (
        f"default-src 'none'; style-src '{hashes[0]}'; script-src '{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )


def test_nothing_in_the_file_is_loaded_from_anywhere():
    text = document()
    found = Elements(text)
    assert not {"link", "img", "iframe", "object", "base", "form", "a"} & {tag for tag, _ in found.tags}
    assert [
        a
        for _, a in found.tags
        if {"src", "href", "style"} & set(a) or any(name.startswith("on") for name in a)
    ] == []
    parts = [path.read_text() for path in (Path(html.__file__).parent / "page").iterdir()]
    assert [match for part in parts for match in re.findall(r"https?://|@import|url\(", part)] == []


def test_no_script_of_ours_writes_markup():
    parts = [path.read_text() for path in (Path(html.__file__).parent / "page").glob("*.js")]
    forbidden = (
        r"(?:inner|outer|Adjacent)HTML|document\.write|\beval\b|new Function|\.srcdoc|setAttribute\(\"on"
    )
    assert [match for part in parts for match in re.findall(forbidden, part)] == []


@given(TEXTS, TEXTS)
def test_whatever_a_text_is_the_file_has_the_same_elements_and_the_text_comes_back(name, value):
    plain = build([export_records.span(1, 0, "x", 0, 1, input="y", attributes={"z": "y"})])
    odd = build([export_records.span(1, 0, name, 0, 1, input=value, attributes={value: name})])
    one, other = (
        document(html.Page(export_records.row(name=n), tree)) for n, tree in (("x", plain), (name, odd))
    )
    assert Elements(one).tags == Elements(other).tags
    (node,) = data_of(other, "trace-0")["nodes"]
    assert (node["name"], node["input"], node["attributes"]) == (name, value, {value: name})


def test_numbers_that_javascript_would_change_are_texts():
    nodes = {node["name"]: node for node in data_of(document(), "trace-0")["nodes"]}
    assert nodes["support agent"]["attributes"]["big"] == str(2**60)
    assert nodes["support agent"]["at"] == 4_000_000
    assert nodes["support agent"]["started"] == "2025-11-20T15:36:40.004000000Z"


def test_a_trace_is_written_before_the_next_is_read():
    asked = []

    def pages():
        for number in range(3):
            asked.append(number)
            yield page()

    pieces = html.document(pages())
    next(pieces)
    assert b'id="trace-0"' in next(pieces)
    assert asked == [0]


# -- in a browser ---------------------------------------------------------------------------------------------


def shown(text: str, tmp_path: Path) -> str:
    """The document as a browser has it when its script has run."""
    browser = consumers.program(
        "chromium", "chromium-browser", "google-chrome", install="apt install chromium"
    )
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command += ["--virtual-time-budget=4000", "--window-size=1400,900", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_a_browser_shows_every_span_by_its_name_and_the_first_failure_in_full(tmp_path):
    text = shown(document(), tmp_path)
    assert text.count('role="row"') == len(export_records.spans())
    for words in (
        "support agent",
        "SELECT orders",
        "no answer within 0.2 s",
        "21 spans",
        "1 failed",
        "1,624 tokens in",
    ):
        assert words in text
    assert '<h1 id="title">POST /chat</h1>' in text


def test_no_text_of_a_trace_becomes_an_element_in_a_browser(tmp_path):
    text = shown(document(page(name=HOSTILE)), tmp_path)
    plain = shown(document(page()), tmp_path)
    assert "&lt;script&gt;window.pwned=1" in text
    assert "<img" not in text
    assert text.count("<script") == plain.count("<script")


DRIVE = """
const { chromium } = await import(process.argv[2] + "/playwright-core/index.mjs");
const browser = await chromium.launch({ executablePath: process.argv[3], args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, offline: true });
const page = await context.newPage();
const told = [], asked = [];
page.on("console", (message) => told.push(message.text()));
page.on("pageerror", (error) => told.push(error.message));
page.on("request", (request) => { if (!request.url().startsWith("file:")) asked.push(request.url()); });
await page.goto(process.argv[4]);
const name = () => page.locator("#details h2").textContent();
const rows = () => page.locator("#rows .row").count();
const found = { first: await name() };
await page.keyboard.press("Home");
found.home = await name();
await page.keyboard.press("ArrowLeft");
found.closed = await rows();
await page.keyboard.press("ArrowRight");
await page.keyboard.press("j");
found.second = await name();
await page.keyboard.press("/");
await page.keyboard.type("parcel carrier");
await page.locator("#hits:text-is('2 hits')").waitFor();
found.hits = await page.locator("#hits").textContent();
await page.keyboard.press("Enter");
found.hit = await name();
found.roles = await page.locator(".message header").allTextContents();
await page.locator("#only").check();
found.only = await rows();
await page.locator("#query").fill("");
await page.locator("#hits:text-is('')").waitFor({ state: "attached" });
for (const tab of ["Attributes", "Events", "Raw"]) await page.locator(".tab", { hasText: tab }).click();
for (const row of await page.locator("#rows .row").all()) await row.click();
await page.locator("#theme").click();
found.theme = await page.evaluate(() => document.documentElement.dataset.theme);
await page.locator("#picker").selectOption("1");
found.large = await page.locator("#title").textContent();
found.drawn = await rows();
await page.keyboard.press("End");
found.last = await name();
found.pwned = await page.evaluate(() => window.pwned ?? null);
await browser.close();
console.log(JSON.stringify({ ...found, told, asked }));
"""


def test_keys_search_and_a_trace_of_ten_thousand_spans_work_without_a_network(tmp_path):
    browser = consumers.program(
        "chromium", "chromium-browser", "google-chrome", install="apt install chromium"
    )
    driver = consumers.package("playwright-core")
    large = html.Page(export_records.row(name="large"), export_records.many(10_000))
    file = tmp_path / "page.html"
    file.write_text(document(page(), large), encoding="utf-8")
    found = json.loads(consumers.node(DRIVE, str(driver.parent), browser, file.as_uri(), cwd=tmp_path))
    spans = len(export_records.spans())
    assert (found["told"], found["asked"], found["pwned"]) == ([], [], None)
    assert (found["first"], found["home"], found["second"]) == (
        "carrier status",
        "POST /chat",
        "support agent",
    )
    assert found["closed"] == 2, "the root, and the span whose parent is not there"
    assert found["hits"] == "2 hits"
    assert found["hit"] == "chat gpt-4.1"
    assert found["roles"] == ["system", "user", "tool callfind_order", "toolc1", "assistant"]
    assert found["only"] < spans
    assert found["theme"] == "dark"
    assert (found["large"], found["last"]) == ("large", list(walk(large.tree))[-1].name)
    assert 10 < found["drawn"] < 100, "only what can be seen is in the document"


NARROW = """
const { chromium } = await import(process.argv[2] + "/playwright-core/index.mjs");
const browser = await chromium.launch({ executablePath: process.argv[3], args: ["--no-sandbox"] });
const page = await (await browser.newContext({ viewport: { width: 400, height: 800 } })).newPage();
await page.goto(process.argv[4]);
const found = await page.evaluate(() => {
  const boxes = (where) => [...document.querySelectorAll(where)].map((one) => one.getBoundingClientRect());
  const marks = boxes("#ruler span");
  return {
    wide: document.documentElement.scrollWidth,
    touching: marks.slice(1).filter((box, place) => box.left < marks[place].right).length,
    names: boxes("#rows .name").map((box) => Math.round(box.width)),
    heights: boxes("#rows .name").map((box) => Math.round(box.height)),
    texts: [...document.querySelectorAll("#rows .name")].map((one) => one.textContent),
    left: boxes("#rows .took").map((box, place) => Math.round(box.left - boxes("#rows .name")[place].left)),
    search: Math.round(boxes("#query")[0].left - boxes(".brand")[0].left),
  };
});
await browser.close();
console.log(JSON.stringify(found));
"""


def on_a_narrow_screen(tmp_path, names, is_chain=False):
    """What a browser of 400 pixels shows of spans with these names, below the first or each below the one before."""
    browser = consumers.program(
        "chromium", "chromium-browser", "google-chrome", install="apt install chromium"
    )
    driver = consumers.package("playwright-core")
    spans = [
        Span(
            trace_id="1" * 32,
            span_id=f"{at:016x}",
            parent_id=f"{at - 1 if is_chain else 1:016x}" if at > 1 else None,
            name=name,
            kind="k" * 300,
            start=1,
            end=5_000_000_000,
            status="ok",
        )
        for at, name in enumerate(names, 1)
    ]
    file = tmp_path / "page.html"
    shape = html.Page(export_records.row(name="a\nb"), build(spans))
    file.write_text(document(shape), encoding="utf-8")
    return json.loads(consumers.node(NARROW, str(driver.parent), browser, file.as_uri(), cwd=tmp_path))


def test_on_a_narrow_screen_nothing_overlaps_and_every_name_can_be_seen(tmp_path):
    found = on_a_narrow_screen(tmp_path, ["two\nlines", "a\tb", "x" * 300])
    assert (found["wide"], found["touching"], found["search"]) == (400, 0, 0)
    assert found["texts"][:2] == ["two⏎lines", "a b"]
    assert min(found["names"]) > 20
    assert len(set(found["heights"])) == 1, "one line for each"


def test_a_name_can_be_seen_however_deep_its_span_is(tmp_path):
    found = on_a_narrow_screen(tmp_path, [f"step_{level}" for level in range(60)], is_chain=True)
    assert len(found["texts"]) > 15
    assert min(found["left"]) > 20, "pixels between where a name begins and where the next column does"


@pytest.mark.parametrize("name", ["model.js", "messages.js", "values.js", "rows.js", "details.js", "main.js"])
def test_a_script_is_small_enough_to_be_read(name):
    assert len((Path(html.__file__).parent / "page" / name).read_text().splitlines()) <= 450
