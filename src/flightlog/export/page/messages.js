"use strict";
// What was said to a model and what it said, one entry a message, whatever shape a provider gives it: lists of objects
// with a `role` or a `type`, alone or under `messages`, `input`, `output`, `contents` or `choices`. Anything else is no
// conversation, and null is the answer.

const MESSAGE_LISTS = ["messages", "input", "output", "contents", "choices"];
const MESSAGE_TYPES = new Set(["message", "function_call", "function_call_output", "reasoning"]);
const MESSAGE_ROLES = { function_call: "tool call", function_call_output: "tool" };

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function conversation(value) {
  if (Array.isArray(value)) return ofList(value, {});
  if (!isObject(value)) return null;
  for (const key of MESSAGE_LISTS) {
    if (Array.isArray(value[key])) {
      const rest = Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
      const found = ofList(value[key], rest);
      if (found) return found;
    }
  }
  return isMessage(value) ? { messages: ofMessage(value), rest: {} } : null;
}

function ofList(values, rest) {
  if (!values.length || !values.every(isMessage)) return null;
  return { messages: values.flatMap(ofMessage), rest };
}

function isMessage(value) {
  if (!isObject(value)) return false;
  const inner = isObject(value.message) ? value.message : value;
  return typeof inner.role === "string" || MESSAGE_TYPES.has(inner.type);
}

function ofMessage(value) {
  const message = isObject(value.message) ? value.message : value;
  const role = String(message.role || MESSAGE_ROLES[message.type] || message.type || "message");
  const about = message.name || message.tool_call_id || message.call_id || "";
  if (message.type === "function_call") return [{ role, about, text: plain(message.arguments ?? "") }];
  const text = textOfContent(message.content ?? message.parts ?? message.output ?? message.summary);
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const found = text || !calls.length ? [{ role, about, text }] : [];
  for (const call of calls) {
    const asked = isObject(call) && isObject(call.function) ? call.function : isObject(call) ? call : {};
    found.push({ role: "tool call", about: asked.name || "", text: plain(asked.arguments ?? call) });
  }
  return found;
}

function textOfContent(content) {
  if (content === undefined || content === null) return "";
  return Array.isArray(content) ? content.map(textOfPart).filter(Boolean).join("\n") : plain(content);
}

function textOfPart(part) {
  if (!isObject(part)) return plain(part);
  const text = part.text ?? part.thinking ?? part.refusal;
  if (typeof text === "string") return text;
  if (part.type === "tool_use" || part.type === "tool_result") {
    return `[${part.type} ${part.name || part.tool_use_id || ""}] ${textOfContent(part.input ?? part.content)}`;
  }
  return plain(part);
}
