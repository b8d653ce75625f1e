"""Makes of recordings what is kept: no vectors, no names of a machine, and what was served: `trim.py OUT DATA`."""

import gzip
import json
import re
import sys
from pathlib import Path

out, data = Path(sys.argv[1]), Path(sys.argv[2])
LONGEST = 1500
DROPPED = re.compile(
    r"embedding\.vector|^ai\.embedding|^metadata\.|^hidden_params|^gcp\.vertex\.agent\.(event|invocation)_id"
    r"|^langsmith\.(metadata\.(revision|LANG)|span\.runtime)|^ai\.(response\.timestamp|request\.headers|settings\.context)"
    r"|^gen_ai\.serialized|\.callbacks|^code\."
)
KEPT = re.compile(r"messages|prompt|completion|input|output|usage_object|llm_re|tools|response_cost")
TOLD_OF_RESOURCE = ("service.name", "service.version", "session.id")
LONGEST_TEXT = 200
served = {}


def kept(pair):
    value = pair["value"]
    key = pair["key"]
    if DROPPED.search(key) and key != "metadata.usage_object":
        return False
    size = len(json.dumps(value))
    return size <= LONGEST if not KEPT.search(key) else size <= 3 * LONGEST


def shortened(pair):
    """What a program was given, with each text of it cut: it sends a book of instructions with every request."""
    if pair["key"] == "request_text":
        pair["value"]["stringValue"] = json.dumps(cut(json.loads(pair["value"]["stringValue"])))
    return pair


def cut(value):
    if isinstance(value, dict):
        return {name: cut(one) for name, one in value.items()}
    if isinstance(value, list):
        return [cut(one) for one in value]
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def trimmed(pairs):
    return [pair for pair in map(shortened, pairs) if kept(pair)]


for path in sorted(out.glob("*.jsonl")):
    if not path.stat().st_size:
        continue
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        for group in (*message.get("resourceSpans", []), *message.get("resourceLogs", [])):
            told = group["resource"]
            told["attributes"] = [pair for pair in told["attributes"] if pair["key"] in TOLD_OF_RESOURCE]
            for scoped in (*group.get("scopeSpans", []), *group.get("scopeLogs", [])):
                for one in (*scoped.get("spans", []), *scoped.get("logRecords", [])):
                    one["attributes"] = trimmed(one["attributes"])
                    for event in one.get("events", ()):
                        event["attributes"] = trimmed(event["attributes"])
        lines.append(json.dumps(message, separators=(",", ":"), ensure_ascii=False))
    text = "\n".join(lines) + "\n"
    text = re.sub(r"(/tmp|/root|/home|/work|/usr)/[\w./-]*", "/somewhere", text)
    (data / f"{path.name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    served[path.stem] = json.loads(path.with_suffix(".served.json").read_text())
told = (
    "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in served.items()) + "\n}\n"
)
(data / "served.json").write_text(told, encoding="utf-8")
