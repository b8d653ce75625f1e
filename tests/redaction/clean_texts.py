"""Texts without a secret, by kind and in any amount: made at run time, or read from what Python brings along.

What is made is drawn from a seeded generator and full of what looks like a secret and is none: token counts, pieces
of text called tokens, hashes, identifiers, schemas of forms with a password, images in base64.
"""

from __future__ import annotations

import base64
import json
import pydoc
import random
import sysconfig
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

_WORDS = str.split(
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an which you "
    "one we all were her she there would their been has when who will more no if out so said what up its about into "
    "than them can only other new some could time these two may then do first any my now such like our over man me "
    "even most made after also did many before must through back years where much your way well down should because "
    "token secret key password session author cookie passage monkey keyboard tokenizer authority credentialed"
)
_PATHS = (
    "/",
    "/v1/items",
    "/login",
    "/oauth/token",
    "/auth/callback",
    "/password/reset",
    "/static/app.3f2a9c.js",
)
_NOT_OUR_PROSE = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
"""Folders of the standard library that hold made-up passwords, or are not the standard library."""


def _sentence(draw: random.Random) -> str:
    return " ".join(draw.choices(_WORDS, k=draw.randint(6, 18))).capitalize() + draw.choice(
        [".", "?", ";", ": so."]
    )


def _paragraph(draw: random.Random) -> str:
    return " ".join(_sentence(draw) for _ in range(draw.randint(2, 6)))


def _hex(draw: random.Random, length: int) -> str:
    return f"{draw.getrandbits(length * 4):0{length}x}"


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _request(draw: random.Random) -> str:
    messages = [
        {"role": role, "content": _paragraph(draw)} for role in ("system", "user", "assistant", "user")
    ]
    body = {
        "model": draw.choice(["gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929", "gemini-2.5-pro"]),
        "max_tokens": draw.randint(1, 9999),
        "max_completion_tokens": 4096,
        "temperature": draw.random(),
        "stop": ["\n\n", "<|endoftext|>"],
        "prompt_cache_key": f"conversation-{draw.randint(1, 99999)}",
        "messages": messages,
        "tools": [_tool(draw)],
        "metadata": {"session_id": _uuid(draw), "user_id": f"user_{_hex(draw, 12)}"},
    }
    return json.dumps(body, indent=draw.choice([None, 2]))


def _tool(draw: random.Random) -> dict[str, object]:
    properties = {
        "password": {"type": "string", "description": "The new password, at least 12 characters long"},
        "token": {"type": "string", "description": f"Token of the page; {_sentence(draw)}"},
        "api_key": {"title": "Api Key", "anyOf": [{"type": "string"}, {"type": "null"}]},
        "secret_name": {"type": "string", "enum": ["prod", "staging"]},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 4096},
    }
    parameters = {"type": "object", "properties": properties, "required": ["password", "token"]}
    return {
        "type": "function",
        "function": {"name": "set_password", "strict": True, "parameters": parameters},
    }


def _response(draw: random.Random) -> str:
    words = [draw.choice(["", " "]) + draw.choice(_WORDS) for _ in range(60)]
    logprobs = [
        {"token": word, "logprob": -draw.random(), "bytes": list(word.encode()), "top_logprobs": []}
        for word in words
    ]
    usage = {
        "prompt_tokens": draw.randint(1, 9999),
        "completion_tokens": len(words),
        "total_tokens": 12345,
        "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 17, "accepted_prediction_tokens": 0},
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(words), "refusal": None},
        "logprobs": {"content": logprobs},
        "finish_reason": "stop",
    }
    return json.dumps(
        {
            "id": f"chatcmpl-{_hex(draw, 28)}",
            "object": "chat.completion",
            "system_fingerprint": f"fp_{_hex(draw, 10)}",
            "service_tier": "default",
            "choices": [choice],
            "usage": usage,
        }
    )


def _stream(draw: random.Random) -> str:
    lines = []
    for _ in range(40):
        delta = {"content": " " + draw.choice(_WORDS)}
        chunk = {
            "id": f"chatcmpl-{_hex(draw, 28)}",
            "choices": [{"index": 0, "delta": delta, "logprobs": None}],
        }
        lines.append(f"data: {json.dumps(chunk)}\n\n")
    return "".join(lines) + "data: [DONE]\n\n"


def _embedding(draw: random.Random) -> str:
    vector = [round(draw.uniform(-1, 1), 8) for _ in range(512)]
    return json.dumps({"object": "embedding", "index": 0, "embedding": vector, "usage": {"total_tokens": 8}})


def _tokens(draw: random.Random) -> str:
    ids = [draw.randint(0, 200_000) for _ in range(200)]
    state = {"token_ids": ids, "tokens": draw.choices(_WORDS, k=60), "pad_token": "<pad>", "eos_token_id": 2}
    return f"tokens: {len(ids)}, state={state!r}\n{json.dumps(state)}"


def _address(draw: random.Random) -> str:
    return ".".join(str(draw.randint(1, 254)) for _ in range(4))


