"""The gate of a process, as its settings and its environment want it.

The environment is watched: a program that loads its keys after it has begun (`load_dotenv`) has them looked for
from that moment on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from flightlog.records.errors import BadSetting
from flightlog.redaction.environment import is_secret_name, secrets_of, spellings
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.policy import Policy, policy_from, rule_names
from flightlog.settings import Settings, modes

_MARK: Final = "_flightlog_original"


def policy_of(settings: Settings) -> Policy:
    """Put the rules of a process together.

    Raises:
        BadSetting: `redact` names a rule that does not exist, or a rule of the program's own is no pattern.
    """
    wanted = modes(settings.redact)
    known = {"*", *rule_names(), *settings.redact_rules, "secret_key", "exact_value"}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise BadSetting("redact", unknown[0], settings.origins["redact"], _expected(unknown[0], known))
    try:
        return policy_from(
            wanted,
            rules=settings.redact_rules,
            keys=settings.redact_keys,
            allowed=settings.redact_allow,
            exact=exact_values(settings),
        )
    except re.error as error:
        raise BadSetting("redact_rules", str(error), settings.origins["redact_rules"], "patterns") from None


def exact_values(settings: Settings, changing: Mapping[str, str] = MappingProxyType({})) -> tuple[str, ...]:
    """The texts that are secret as they are, in each of their spellings: those given, those of the environment.

    Args:
        settings: the resolved ones.
        changing: variables that are just being set.
    """
    found = secrets_of({**os.environ, **changing}) if settings.redact_environment else ()
    given = (spelling for secret in settings.redact_values for spelling in spellings(secret))
    return (*given, *found)


def gate_of(settings: Settings, key: bytes, say: Callable[[str], object] | None = None) -> DefaultGate:
    """Make the gate of a process.

    Args:
        settings: the resolved ones.
        key: what hashes are keyed with; the home's own.
        say: told what is wrong with a setting, which is then left out; without it, that is an error.

    Raises:
        BadSetting: as `policy_of`, unless there is somebody to tell.
    """
    try:
        return DefaultGate(key, policy_of(settings))
    except BadSetting as error:
        if say is None:
            raise
        say(f"{error}; every rule holds as if it were not set")
        return DefaultGate(key, policy_from({}, keys=settings.redact_keys, exact=exact_values(settings)))


def gate_of_messages() -> DefaultGate:
    """Make the gate for what Flightlog itself prints: the rules that it brings, and the environment's secrets."""
    return DefaultGate(b"", policy_from({}, exact=secrets_of(os.environ)))


def watch_environment(changed: Callable[[Mapping[str, str]], object]) -> None:
    """Call `changed` whenever the program sets a variable that is named like a secret; twice is harmless.

    `os.environ` hands every change to `os.putenv`, which is wrapped; it takes it in only afterwards.
    """
    original: Any = getattr(os.putenv, _MARK, os.putenv)

    def putenv(name: Any, value: Any) -> None:
        original(name, value)
        found = secret_variable(name, value)
        if found:
            changed(found)

    setattr(putenv, _MARK, original)
    putenv.__doc__ = original.__doc__
    os.putenv = putenv


def leave_environment() -> None:
    """Take the wrapper off again."""
    os.putenv = getattr(os.putenv, _MARK, os.putenv)


def secret_variable(name: Any, value: Any) -> dict[str, str]:
    """The variable, if there can be a secret in it."""
    try:
        key, text = os.fsdecode(name), os.fsdecode(value)
    except (TypeError, ValueError):
        return {}
    return {key: text} if is_secret_name(key) or "://" in text else {}


def _expected(name: str, known: set[str]) -> str:
    from difflib import get_close_matches  # for those who mistyped

    near = get_close_matches(name, sorted(known - {"*"}), n=3, cutoff=0.5)
    near += [word for word in sorted(known) if word[:3] == name[:3] and word not in near]
    return f"rules such as {', '.join((near or ['email', 'json_web_token', 'option'])[:6])}"
