"""Secrets that were never anybody's: made at run time, so that none stands in the repository.

Every kind has the prefix, the alphabet and the length that its provider gives it; the rest is drawn from a
seeded generator, so that a failure can be repeated.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

_ALNUM = string.ascii_letters + string.digits
_BASE64URL = _ALNUM + "_-"
_HEX = "0123456789abcdef"

_DRAW = random.Random(20260101)


def _draw(alphabet: str, length: int) -> str:
    return (
        "".join(_DRAW.choice(alphabet) for _ in range(length - 2)) + "7" + _DRAW.choice(_ALNUM.upper()[:26])
    )


def _letters(length: int) -> str:
    return "".join(_DRAW.choice(string.ascii_letters) for _ in range(length))


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _jwt() -> str:
    parts = _base64url('{"alg":"HS256","typ":"JWT"}'), _base64url('{"sub":"1234567890","name":"Ada"}')
    return ".".join([*parts, _draw(_BASE64URL, 43)])


def _pem(kind: str, lines: int) -> str:
    body = "\n".join(_draw(_ALNUM + "+/", 64) for _ in range(lines))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def _uuid() -> str:
    return "-".join(_draw(_HEX, n).lower() for n in (8, 4, 4, 4, 12))


KINDS: dict[str, Callable[[], str]] = {
    "openai": lambda: "sk-" + _draw(_ALNUM, 48),
    "openai project": lambda: "sk-" + "proj-" + _draw(_BASE64URL, 156),
    "openai service account": lambda: "sk-" + "svcacct-" + _draw(_BASE64URL, 120),
    "openrouter": lambda: "sk-" + "or-v1-" + _draw(_HEX, 64).lower(),
    "langfuse": lambda: "sk-" + "lf-" + _uuid(),
    "anthropic": lambda: "sk-" + "ant-api03-" + _draw(_BASE64URL, 95),
    "google": lambda: "AI" + "za" + _draw(_BASE64URL, 35),
    "aws access key id": lambda: "AK" + "IA" + _draw(string.ascii_uppercase, 16),
    "aws session key id": lambda: "AS" + "IA" + _draw(string.ascii_uppercase, 16),
    "github personal": lambda: "gh" + "p_" + _draw(_ALNUM, 36),
    "github oauth": lambda: "gh" + "o_" + _draw(_ALNUM, 36),
    "github user": lambda: "gh" + "u_" + _draw(_ALNUM, 36),
    "github server": lambda: "gh" + "s_" + _draw(_ALNUM, 36),
    "github refresh": lambda: "gh" + "r_" + _draw(_ALNUM, 76),
    "github fine-grained": lambda: "github" + "_pat_" + _draw(_ALNUM, 22) + "_" + _draw(_ALNUM, 59),
    "gitlab": lambda: "gl" + "pat-" + _draw(_BASE64URL, 20),
    "gitlab routable": lambda: "gl" + "pat-" + _draw(_BASE64URL, 27) + ".01." + _draw(_HEX, 9).lower(),
    "slack bot": lambda: (
        "xo" + f"xb-{_DRAW.randrange(10**11)}-{_DRAW.randrange(10**12)}-" + _draw(_ALNUM, 24)
    ),
    "slack user": lambda: "xo" + f"xp-{_DRAW.randrange(10**11)}-" + _draw(_HEX, 32).lower(),
    "slack rotated": lambda: "xo" + "xe.xo" + "xb-1-" + _draw(_ALNUM, 60),
    "stripe secret": lambda: "sk" + "_live_" + _draw(_ALNUM, 24),
    "stripe restricted": lambda: "rk" + "_live_" + _draw(_ALNUM, 99),
    "stripe test": lambda: "sk" + "_test_" + _draw(_ALNUM, 24),
    "hugging face": lambda: "h" + "f_" + _letters(34),
    "npm": lambda: "np" + "m_" + _draw(_ALNUM, 36),
    "pypi": lambda: "pyp" + "i-AgEI" + _draw(_BASE64URL, 150),
    "json web token": _jwt,
    "rsa private key": lambda: _pem("RSA ", 25),
    "private key": lambda: _pem("", 26),
    "ec private key": lambda: _pem("EC ", 3),
    "openssh private key": lambda: _pem("OPENSSH ", 6),
    "encrypted private key": lambda: _pem("ENCRYPTED ", 28),
}
"""Kinds that are known by their shape, wherever they stand."""


def opaque(length: int = 24) -> str:
    """Draw a secret without any shape of its own."""
    return _draw(_ALNUM, length)


def basic() -> str:
    """Draw the credentials of an HTTP basic authorization."""
    return base64.b64encode(f"ada:{opaque(12)}".encode()).decode()
