"use strict";
// What a trace is to the page: its spans as rows in the order of the tree, and the questions that drawing asks of them.
// Whatever comes from a trace is text: it reaches the document through `textContent` alone, never as markup.

const KIND_COLOURS = {
  run: "work", agent: "work", workflow: "work", step: "work", llm: "model", embedding: "model", rerank: "model",
  prompt: "model", speech_to_text: "model", text_to_speech: "model", tool: "tool", guardrail: "tool",
  evaluation: "tool", retrieval: "data", db: "data", http: "net",
};

// Characters that would turn the direction of a text, or that nobody can see, are written out; lines and tabs stay.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function seen(text) {
  return String(text).replace(UNSEEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// A name where there is one line for it.
function oneLine(text) {
  return String(text ?? "").replace(/\r\n|[\n\r]/g, "⏎").replace(/\t/g, " ");
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = seen(text);
  return element;
}

function button(className, text, title, act) {
  const element = made("button", className, text);
  element.type = "button";
  if (title) element.title = title;
  element.addEventListener("click", act);
  return element;
}

function colourOf(kind) {
  return Object.hasOwn(KIND_COLOURS, kind) ? KIND_COLOURS[kind] : "plain";
}

function duration(ns) {
  if (ns === null || ns === undefined) return "";
  if (ns < 0) return "-" + duration(-ns);
  if (ns < 1e3) return `${ns} ns`;
  for (const [limit, size, unit] of [[999500, 1e3, "µs"], [999500000, 1e6, "ms"], [59950000000, 1e9, "s"]]) {
    if (ns < limit) return `${threeDigits(ns / size)} ${unit}`;
  }
  const minutes = Math.floor(ns / 6e10);
  if (minutes < 60) return `${minutes}m ${String(Math.floor(ns / 1e9) % 60).padStart(2, "0")}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
}

function threeDigits(number) {
  return number < 9.995 ? number.toFixed(2) : number < 99.95 ? number.toFixed(1) : number.toFixed(0);
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

class Model {
  constructor(document_) {
    this.trace = document_.trace;
    this.length = Math.max(1, document_.length);
    this.nodes = document_.nodes;
    this.looseEvents = document_.loose_events;
    this.annotations = document_.annotations;
    this.processes = document_.processes;
    this.byId = new Map();
    this.closed = new Set();
    this.texts = new Map();
    const path = [];
    this.nodes.forEach((node, index) => {
      node.index = index;
      path.length = node.depth;
      node.above = node.depth ? path[node.depth - 1] : -1;
      path.push(index);
      node.behind = index + 1;
      if (!this.byId.has(node.span_id)) this.byId.set(node.span_id, index);
    });
    for (let index = this.nodes.length - 1; index >= 0; index -= 1) {
      const node = this.nodes[index];
      if (node.above >= 0) this.nodes[node.above].behind = Math.max(this.nodes[node.above].behind, node.behind);
    }
  }

  get failed() {
    return this.nodes.filter((node) => node.status === "error");
  }

  hasChildren(node) {
    return node.behind > node.index + 1;
  }

  // The rows that are not inside a closed one; with `only`, those in it and the way that leads to them.
  shown(only) {
    const wanted = only && new Set();
    if (only) {
      for (const index of only) {
        for (let at = index; at >= 0 && !wanted.has(at); at = this.nodes[at].above) wanted.add(at);
      }
    }
    const rows = [];
    for (let index = 0; index < this.nodes.length;) {
      const node = this.nodes[index];
      if (wanted && !wanted.has(index)) { index = node.behind; continue; }
      rows.push(index);
      index = !wanted && this.closed.has(index) ? node.behind : index + 1;
    }
    return rows;
  }

  open(index) {
    for (let at = this.nodes[index].above; at >= 0; at = this.nodes[at].above) this.closed.delete(at);
  }

  // Where the words occur, each of them anywhere in what is known of a span.
  find(words) {
    if (!words.length) return null;
    return this.nodes.filter((node) => words.every((word) => this.textOf(node).includes(word))).map((node) => node.index);
  }

  textOf(node) {
    let text = this.texts.get(node.index);
    if (text === undefined) {
      const parts = [node.name, node.kind, node.status, node.span_id, node.input, node.output, node.error,
        node.attributes, node.context, node.events, node.thread, node.task, node.service];
      text = parts.filter((part) => part !== undefined && part !== null).map(plain).join("\n").toLowerCase();
      this.texts.set(node.index, text);
    }
    return text;
  }
}