def _nginx(draw: random.Random) -> str:
    return "\n".join(
        f'{_address(draw)} - - [05/Jan/2026:10:{n % 60:02}:01 +0000] "GET {draw.choice(_PATHS)}?page={n}&sort=key '
        f'HTTP/1.1" 200 {draw.randint(1, 99999)} "https://a.example:8443/" "Mozilla/5.0 (X11; Linux x86_64) '
        f'AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36" rt={draw.random():.3f} id={_hex(draw, 32)}'
        for n in range(60)
    )


def _syslog(draw: random.Random) -> str:
    said = (
        "Accepted publickey for ada from {} port {} ssh2: ED25519 SHA256:{}",
        "pam_unix(sshd:session): session opened for user ada(uid=1000) by (uid=0) {} {} {}",
        "Failed password for invalid user admin from {} port {} ssh2 {}",
        "audit: type=1400 apparmor=ALLOWED operation=open addr={} pid={} comm={}",
        "kernel: key type keyring registered, 0 secrets, addr {} n {} id {}",
        "systemd[1]: password-agent.path: {} Deactivated successfully after {} ms, invocation {}",
    )
    return "\n".join(
        f"Jan  5 10:{n % 60:02}:07 host-{n % 7} sshd[{draw.randint(100, 99999)}]: "
        + draw.choice(said).format(_address(draw), draw.randint(1024, 65535), _hex(draw, 32))
        for n in range(60)
    )


def _service(draw: random.Random) -> str:
    lines = []
    for n in range(60):
        path = draw.choice(_PATHS)
        lines += [
            f'INFO:     127.0.0.1:{draw.randint(1024, 65535)} - "POST {path} HTTP/1.1" 422 Unprocessable Entity',
            f"2026-01-05T10:00:{n % 60:02}.123Z INFO app.worker[{n}]: job={_hex(draw, 8)} tokens={n} cost=$0.0031",
            f'level=info ts=2026-01-05 msg="token refreshed" token_type=bearer expires_in=3600 span={_hex(draw, 16)}',
            f'{{"level":"info","trace_id":"{_hex(draw, 32)}","msg":"auth ok","auth_type":"oauth","key":"k{n}"}}',
        ]
    return "\n".join(lines)


def _cluster(draw: random.Random) -> str:
    return "\n".join(
        f"I0105 10:00:{n % 60:02}.123456 1 event.go:294] Event(v1.ObjectReference{{Kind:'Secret', Namespace:'prod', "
        f"Name:'db-credentials-{_hex(draw, 5)}', UID:'{_uuid(draw)}', APIVersion:'v1', ResourceVersion:'{n}'}}): "
        f"type: 'Normal' reason: 'Synced' secret: found key: app-{_hex(draw, 10)}-{_hex(draw, 5)}"
        for n in range(40)
    )


def _traceback(draw: random.Random) -> str:
    frames = "".join(
        f'  File "/srv/app/{draw.choice(_WORDS)}/tokens.py", line {n}, in get_token\n'
        f"    token = self.auth.refresh(token=token, secret=self._secret, timeout={n})\n"
        for n in range(1, 12)
    )
    return (
        f"Traceback (most recent call last):\n{frames}"
        f"KeyError: 'access_token'\n\nException in thread Thread-{draw.randint(1, 99)}:\n"
        f"openai.AuthenticationError: Error code: 401 - {{'error': {{'message': 'No API key provided.', "
        f"'type': 'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}}}}\n{_sentence(draw)}"
    )


def _table(draw: random.Random) -> str:
    rows = [
        f"{n},{_uuid(draw)},ada{n}@example.org,{draw.choice(_WORDS)},{draw.random():.6f},2026-01-05,{_hex(draw, 40)}"
        for n in range(80)
    ]
    return "\n".join(["id,session_id,email,token,score,password_changed_at,sha1", *rows])


def _page(draw: random.Random) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta name="csrf-param" content="authenticity_token">'
        '<link rel="preload" href="/a.css" as="style"></head><body><form action="/login" method="post">'
        '<label for="password">Password:</label><input type="password" name="password" value="" '
        'placeholder="Your password" autocomplete="current-password"><input type="hidden" name="token" value="">'
        f'<button data-key="{draw.randint(1, 99)}">Log in</button></form><p id="p-{_uuid(draw)}">{_paragraph(draw)}</p>'
        f"<ul>{''.join(f'<li class=key>{_sentence(draw)}</li>' for _ in range(9))}</ul></body></html>"
    )


def _markdown(draw: random.Random) -> str:
    return (
        f"# {_sentence(draw)}\n\n{_paragraph(draw)}\n\n"
        f"* **Token:** {_sentence(draw)}\n* `password`: {_sentence(draw)}\n"
        "\n| key | secret? | what |\n|---|---|---|\n| `api_key` | yes | the key of the API |\n"
        "| token | no | a piece |\n"
        "\n```bash\nexport API_KEY=<your key>\ncurl -H 'Authorization: Bearer $TOKEN' https://a.example:8443/v1\n```\n"
        "\nSet `password` to `${DB_PASSWORD}`, or pass `--password` on the command line.\n"
    )


