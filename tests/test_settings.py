"""Settings: which layer wins, where a value came from, and what is said of a value that cannot be used."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.records.errors import BadSetting
from flightlog.settings import (
    BY_NAME,
    GIB,
    KIB,
    MIB,
    SETTINGS,
    Layer,
    Settings,
    Withheld,
    environment_layers,
    limits,
    modes,
    resolve,
)

BAD: dict[str, list[object]] = {
    "home": [7, None, ["a"]],
    "project": [7, True],
    "environment": [1.5],
    "service": [{}],
    "version": [2],
    "redact": ["scramble=mix", "off", "mask=off", "=hash", 5, ["mask"], "mask=last4"],
    "redact_values": [5, None, [1]],
    "redact_environment": ["perhaps", None],
    "redact_keys": [5, {"a": 1}, [b"x"]],
    "propagators": ["zipkin", 5, [1], None, {"b3": 1}],
    "baggage_keys": [5, {"a": 1}, [b"x"]],
    "inject_hosts": [5, None, [b"x"]],
    "propagate_environment": ["perhaps", None],
    "vectors": ["perhaps", None],
    "redact_allow": [5, None],
    "redact_rules": ["(", {"a": "("}, {"a b": "x"}, {"a": 5}, {5: "x"}],
    "content": ["none", "metadata=llm", "=all", 5],
    "editorial": ["perhaps", 5],
    "audit": ["some", 5],
    "prune_older_than": ["x", "tomorrow", -1, [1]],
    "prune_keep_errors": ["perhaps", None],
    "prune_max_size": ["x", "-1", []],
    "prune_question": [5, None],
    "enabled": ["perhaps", "2", 1.0, None, []],
    "level": [10],
    "sample": ["1.1", -0.1, "nan", "half", True, None, 10**400, "inf"],
    "durability": ["disk", "", 1, None],
    "overflow": ["drop", []],
    "overflow_wait": [-1, "soon", True, "inf", "nan"],
    "journal_bytes": ["0", "-1", "many", "12x", "1.5.5k", "", True, None, "1e30", "inf", "nan", "0.5"],
    "segment_bytes": ["kib"],
    "line_bytes": ["1 TiB"],
    "value_bytes": [[]],
    "request_bytes": ["64 KiBs"],
    "sinks": ["", [], "kafka", ["store", 3], "jsonl", "stderr:xml"],
    "fulltext": ["perhaps", None],
    "sink_bytes": [0, "16MB of it"],
    "console": ["loud", True, ""],
    "view": ["loud", True, ""],
    "open_spans": [0, -1, "0", "1.5", 3.7, True, None, "", float("inf"), float("nan"), "ten"],
    "exit_drain": ["1s"],
    "propagate": ["maybe"],
    "instrument": [7, ["openai"]],
    "instrument_without": [7, [7]],
    "slow_warn": [-1, "900 mss", 1e13, True, "", "s", "inf"],
    "slow_limit": [None],
    "slow_warns": ["llm", "=2s", "llm=", "llm=soon", 5, {"a,b": "1s"}, {"llm": None}],
    "slow_limits": [["llm"]],
    "prices": [3],
    "ignore_lints": [3],
}
"""Values that no setting may take, for every setting."""


def _settings(*layers: Layer) -> Settings:
    return resolve(list(layers))


def test_without_layers_every_setting_has_its_default_and_says_so() -> None:
    settings = resolve([])
    for setting in SETTINGS:
        assert getattr(settings, setting.name) == setting.default
        assert settings.origins[setting.name] == "default"


def test_every_default_is_a_value_that_the_setting_itself_accepts() -> None:
    for setting in SETTINGS:
        assert setting.parse(setting.default) == setting.default


def test_the_resolved_settings_are_the_listed_ones() -> None:
    assert [field.name for field in msgspec.structs.fields(Settings)] == [*BY_NAME, "origins"]
    assert len(BY_NAME) == len(SETTINGS)
    assert all(setting.text for setting in SETTINGS)


def test_the_first_layer_that_gives_a_value_wins_and_is_its_origin() -> None:
    settings = _settings(
        Layer("code", {"project": "mine"}),
        Layer("FLIGHTLOG_PROJECT", {"project": "theirs", "sample": "0.5"}),
        Layer("pyproject.toml", {"sample": 0.1, "slow_warn": 10}),
    )
    assert (settings.project, settings.sample, settings.slow_warn) == ("mine", 0.5, 10.0)
    assert settings.origins["project"] == "code"
    assert settings.origins["sample"] == "FLIGHTLOG_PROJECT"
    assert settings.origins["slow_warn"] == "pyproject.toml"
    assert settings.origins["slow_limit"] == "default"
    assert set(settings.origins) == set(BY_NAME)


@given(st.permutations(["a", "b", "c", "d"]), st.sets(st.sampled_from(["a", "b", "c", "d"]), min_size=1))
def test_precedence_is_the_order_of_the_layers_whatever_they_are(order: list[str], giving: set[str]) -> None:
    layers = [Layer(name, {"project": name} if name in giving else {}) for name in order]
    first = next(name for name in order if name in giving)
    settings = resolve(layers)
    assert (settings.project, settings.origins["project"]) == (first, first)


def test_a_bad_value_behind_a_good_one_is_never_read() -> None:
    assert _settings(Layer("code", {"sample": 1}), Layer("user file", {"sample": "lots"})).sample == 1.0


def test_there_are_bad_values_for_every_setting() -> None:
    assert set(BAD) == set(BY_NAME)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_value_names_setting_origin_and_what_was_expected(name: str, value: object) -> None:
    with pytest.raises(BadSetting) as caught:
        _settings(Layer("flightlog.toml", {name: value}))
    message = str(caught.value)
    assert f"setting {name} from flightlog.toml is " in message
    withheld = isinstance(BY_NAME[name].default, Withheld)
    assert ("(withheld)" if withheld else repr(value)) in message
    assert not withheld or repr(value) not in message.split("expected", maxsplit=1)[0]
    assert message.split("expected ")[1].startswith(("a ", "true", "one of"))
    assert caught.value.name == name


def test_a_setting_that_does_not_exist_names_its_origin() -> None:
    with pytest.raises(BadSetting, match="colour from code is 'red'; expected one of the settings"):
        _settings(Layer("code", {"colour": "red"}))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (1, 1),
        (4096, 4096),
        ("4096", 4096),
        ("1_048_576", MIB),
        ("64KiB", 64 * KIB),
        ("64 kib", 64 * KIB),
        ("64k", 64 * KIB),
        ("64KB", 64 * KIB),
        ("8MiB", 8 * MIB),
        ("8m", 8 * MIB),
        ("1GiB", GIB),
        ("1.5 GiB", 3 * GIB // 2),
        ("512b", 512),
        (2048.0, 2048),
        (" 2 KiB ", 2048),
    ],
)
def test_sizes_are_read_with_and_without_units(text: object, size: int) -> None:
    assert _settings(Layer("code", {"segment_bytes": text})).segment_bytes == size


@pytest.mark.parametrize("text", [True, "true", "TRUE", " yes ", "on", "1", 1])
def test_these_are_true(text: object) -> None:
    assert _settings(Layer("code", {"enabled": text})).enabled is True


@pytest.mark.parametrize("text", [False, "false", "False", "no", "off", "0", 0, ""])
def test_these_are_false(text: object) -> None:
    assert _settings(Layer("code", {"enabled": text})).enabled is False


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_read_from_its_variable_which_is_its_origin(setting: Any) -> None:
    possible = {
        "slow_warns": ("llm=1ms", "llm=1ms"),
        "slow_limits": ("llm=1ms", "llm=1ms"),
        "redact_values": ("one text, another", ("one text", "another")),
        "redact_allow": ("x", ("x",)),
        "redact_keys": ("ssn,*_pin", ("ssn", "*_pin")),
        "baggage_keys": ("session, user", ("session", "user")),
        "propagate_environment": ("true", True),
        "vectors": ("true", True),
        "prune_older_than": ("30d", "30d"),
        "prune_keep_errors": ("true", True),
        "prune_max_size": ("5GB", "5GB"),
        "instrument_without": ("redis, urllib", ("redis", "urllib")),
        "redact_rules": ('{"staff": "EMP-[0-9]+"}', {"staff": "EMP-[0-9]+"}),
    }
    text, value = possible.get(setting.name, (str(setting.default) or "x", setting.default or "x"))
    settings = resolve(environment_layers({setting.variable: text, "FLIGHTLOG_UNKNOWN": "ignored"}))
    assert settings.origins[setting.name] == f"FLIGHTLOG_{setting.name.upper()}"
    assert getattr(settings, setting.name) == value


def test_what_is_withheld_is_told_by_its_number_alone() -> None:
    settings = _settings(Layer("code", {"redact_values": ["hush-hush", "psst-psst"]}))
    assert tuple(settings.redact_values) == ("hush-hush", "psst-psst")
    assert "psst" not in f"{settings.redact_values} {settings.redact_values!r} {settings!r}"


def test_modes_by_rule_are_read_from_a_text_or_from_a_table() -> None:
    given = _settings(Layer("flightlog.toml", {"redact": {"*": "hash", "email": "mask", "option": "off"}}))
    assert modes(given.redact) == {"*": "hash", "email": "mask", "option": "off"}
    assert modes(_settings(Layer("code", {"redact": "last4, email, option=off"})).redact) == {
        "*": "last4",
        "email": "mask",
        "option": "off",
    }


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("1500", 1500.0), (900, 900.0), ("900ms", 900.0), ("1.5 s", 1500.0), ("2m", 120e3)],
)
def test_limits_are_read_as_milliseconds_or_with_a_unit(text: object, milliseconds: float) -> None:
    assert _settings(Layer("code", {"slow_limit": text})).slow_limit == milliseconds


def test_limits_by_kind_and_name_come_from_a_text_or_from_a_table() -> None:
    settings = _settings(
        Layer("FLIGHTLOG_SLOW_LIMITS", {"slow_limits": "llm = 10s, render_*=250"}),
        Layer("flightlog.toml", {"slow": {"warn": {"db": "20ms"}, "limit": 700}}),
    )
    assert limits(settings.slow_limits) == {"llm": 10_000.0, "render_*": 250.0}
    assert limits(settings.slow_warns) == {"db": 20.0}
    assert (settings.slow_limit, settings.origins["slow_limit"]) == (700.0, "flightlog.toml")


def test_the_service_is_also_read_from_open_telemetrys_variable() -> None:
    settings = resolve(environment_layers({"OTEL_SERVICE_NAME": "theirs"}))
    assert (settings.service, settings.origins["service"]) == ("theirs", "OTEL_SERVICE_NAME")


def test_our_own_variable_wins_over_open_telemetrys() -> None:
    settings = resolve(environment_layers({"OTEL_SERVICE_NAME": "theirs", "FLIGHTLOG_SERVICE": "ours"}))
    assert (settings.service, settings.origins["service"]) == ("ours", "FLIGHTLOG_SERVICE")


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
def test_open_telemetrys_switch_turns_recording_off_whatever_else_is_set(value: str) -> None:
    settings = resolve(environment_layers({"FLIGHTLOG_ENABLED": "true", "OTEL_SDK_DISABLED": value}))
    assert (settings.enabled, settings.origins["enabled"]) == (False, "OTEL_SDK_DISABLED")


@pytest.mark.parametrize("value", ["", "false", "1", "yes"])
def test_open_telemetrys_switch_knows_no_other_word_than_true(value: str) -> None:
    assert resolve(environment_layers({"OTEL_SDK_DISABLED": value})).enabled is True


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = resolve(
        environment_layers({"FLIGHTLOG_ENABLED": "", "FLIGHTLOG_SAMPLE": "", "FLIGHTLOG_SERVICE": ""})
    )
    assert settings == resolve([])


def test_variables_that_are_not_ours_are_ignored() -> None:
    assert environment_layers({"HOME": "/home/ada", "FLIGHTLOG": "x", "PROJECT": "y"}) == []
