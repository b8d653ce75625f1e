"use strict";
// Values of a trace, drawn: texts as they are, JSON as a tree that opens level by level, messages as a conversation.

const MOST_CHARACTERS = 4000;
const MOST_MEMBERS = 100;

function drawnText(text, className) {
  const box = made("div", className);
  const body = made("div", "text", text.length > MOST_CHARACTERS ? text.slice(0, MOST_CHARACTERS) + "…" : text);
  box.append(body);
  if (text.length > MOST_CHARACTERS) {
    const more = button("more", `Show all ${counted(text.length, "character")}`, "", () => {
      body.textContent = seen(text);
      more.remove();
    });
    box.append(more);
  }
  return box;
}

function drawnValue(value, raw) {
  const said = raw ? null : conversation(value);
  if (said) return drawnConversation(said);
  if (typeof value === "string") return drawnText(value, "prose");
  const box = made("div", "json");
  box.append(jsonNode(null, value, 0));
  return box;
}

function drawnConversation(said) {
  const box = made("div", "conversation");
  for (const message of said.messages) {
    const known = ["system", "developer", "user", "assistant", "tool", "tool call"].includes(message.role);
    const entry = made("article", `message ${known ? "role-" + message.role.replace(" ", "-") : "role-other"}`);
    const head = made("header", "", message.role);
    if (message.about) head.append(made("span", "about", message.about));
    entry.append(head, drawnText(message.text || "(no text)", message.text ? "body" : "body empty"));
    box.append(entry);
  }
  if (Object.keys(said.rest).length) {
    box.append(made("h4", "", "Beside the messages"), drawnValue(said.rest, true));
  }
  return box;
}

function jsonNode(name, value, depth) {
  const isContainer = typeof value === "object" && value !== null;
  if (!isContainer || !Object.keys(value).length) {
    const leaf = made("div", "leaf");
    if (name !== null) leaf.append(made("span", "key", name), made("span", "colon", ": "));
    leaf.append(jsonLeaf(value));
    return leaf;
  }
  const branch = made("details", "branch");
  const head = made("summary");
  if (name !== null) head.append(made("span", "key", name), made("span", "colon", " "));
  const size = Object.keys(value).length;
  head.append(made("span", "size", Array.isArray(value) ? `[${counted(size, "item")}]` : `{${counted(size, "field")}}`));
  branch.append(head);
  branch.addEventListener("toggle", () => {
    if (branch.open && branch.childElementCount === 1) fillBranch(branch, value, depth, 0);
  });
  if (depth < 2) {
    branch.open = true;
    fillBranch(branch, value, depth, 0);
  }
  return branch;
}

function fillBranch(branch, value, depth, from) {
  const entries = Object.entries(value);
  for (const [name, one] of entries.slice(from, from + MOST_MEMBERS)) {
    branch.append(jsonNode(name, one, depth + 1));
  }
  if (entries.length > from + MOST_MEMBERS) {
    const more = button("more", `Show ${counted(entries.length - from - MOST_MEMBERS, "more")}`.replace(/s$/, ""), "", () => {
      more.remove();
      fillBranch(branch, value, depth, from + MOST_MEMBERS);
    });
    branch.append(more);
  }
}

function jsonLeaf(value) {
  if (typeof value === "string") return drawnText(value, "string");
  const word = value === null ? "null" : typeof value === "object" ? (Array.isArray(value) ? "[]" : "{}") : String(value);
  return made("span", typeof value === "number" ? "number" : "word", word);
}

// The words that were searched for, marked where the details show them: by ranges, so the document stays as it is.
function highlight(root, words) {
  if (!window.CSS || !CSS.highlights) return;
  const found = new Highlight();
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && words.length; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0 && found.size < 2000; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(node.length, at + word.length));
        found.add(range);
      }
    }
  }
  CSS.highlights.set("found", found);
}

function copyButton(text) {
  const copy = button("ghost", "Copy", "Copy to the clipboard", async () => {
    const value = text();
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      const area = made("textarea");
      area.value = value;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1200);
  });
  return copy;
}
