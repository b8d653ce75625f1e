"use strict";
// The tree with its timeline: only the rows that can be seen are in the document, so ten thousand spans are as quick as
// ten. A row is a line of fixed height; scrolling moves a window over the list of those that are open.

const ROW = 30;
const BEYOND = 12;
const MARK = 48; // pixels that a time on the ruler takes

// The room left of a name: smaller steps from the ninth level on, and never so many that no name is seen any more.
const indentOf = (depth) => `min(${8 + 16 * Math.min(depth, 8) + 6 * Math.max(0, depth - 8)}px, 55%)`;

class Rows {
  constructor(pane, canvas, ruler, choose) {
    this.pane = pane;
    this.canvas = canvas;
    this.ruler = ruler;
    this.choose = choose;
    this.space = made("div", "space");
    this.space.setAttribute("role", "presentation");
    pane.append(this.space);
    pane.addEventListener("scroll", () => this.later());
    new ResizeObserver(() => this.later()).observe(pane);
    this.pane.addEventListener("keydown", (event) => this.key(event));
    this.overview();
  }

  show(model) {
    this.model = model;
    this.from = 0;
    this.to = model.length;
    this.drawn = "";
    this.hits = null;
    this.only = false;
    this.chosen = -1;
    this.pane.scrollTop = 0;
    this.arrange();
  }

  arrange() {
    this.list = this.model.shown(this.only && this.hits ? this.hits : null);
    this.marked = this.hits && new Set(this.hits);
    this.space.style.height = `${this.list.length * ROW}px`;
    this.pane.classList.toggle("none", !this.list.length);
    this.draw();
  }

  later() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  draw() {
    if (!this.model) return;
    const first = Math.max(0, Math.floor(this.pane.scrollTop / ROW) - BEYOND);
    const last = Math.min(this.list.length, Math.ceil((this.pane.scrollTop + this.pane.clientHeight) / ROW) + BEYOND);
    const rows = [];
    for (let place = first; place < last; place += 1) rows.push(this.row(this.list[place], place));
    this.space.replaceChildren(...rows);
    if (this.chosen >= 0) this.pane.setAttribute("aria-activedescendant", `row-${this.chosen}`);
    this.drawRuler();
    this.drawOverview();
  }

  row(index, place) {
    const node = this.model.nodes[index];
    const row = made("div", `row${index === this.chosen ? " chosen" : ""}${node.status === "error" ? " failed" : ""}`);
    if (this.marked) row.classList.add(this.marked.has(index) ? "hit" : "aside");
    row.id = `row-${index}`;
    row.setAttribute("role", "row");
    row.setAttribute("aria-level", node.depth + 1);
    row.setAttribute("aria-selected", index === this.chosen);
    if (this.model.hasChildren(node)) row.setAttribute("aria-expanded", !this.model.closed.has(index));
    row.style.top = `${place * ROW}px`;
    row.addEventListener("click", () => this.pick(index));
    row.append(this.title(node), this.cell(made("div", "took", duration(node.duration_ns) || node.status)), this.cell(this.bar(node)));
    return row;
  }

  cell(element) {
    element.setAttribute("role", "gridcell");
    return element;
  }

  title(node) {
    const cell = this.cell(made("div", "title"));
    cell.style.paddingLeft = indentOf(node.depth);
    if (this.model.hasChildren(node)) {
      const closed = this.model.closed.has(node.index);
      const turn = button("turn", closed ? "▸" : "▾", closed ? "Open (→)" : "Close (←)", (event) => {
        event.stopPropagation();
        this.fold(node.index, !closed);
      });
      turn.tabIndex = -1;
      cell.append(turn);
    } else {
      cell.append(made("span", "turn"));
    }
    cell.append(made("span", `dot c-${colourOf(node.kind)}`), made("span", "name", oneLine(node.name) || "(no name)"));
    if (node.kind) cell.append(made("span", "kind", oneLine(node.kind)));
    if (node.marks.length) {
      const odd = made("span", "odd", "⚠");
      odd.title = node.marks.map(([, meaning]) => meaning).join("; ");
      cell.append(odd);
    }
    const inside = node.behind - node.index - 1;
    if (this.model.closed.has(node.index)) cell.append(made("span", "inside", `+${inside.toLocaleString("en")}`));
    return cell;
  }

  bar(node) {
    const lane = made("div", "lane");
    const width = this.to - this.from;
    const end = node.at + (node.duration_ns ?? this.model.length - node.at);
    const left = Math.max(0, (node.at - this.from) / width);
    const right = Math.min(1, (end - this.from) / width);
    if (right >= 0 && left <= 1) {
      const bar = made("div", `bar c-${colourOf(node.kind)}${node.duration_ns === null ? " open" : ""}`);
      bar.style.left = `${left * 100}%`;
      bar.style.width = `max(2px, ${Math.max(0, right - left) * 100}%)`;
      lane.append(bar);
      for (const event of node.events.slice(0, 30)) {
        const at = (event.at - this.from) / width;
        if (at < 0 || at > 1) continue;
        const tick = made("div", `tick ${["error", "fatal"].includes(event.level) ? "bad" : event.level === "warn" ? "warn" : ""}`);
        tick.style.left = `${at * 100}%`;
        tick.title = event.name;
        lane.append(tick);
      }
    }
    return lane;
  }

