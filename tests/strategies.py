"""What Hypothesis draws: values, records, lines of any version, and texts full of near-secrets."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.kinds import KINDS, LEVELS, STATUSES
from flightlog.records.process import Process
from flightlog.records.record import Known
from flightlog.records.span import Fault, Link, Span

_TIMES = st.integers(min_value=0, max_value=2**63 - 1)
_COUNTS = st.integers(min_value=0, max_value=2**31)


def texts(max_size: int = 40) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can carry."""
    return st.text(st.characters(codec="utf-8"), max_size=max_size)


def names() -> st.SearchStrategy[str]:
    """Names as programs give them, and some that nobody should."""
    return st.one_of(st.sampled_from(["search_documents", "chat gpt", "", "naïve.名前"]), texts(20))


def ids(digits: int) -> st.SearchStrategy[str]:
    """Identifiers of so many lower-case hexadecimal digits."""
    return st.integers(min_value=0, max_value=16**digits - 1).map(lambda n: f"{n:0{digits}x}")


def json_values(max_leaves: int = 8) -> st.SearchStrategy[Any]:
    """Any value that a line can carry."""
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(min_value=-(2**63), max_value=2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts(),
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(10), inner, max_size=3),
        max_leaves=max_leaves,
    )


def objects() -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects, as attributes and contexts are."""
    return st.dictionaries(texts(12), json_values(4), max_size=3)


def faults() -> st.SearchStrategy[Fault]:
    """Errors of spans."""
    return st.builds(Fault, type=names(), message=texts(), stack=texts())


def links() -> st.SearchStrategy[Link]:
    """Relations between spans."""
    return st.builds(Link, trace_id=ids(32), span_id=ids(16), relation=names(), attributes=objects())


def _origin() -> dict[str, st.SearchStrategy[str]]:
    """The fields that a process says once for all its lines."""
    return dict.fromkeys(("project", "environment", "service", "version"), names())


def spans() -> st.SearchStrategy[Span]:
    """Spans with any of their fields set or not."""
    return st.builds(
        Span,
        trace_id=ids(32),
        span_id=ids(16),
        parent_id=ids(16) | st.just(""),
        name=names(),
        kind=st.sampled_from(KINDS) | names(),
        level=st.sampled_from(sorted(LEVELS)),
        start=_TIMES,
        end=st.none() | _TIMES,
        status=st.sampled_from(STATUSES),
        input=st.just(UNSET) | json_values(),
        output=st.just(UNSET) | json_values(),
        error=st.none() | faults(),
        attributes=objects(),
        links=st.lists(links(), max_size=2),
        thread=names(),
        task=names(),
        context=objects(),
        otel=objects(),
        process_id=ids(32) | st.just(""),
        revision=_COUNTS,
        **_origin(),
    )


def events() -> st.SearchStrategy[Event]:
    """Events, on a span or on their own."""
    return st.builds(
        Event,
        event_id=ids(16),
        trace_id=ids(32) | st.just(""),
        span_id=ids(16) | st.just(""),
        time=_TIMES,
        name=names(),
        level=st.sampled_from(sorted(LEVELS)),
        body=texts(),
        attributes=objects(),
        context=objects(),
        otel=objects(),
        process_id=ids(32) | st.just(""),
        **_origin(),
    )


def processes() -> st.SearchStrategy[Process]:
    """Processes, each with its own project and environment."""
    return st.builds(
        Process,
        process_id=ids(32),
        pid=_COUNTS,
        host=names(),
        started=_TIMES,
        attributes=objects(),
        **_origin(),
    )


def annotations() -> st.SearchStrategy[Annotation]:
    """Scores, labels and notes."""
    return st.builds(
        Annotation,
        annotation_id=ids(16),
        trace_id=ids(32),
        span_id=ids(16) | st.just(""),
        time=_TIMES,
        name=names(),
        value=st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
        label=names(),
        note=texts(),
        by=names(),
        attributes=objects(),
        process_id=ids(32) | st.just(""),
        **_origin(),
    )


def records() -> st.SearchStrategy[Known]:
    """Any record of this version."""
    return st.one_of(spans(), events(), processes(), annotations())


_NEAR_SECRETS = st.sampled_from(
    [
        "password", "PASSWORD", "api_key", "apiKey", "API key", "token", "max token", "tokens", "secret",
        "Authorization", "Cookie", "credentials", "auth", "key", "passphrase", "jwt", "pwd",
        "=", ": ", ":", " = ", "=>", '"', "'", "`", '\\"', '\\\\\\"', "\\n", "\n", "\\", " ", "  ", "&", ";", ",",
        "(", ")", "[", "]", "{", "}", "@", "/", "//", "://", "http://", "postgres://u:", "h/db", "%3D", "%s", "-", "--",
        "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "-----", "sk-", "sk-ant-", "gh" + "p_",
        "github_pat_", "glpat-", "xoxb-", "AIza", "AKIA", "eyJ", ".", "hf_", "npm_", "pypi-Ag", "sk_live_",
        "Bearer ", "bearer ", "Basic ", "[REDACTED]", "[REDACTED", "REDACTED]", "[", "İ", "b'", "<", "$",
        "a1B2c3D4e5F6g7H8", "0123456789ABCDEF", "hunter2", "hunter", "correct horse", "none", "12345678",
        "dXNlcjpwYXNz", "curl ", "mysql ", " -u a:", " -p", " -b '", "--password ", "--api-key ",
        "IDENTIFIED BY ",
        "PASSWORD '", "password '", "login ada ", "password is ", ":5432:a:b:", "ENV DB_PASSWORD ",
        "_header X-Api-Key ",
        'form-data; name="password"', "name: ", "\n value: ", "<a name=", " value=", "</password>",
        "<password>", "%22", "%26", '("x-api-key", "', "['token', '", "a:b@tcp(", "AUTH PLAIN ",
        "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS", "Private-Lines: 3",
        "eyJhbGciOiJI", "IQo" + "Jb3JpZ2luX2Vj", "JQQ" + "J99", "1Q~", ":AA", "-us12", "sk_", "dp.st.", "EAA",
        "1//0", "4/0A",
        "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0", "0123456789abcdef0123456789abcdef", "**",
        "geheim7,", "geheim7'", "aB3]",
    ]
)  # fmt: skip


def secretive_texts(pieces: int = 14) -> st.SearchStrategy[str]:
    """Texts put together from what secrets, and the places where they stand, are made of."""
    piece = st.one_of(_NEAR_SECRETS, _NEAR_SECRETS, st.text("aB3-_./=+:\"'\\ \n", max_size=20))
    return st.lists(piece, max_size=pieces).map("".join)
