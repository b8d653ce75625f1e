"use strict";
// One span in full: what it was given and gave, what went wrong, what is known of it, what happened on it.

const MODEL_FACTS = [
  ["gen_ai.response.model", "model"], ["gen_ai.request.model", "asked for"], ["gen_ai.provider.name", "provider"],
  ["gen_ai.usage.input_tokens", "input tokens"], ["gen_ai.usage.output_tokens", "output tokens"],
];

class Details {
  constructor(pane, go) {
    this.pane = pane;
    this.go = go;
    this.tab = "summary";
    this.words = [];
  }

  show(model, node) {
    this.model = model;
    this.node = node;
    const head = made("header", "span-head");
    const title = made("h2", "", node.name || "(no name)");
    title.tabIndex = -1;
    const pills = made("div", "pills");
    if (node.kind) pills.append(made("span", `pill kind-pill c-${colourOf(node.kind)}`, node.kind));
    pills.append(made("span", `pill status ${statusClass(node.status)}`, node.status));
    if (node.level && node.level !== "info") pills.append(made("span", "pill", node.level));
    head.append(title, pills);
    this.body = made("div", "tab-body");
    this.pane.replaceChildren(head, this.facts(), this.tabs(), this.body);
    this.pane.scrollTop = 0;
    this.fill();
  }

  empty() {
    const hint = made("div", "hint");
    hint.append(made("p", "", "Choose a span to see what it was given, what it gave back and what happened on it."));
    this.pane.replaceChildren(hint);
  }

  facts() {
    const { node } = this;
    const list = made("dl", "facts");
    const share = node.duration_ns === null ? "" : ` · ${percent(node.duration_ns / this.model.length)} of the trace`;
    const facts = [
      ["took", node.duration_ns === null ? node.status : duration(node.duration_ns) + share],
      ["self", duration(node.self_ns)],
      ["began", `+${duration(node.at) || "0"}`],
      ...MODEL_FACTS.map(([name, title]) => [title, node.attributes[name]]),
      ["thread", node.thread], ["task", node.task], ["service", node.service],
    ];
    const seen = new Set();
    for (const [title, value] of facts) {
      if (value === undefined || value === null || value === "" || (title === "asked for" && seen.has(value))) continue;
      seen.add(value);
      const pair = made("div");
      pair.append(made("dt", "", title), made("dd", "", typeof value === "number" ? value.toLocaleString("en") : plain(value)));
      list.append(pair);
    }
    return list;
  }

  tabs() {
    const { node } = this;
    const bar = made("div", "tabs");
    bar.setAttribute("role", "tablist");
    const known = Object.keys(node.attributes).length + Object.keys(node.context).length;
    const titles = [
      ["summary", "Summary"], ["attributes", `Attributes${known ? ` ${known}` : ""}`],
      ["events", `Events${node.events.length ? ` ${node.events.length}` : ""}`], ["raw", "Raw"],
    ];
    for (const [name, title] of titles) {
      const tab = button("tab", title, "", () => {
        this.tab = name;
        for (const other of bar.children) other.setAttribute("aria-selected", other === tab);
        this.fill();
      });
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", name === this.tab);
      bar.append(tab);
    }
    return bar;
  }

  fill() {
    const parts = { summary: () => this.summary(), attributes: () => this.attributes(), events: () => this.events(), raw: () => this.raw() };
    this.body.replaceChildren(...parts[this.tab]());
    highlight(this.body, this.words);
  }

  summary() {
    const { node } = this;
    const found = [];
    for (const [name, meaning] of node.marks) {
      found.push(made("div", "note", `${name}: ${meaning}`));
    }
    if (node.error) found.push(this.fault(node.error));
    if (node.input !== undefined) found.push(section("Input", drawnValue(node.input), copyButton(() => plain(node.input))));
    if (node.output !== undefined) found.push(section("Output", drawnValue(node.output), copyButton(() => plain(node.output))));
    if (node.attributes["flightlog.content"] === "metadata") found.push(made("div", "note", "Its input and output were withheld: only metadata was kept."));
    if (node.links.length) found.push(section("Links", this.links()));
    const said = this.model.annotations.filter((one) => one.span_id === node.span_id || (!one.span_id && node.depth === 0));
    if (said.length) found.push(section("Annotations", annotationList(said)));
    if (!found.length) found.push(made("p", "quiet", "It recorded no input, no output and no error."));
    return found;
  }

