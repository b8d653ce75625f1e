"use strict";
// The page as a whole: which trace is open, what is searched for, which keys do what.

const KEYS = [
  ["↑ ↓", "the span above, below"], ["← →", "close, open; to the parent, into it"], ["Enter", "to the details"],
  ["/", "search"], ["n  N", "next, previous hit"], ["e  E", "next, previous failure"], ["x", "close everything, open everything"],
  ["0", "the whole time again"], ["t", "light, dark"], ["?", "these keys"], ["Esc", "back to the tree"],
];

function at(id) {
  return document.getElementById(id);
}

function parsed(id) {
  return JSON.parse(at(id).textContent);
}

class Page {
  constructor() {
    this.traces = parsed("traces");
    this.rows = new Rows(at("rows"), at("overview"), at("ruler"), (index) => this.details.show(this.model, this.model.nodes[index]));
    this.details = new Details(at("details"), (index) => this.rows.pick(index));
    this.foldedAll = false;
    this.listTraces();
    this.bind();
    if (this.traces.length) this.open(0);
    else at("title").textContent = "No trace was chosen";
  }

  listTraces() {
    const picker = at("picker");
    picker.hidden = this.traces.length < 2;
    this.traces.forEach((trace, place) => {
      const option = made("option", "", `${trace.status === "ok" ? "✓" : trace.status === "error" ? "✗" : "·"} ${oneLine(trace.name)} · ${duration(trace.duration_ns) || trace.status} · ${trace.started}`);
      option.value = place;
      picker.append(option);
    });
    picker.addEventListener("change", () => this.open(Number(picker.value)));
  }

  open(place) {
    this.model = new Model(parsed(`trace-${place}`));
    const { trace } = this.model;
    document.title = `${trace.name} · Flightlog`;
    at("title").textContent = seen(oneLine(trace.name) || "(no name)");
    const status = at("status");
    status.textContent = seen(trace.status);
    status.className = `pill status ${statusClass(trace.status)}`;
    this.facts(trace);
    at("query").value = "";
    this.search();
    this.rows.show(this.model);
    if (this.model.nodes.length) this.rows.pick(this.startingAt());
    else this.details.empty();
    at("rows").focus({ preventScroll: true });
  }

  // The deepest of the first failures: where a reader would go first; else the root.
  startingAt() {
    const first = this.model.failed[0];
    if (!first) return 0;
    let found = first.index;
    for (let index = first.index + 1; index < first.behind; index += 1) {
      if (this.model.nodes[index].status === "error" && this.model.nodes[index].above === found) found = index;
    }
    return found;
  }

  facts(trace) {
    const failed = this.model.failed.length;
    const facts = [
      [duration(trace.duration_ns) || "not over", ""], [counted(trace.span_count, "span"), ""],
      [failed ? `${failed.toLocaleString("en")} failed` : "", "bad"],
      [trace.llm_calls ? counted(trace.llm_calls, "model call") : "", ""],
      [trace.input_tokens ?? trace.output_tokens ?? null, "tokens"],
      [trace.model || "", ""], [trace.started, "quiet"], [trace.trace_id, "id"],
    ];
    at("facts").replaceChildren(...facts.filter(([text]) => text).map(([text, className]) => {
      const tokens = `${(trace.input_tokens ?? 0).toLocaleString("en")} tokens in, ${(trace.output_tokens ?? 0).toLocaleString("en")} out`;
      return made("span", className, className === "tokens" ? tokens : text);
    }));
    at("failures").hidden = !failed;
  }

  search() {
    const words = at("query").value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = this.model.find(words);
    this.details.words = words;
    if (this.details.body) highlight(this.details.body, words);
    this.hits = hits || [];
    at("hits").textContent = hits ? counted(hits.length, "hit") : "";
    at("only-label").hidden = !hits;
    if (this.rows.model === this.model) this.rows.search(hits, at("only").checked);
  }

  bind() {
    at("query").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.search(), 80);
    });
    at("query").addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        clearTimeout(this.typing);
        this.search();
        this.rows.next(this.hits, event.shiftKey ? -1 : 1);
      }
    });
    at("only").addEventListener("change", () => this.search());
    at("failures").addEventListener("click", () => this.rows.next(this.model.failed.map((node) => node.index), 1));
    at("theme").addEventListener("click", () => this.theme());
    at("help").addEventListener("click", () => at("keys").showModal());
    at("ruler").addEventListener("dblclick", () => this.rows.zoom(0, this.model.length));
    for (const [keys, meaning] of KEYS) {
      at("key-list").append(made("dt", "", keys), made("dd", "", meaning));
    }
    at("keys-done").addEventListener("click", () => at("keys").close());
    document.addEventListener("keydown", (event) => this.key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rows.draw());
    this.bindDivider();
  }

  bindDivider() {
    const divider = at("divider");
    let dragged = false;
    divider.addEventListener("pointerdown", (event) => { dragged = true; divider.setPointerCapture(event.pointerId); });
    divider.addEventListener("pointermove", (event) => {
      if (dragged) at("main").style.setProperty("--details", `${Math.max(300, window.innerWidth - event.clientX)}px`);
    });
    divider.addEventListener("pointerup", () => { dragged = false; this.rows.draw(); });
    divider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: 40, ArrowRight: -40 }[event.key];
      if (by) at("main").style.setProperty("--details", `${Math.max(300, at("details").clientWidth + by)}px`);
    });
  }

  theme() {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    this.rows.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || at("keys").open) return;
    if (event.key === "Escape") {
      at("rows").focus({ preventScroll: true });
      return;
    }
    if (["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName)) return;
    const failed = () => this.model.failed.map((node) => node.index);
    const acts = {
      "/": () => at("query").select(),
      n: () => this.rows.next(this.hits, 1), N: () => this.rows.next(this.hits, -1),
      e: () => this.rows.next(failed(), 1), E: () => this.rows.next(failed(), -1),
      x: () => { this.foldedAll = !this.foldedAll; this.rows.foldAll(this.foldedAll); },
      0: () => this.rows.zoom(0, this.model.length),
      t: () => this.theme(), "?": () => at("keys").showModal(),
      j: () => this.rows.step(1), k: () => this.rows.step(-1),
    };
    if (event.key === "Enter" && event.target === at("rows")) {
      at("details").querySelector("h2")?.focus();
    } else if (Object.hasOwn(acts, event.key) && this.model) {
      event.preventDefault();
      acts[event.key]();
    }
  }
}

new Page();