def _diff(draw: random.Random) -> str:
    return (
        f"commit {_hex(draw, 40)}\nAuthor: Ada <ada@example.org>\nDate:   Mon Jan 5 10:00:00 2026 +0000\n\n"
        f"    {_sentence(draw)}\n\ndiff --git a/auth/token.py b/auth/token.py\n"
        f"index {_hex(draw, 9)}..{_hex(draw, 9)} 100644\n"
        "--- a/auth/token.py\n+++ b/auth/token.py\n@@ -17,7 +17,7 @@ def login(user, password):\n"
        "-    token = create_token(user, secret=settings.SECRET_KEY)\n"
        '+    token = create_token(user, secret=os.environ["SECRET_KEY"])\n'
        "     return {'token': token, 'expires': now() + TOKEN_TTL}\n"
        f"-    key = cache_key(user, password_hash)\n+    assert token is not None  # {_sentence(draw)}\n"
    )


def _identifiers(draw: random.Random) -> str:
    return "\n".join(
        f"{_uuid(draw)} {_hex(draw, 40)} sha256:{_hex(draw, 64)} 00-{_hex(draw, 32)}-{_hex(draw, 16)}-01 "
        f"req_{_hex(draw, 24)} msg_01{_hex(draw, 20)} i-{_hex(draw, 17)} "
        f"arn:aws:iam::123456789012:role/r-{_hex(draw, 8)}"
        for _ in range(40)
    )


def _image(draw: random.Random) -> str:
    data = base64.b64encode(draw.randbytes(6_000)).decode()
    return json.dumps({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})


def _zeros(draw: random.Random) -> str:
    data = b"".join(draw.choice([b"\0" * draw.randint(1, 200), draw.randbytes(60)]) for _ in range(60))
    return base64.encodebytes(data).decode()


def _script(draw: random.Random) -> str:
    names = "abcdefghijklmnopqrstuvwxyz"
    return "".join(
        f"function {draw.choice(names)}{n}(t,e){{var n=t.token,r=t.password||e.password;return!n&&r?"
        f'e("auth",{{token:n,key:r.key,secret:!0}}):t.cookie?"k{n}":{draw.randint(1, 99999)}}}'
        for n in range(30)
    ) + "".join(
        f".sk-{draw.choice(_WORDS)}-{draw.choice(_WORDS)}{{color:#{_hex(draw, 6)};margin:{n}px auto}}"
        for n in range(30)
    )


def _links(draw: random.Random) -> str:
    return "\n".join(
        f"https://host-{n}.example:{draw.randint(1024, 65535)}{draw.choice(_PATHS)}?q={draw.choice(_WORDS)}&page={n}"
        f"&next=%2Fa%3Fkey%3D{n} git@host.example:a/b-{n}.git "
        f"ssh://git@host.example:22/a/{_hex(draw, 8)} ada@example.org"
        for n in range(40)
    )


MADE: dict[str, Callable[[random.Random], str]] = {
    "prose": lambda draw: "\n\n".join(_paragraph(draw) for _ in range(8)),
    "requests of models": _request,
    "answers of models": _response,
    "streams of models": _stream,
    "embeddings": _embedding,
    "tokens": _tokens,
    "access logs": _nginx,
    "system logs": _syslog,
    "service logs": _service,
    "cluster logs": _cluster,
    "tracebacks": _traceback,
    "csv": _table,
    "html": _page,
    "markdown": _markdown,
    "diffs": _diff,
    "identifiers and hashes": _identifiers,
    "images in base64": _image,
    "zeros in base64": _zeros,
    "minified scripts and styles": _script,
    "addresses": _links,
}
"""Kinds that are drawn, each by a function that makes one text."""


def made(kind: str, characters: int) -> Iterator[str]:
    """Draw texts of a kind until there are so many characters."""
    draw = random.Random(kind)
    while characters > 0:
        text = MADE[kind](draw)
        characters -= len(text)
        yield text


def library_sources(every: int = 1) -> Iterator[tuple[str, str]]:
    """Yield name and text of each source file of the standard library, or of every n-th of them."""
    root = Path(sysconfig.get_path("stdlib"))
    paths = [
        path for path in sorted(root.rglob("*.py")) if not _NOT_OUR_PROSE & set(path.relative_to(root).parts)
    ]
    for path in paths[::every]:
        yield path.name, path.read_text(encoding="utf-8", errors="replace")


def library_prose() -> Iterator[tuple[str, str]]:
    """Yield name and text of the language reference that Python's help shows."""
    topics = __import__("pydoc_data.topics", fromlist=["topics"]).topics
    for name in sorted(pydoc.Helper.topics):
        entry = pydoc.Helper.topics[name]
        topic = entry if isinstance(entry, str) else entry[0]
        yield name, topics.get(topic, "")
