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
served = {}


def kept(pair):
    value = pair["value"]
    key = pair["key"]
    if DROPPED.search(key) and key != "metadata.usage_object":
        return False
    size = len(json.dumps(value))
    return size <= LONGEST if not KEPT.search(key) else size <= 3 * LONGEST


for path in sorted(out.glob("*.jsonl")):
    if not path.stat().st_size:
        continue
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        for group in message.get("resourceSpans", []):
            for scoped in group["scopeSpans"]:
                for span in scoped["spans"]:
                    span["attributes"] = [pair for pair in span["attributes"] if kept(pair)]
                    for event in span.get("events", ()):
                        event["attributes"] = [pair for pair in event["attributes"] if kept(pair)]
        lines.append(json.dumps(message, separators=(",", ":"), ensure_ascii=False))
    text = "\n".join(lines) + "\n"
    text = re.sub(r"(/tmp|/root|/home|/work|/usr)/[\w./-]*", "/somewhere", text)
    (data / f"{path.name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    served[path.stem] = json.loads(path.with_suffix(".served.json").read_text())
told = (
    "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in served.items()) + "\n}\n"
)
(data / "served.json").write_text(told, encoding="utf-8")
