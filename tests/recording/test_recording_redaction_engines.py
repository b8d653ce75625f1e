"""What stands in a secret's place is the same whichever engine records: every mode, rule and policy, on both."""

from __future__ import annotations

import json

import pytest

from flightlog._speed import presence

PURE = pytest.param("pure", id="pure")
COMPILED = pytest.param(
    "compiled",
    id="compiled",
    marks=pytest.mark.skipif(presence.CORE is None, reason=presence.ABSENCE or "it is there"),
)
ENGINES = (PURE, COMPILED)

PROGRAM = """
    import os
    import flightlog as fl
    from flightlog import hot

    for number in range(9_000):  # after so much, the compiled engine looks at texts with its scanner
        fl.redact(f"clean text number {number}, " * 10)

    key = "gh" + "p_" + "3Ab" * 11 + "bAb3"
    mail = "ada@example.org"

    @fl.traced(kind="tool")
    def work(note, password, mail):
        return {"said": note, "api_key": "geheim7geheim7wxyz", "rows": [1, None, {"note": f"by {mail}"}]}

    @hot.traced_fn
    def often(note):
        return note

    with fl.span("root", kind="agent", input={"q": f"uses {key} now", "n": 1}) as root:
        root.set(note=f"uses {key} now", mail=mail, ssn="078051120", hush="so hush-hush it is", many=[key, "plain"])
        root.set(session_key="not-Secret-4711x", public=f"password={'known-and-harmless-1'}")
        for _ in range(3):
            work(f"uses {key} now", "geheim7geheim7wxyz", mail)
            often(f"uses {key} now")
            fl.event("told", body=f"uses {key} now", mail=mail, hush="hush-hush")
        fl.narrate("tell", "ada", human=f"It uses {key} now.", cute=f"{key}!", story=f'"{key}", it said.')
        with fl.llm("m", provider="p", messages=[{"role": "user", "content": f"uses {key} now"}]) as call:
            call.output = f"password={key}"
        try:
            with fl.span("fails"):
                raise ValueError(f"no: {key} of {mail}")
        except ValueError:
            pass
        root.output = f"uses {key} now"
    fl.flush()
"""

KEY = "gh" + "p_" + "3Ab" * 11 + "bAb3"


def _told(bench, engine, redacting):
    """Every record of one run, without what is another in every run."""
    result = bench.run(PROGRAM, env={**redacting, "FLIGHTLOG_ENGINE": engine, "FLIGHTLOG_LEVEL": "trace"})
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = bench.flightlog("export", "@latest", "--format", "jsonl").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    return [
        {
            "name": record["name"],
            "attributes": {
                k: v
                for k, v in (record.get("attributes") or {}).items()
                if k not in ("elapsed_ns", "correlation_id")
            },
            **{part: record.get(part) for part in ("input", "output", "body")},
            "error": (record.get("error") or {}).get("message"),
        }
        for record in records
        if record["type"] in ("span", "event")
    ]


def _of(told, name):
    return next(record for record in told if record["name"] == name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("redact", "shown"),
    [
        ("mask", "uses [REDACTED] now"),
        ("last4", "uses [REDACTED …bAb3] now"),
        ("drop", "[REDACTED: dropped]"),
        ("hash,github_token=mask", "uses [REDACTED] now"),
        ("mask,github_token=drop", "[REDACTED: dropped]"),
        ("mask,github_token=off,assignment=off,secret_key=mask", f"uses {KEY} now"),
    ],
)
def test_every_mode_shows_the_same_in_every_field_of_every_door(bench, engine, redact, shown):
    told = _told(bench, engine, {"FLIGHTLOG_REDACT": redact})
    root, work = _of(told, "root"), next(record for record in told if record["name"].endswith("work"))
    assert root["attributes"]["note"] == root["input"]["q"] == root["output"] == shown
    assert root["attributes"]["many"] == [shown.removeprefix("uses ").removesuffix(" now"), "plain"]
    assert work["input"]["note"] == work["output"]["said"] == shown
    assert _of(told, "told")["body"] == shown
    assert "geheim7" not in json.dumps(told)
    if "off" not in redact:
        assert KEY not in json.dumps(told)


@pytest.mark.parametrize("engine", ENGINES)
def test_rules_keys_values_and_what_is_none_hold(bench, engine):
    (bench.directory / "flightlog.toml").write_text("""
        redact = { "*" = "mask", email = "last4" }
        redact_values = ["hush-hush"]
        redact_keys = ["ssn"]
        redact_rules = { staff = 'uses (\\S+) now' }
        redact_allow = ["session_key", "known-and-harmless-1"]
    """)
    told = _told(bench, engine, {})
    assert (
        _of(told, "root")["attributes"].items()
        >= {
            "note": "uses [REDACTED] now",
            "mail": "[REDACTED]",
            "ssn": "[REDACTED]",
            "hush": "so [REDACTED] it is",
            "session_key": "not-Secret-4711x",
            "public": "password=known-and-harmless-1",
        }.items()
    )
    assert _of(told, "told")["attributes"].items() >= {"mail": "[REDACTED]", "hush": "[REDACTED]"}.items()
    assert _of(told, "fails")["error"] == "no: [REDACTED] of [REDACTED]"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("content", "kept", "withheld"),
    [
        ("all", {"root", "m", "work"}, set()),
        ("metadata", set(), {"root", "m", "work"}),
        ("all,llm=metadata", {"root", "work"}, {"m"}),
        ("metadata,agent=all", {"root"}, {"m", "work"}),
        ("all,tool=metadata,llm=metadata", {"root"}, {"m", "work"}),
    ],
)
def test_a_content_policy_keeps_the_same_of_every_kind(bench, engine, content, kept, withheld):
    told = _told(bench, engine, {"FLIGHTLOG_CONTENT": content})
    named = {record["name"].rpartition(".")[2].rpartition(" ")[2]: record for record in told}
    for name in kept | withheld:
        assert (named[name]["output"] is None) == (name in withheld), name
        assert ((named[name]["attributes"] or {}).get("flightlog.content") == "metadata") == (
            name in withheld
        )


@pytest.mark.skipif(presence.CORE is None, reason="there is one engine")
@pytest.mark.parametrize(
    "redacting",
    [
        {"FLIGHTLOG_REDACT": "hash"},
        {"FLIGHTLOG_REDACT": "last4,email=hash"},
        {"FLIGHTLOG_REDACT": "mask,secret_key=drop,email=mask"},
        {
            "FLIGHTLOG_REDACT": "hash",
            "FLIGHTLOG_REDACT_VALUES": "hush-hush",
            "FLIGHTLOG_REDACT_KEYS": "ssn,note",
        },
        {"FLIGHTLOG_REDACT_ALLOW": f"{KEY},password", "FLIGHTLOG_CONTENT": "all,llm=metadata"},
    ],
    ids=lambda redacting: " ".join(redacting.values()).replace(KEY, "the key"),
)
def test_both_engines_write_the_same_in_one_home(bench, redacting):
    told = [_told(bench, engine, redacting) for engine in ("pure", "compiled")]
    assert len(told[0]) > 12
    assert told[0] == told[1]