  fault(fault) {
    const box = made("div", "fault");
    box.append(made("strong", "", fault.type || "error"));
    if (fault.message) box.append(drawnText(fault.message, "prose"));
    if (fault.stack) {
      const stack = made("details", "stack");
      stack.append(made("summary", "", "Traceback"), made("pre", "", fault.stack));
      box.append(stack);
    }
    return box;
  }

  links() {
    const list = made("ul", "plain");
    for (const link of this.node.links) {
      const item = made("li");
      const there = this.model.byId.get(link.span_id);
      const isHere = there !== undefined && link.trace_id === this.model.trace.trace_id;
      item.append(made("span", "about", link.relation || "linked to"), " ");
      item.append(isHere ? button("link", this.model.nodes[there].name, "Go there", () => this.go(there))
        : made("code", "", `${link.trace_id} ${link.span_id || ""}`));
      list.append(item);
    }
    return list;
  }

  attributes() {
    const { node } = this;
    const found = [];
    for (const [title, members] of [["Attributes", node.attributes], ["Context", node.context], ["OpenTelemetry", node.otel]]) {
      if (members && Object.keys(members).length) found.push(section(title, table(members), copyButton(() => plain(members))));
    }
    const process = this.model.processes[node.process_id];
    if (process) found.push(section("Process", table(process)));
    return found.length ? found : [made("p", "quiet", "It has no attributes.")];
  }

  events() {
    const { node, model } = this;
    const found = node.events.length ? [eventList(node.events, node.at)] : [made("p", "quiet", "Nothing happened on it.")];
    if (node.index === 0 && model.looseEvents.length) {
      found.push(section("Of no span in this trace", eventList(model.looseEvents, 0)));
    }
    return found;
  }

  raw() {
    const record = Object.fromEntries(Object.entries(this.node).filter(([name]) => !["index", "above", "behind"].includes(name)));
    const text = JSON.stringify(record, null, 2);
    const box = made("pre", "raw", text.length > 200000 ? text.slice(0, 200000) + "…" : text);
    return [section("Record", box, copyButton(() => text))];
  }
}

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

function statusClass(status) {
  return ["ok", "error", "running", "paused", "cancelled", "interrupted"].includes(status) ? `s-${status}` : "";
}

function section(title, body, action) {
  const box = made("section");
  const head = made("div", "section-head");
  head.append(made("h3", "", title));
  if (action) head.append(action);
  box.append(head, body);
  return box;
}

function table(members) {
  const list = made("dl", "table");
  for (const [name, value] of Object.entries(members).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const cell = made("dd");
    cell.append(typeof value === "object" && value !== null ? drawnValue(value, true) : jsonLeaf(value));
    list.append(made("dt", "", name), cell);
  }
  return list;
}

function eventList(events, from) {
  const list = made("ol", "events");
  for (const event of events) {
    const bad = ["error", "fatal"].includes(event.level) ? " bad" : event.level === "warn" ? " warn" : "";
    const item = made("li", `event${bad}`);
    const head = made("div", "event-head");
    head.append(made("span", "at", `+${duration(event.at - from) || "0"}`), made("strong", "", event.name));
    if (event.level !== "info") head.append(made("span", "about", event.level));
    item.append(head);
    if (event.body) item.append(drawnText(event.body, "prose"));
    if (Object.keys(event.attributes).length) item.append(table(event.attributes));
    list.append(item);
  }
  return list;
}

function annotationList(annotations) {
  const list = made("ul", "plain");
  for (const one of annotations) {
    const value = one.value ?? one.label ?? "";
    const item = made("li");
    item.append(made("strong", "", one.name), ` ${value}`, made("span", "about", one.by || ""));
    if (one.note) item.append(made("div", "prose", one.note));
    list.append(item);
  }
  return list;
}