  pick(index) {
    this.chosen = index;
    this.model.open(index);
    this.arrange();
    this.reveal(index);
    this.choose(index);
  }

  // By no more than is needed; what is far away comes to the middle, with what is around it.
  reveal(index) {
    const place = this.list.indexOf(index);
    if (place < 0) return;
    const top = place * ROW;
    const { scrollTop, clientHeight } = this.pane;
    if (top < scrollTop - clientHeight || top > scrollTop + 2 * clientHeight) this.pane.scrollTop = top - clientHeight / 2;
    else if (top < scrollTop) this.pane.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.pane.scrollTop = top + ROW - clientHeight;
    this.draw();
  }

  fold(index, closed) {
    this.model.closed[closed ? "add" : "delete"](index);
    this.arrange();
  }

  foldAll(closed) {
    this.model.closed.clear();
    if (closed) for (const node of this.model.nodes) if (node.depth && this.model.hasChildren(node)) this.model.closed.add(node.index);
    this.arrange();
    if (this.chosen >= 0) this.reveal(this.chosen);
  }

  search(hits, only) {
    this.hits = hits;
    this.only = only;
    this.arrange();
  }

  step(by) {
    if (!this.list.length) return;
    const place = this.list.indexOf(this.chosen);
    this.pick(this.list[Math.min(this.list.length - 1, Math.max(0, place + by))]);
  }

  // To the next of some rows, round and round.
  next(indexes, by) {
    if (!indexes.length) return;
    const after = by > 0 ? indexes.find((index) => index > this.chosen) : indexes.findLast((index) => index < this.chosen);
    this.pick(after ?? (by > 0 ? indexes[0] : indexes[indexes.length - 1]));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = this.model.nodes[this.chosen];
    const page = Math.max(1, Math.floor(this.pane.clientHeight / ROW) - 1);
    const acts = {
      ArrowDown: () => this.step(1),
      ArrowUp: () => this.step(-1),
      PageDown: () => this.step(page),
      PageUp: () => this.step(-page),
      Home: () => this.step(-this.list.length),
      End: () => this.step(this.list.length),
      ArrowRight: () => node && (this.model.closed.has(node.index) ? this.fold(node.index, false) : this.step(1)),
      ArrowLeft: () => node && (this.model.hasChildren(node) && !this.model.closed.has(node.index)
        ? this.fold(node.index, true) : node.above >= 0 && this.pick(node.above)),
    };
    if (Object.hasOwn(acts, event.key)) {
      event.preventDefault();
      acts[event.key]();
    }
  }

  // -- the ruler and the overview ---------------------------------------------------------------------------

  drawRuler() {
    const marks = [];
    const every = [1, 2, 4].find((parts) => (this.ruler.clientWidth * parts) / 4 >= MARK) || 4;
    for (let part = 0; part < 4; part += every) {
      const time = Math.round(this.from + ((this.to - this.from) * part) / 4);
      const mark = made("span", "", time ? duration(time) : "0");
      mark.style.left = `${part * 25}%`;
      marks.push(mark);
    }
    this.ruler.replaceChildren(...marks);
    this.ruler.classList.toggle("zoomed", this.from > 0 || this.to < this.model.length);
  }

  // Drawn anew only where it would look different: of many spans it takes longer than all the rows.
  drawOverview() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    const pen = this.canvas.getContext("2d");
    if (!width || !pen) return;
    const look = getComputedStyle(document.documentElement);
    const drawn = [width, height, ratio, this.from, this.to, look.getPropertyValue("--bg")].join();
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    pen.scale(ratio, ratio);
    const colours = new Map();
    const coloured = (name) => {
      if (!colours.has(name)) colours.set(name, look.getPropertyValue(name));
      return colours.get(name);
    };
    const deepest = Math.min(10, this.model.nodes.reduce((most, node) => Math.max(most, node.depth), 0)) + 1;
    const thick = Math.max(2, Math.min(9, (height - 6) / deepest));
    for (const node of this.model.nodes) {
      if (node.depth >= deepest) continue;
      const end = node.at + (node.duration_ns ?? this.model.length - node.at);
      const left = (node.at / this.model.length) * width;
      pen.fillStyle = coloured(node.status === "error" ? "--bad" : `--c-${colourOf(node.kind)}`);
      pen.fillRect(left, 3 + node.depth * thick, Math.max(1, ((end - node.at) / this.model.length) * width), thick - 1);
    }
    if (this.from > 0 || this.to < this.model.length) {
      pen.fillStyle = coloured("--veil");
      pen.fillRect(0, 0, (this.from / this.model.length) * width, height);
      pen.fillRect((this.to / this.model.length) * width, 0, width, height);
    }
  }

  overview() {
    const timeAt = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.model.length;
    };
    let began = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      began = timeAt(event);
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (began === null) return;
      const [low, high] = [began, timeAt(event)].sort((one, other) => one - other);
      if (high - low > this.model.length / 500) this.zoom(low, high);
    });
    this.canvas.addEventListener("pointerup", () => { began = null; });
    this.canvas.addEventListener("dblclick", () => this.zoom(0, this.model.length));
  }

  zoom(from, to) {
    this.from = from;
    this.to = to;
    this.draw();
  }
}
