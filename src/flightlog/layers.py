"""Reads the layers of settings from where they stand: the environment, the project's file and the user's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from flightlog.records.errors import BadSetting
from flightlog.settings import Layer, Settings, environment_layers, refuse, resolve

PROJECT_FILE: Final = "flightlog.toml"
"""A project's own settings; `[tool.flightlog]` in `pyproject.toml` serves as well."""

_PATHS: Final = ("home", "prices")


def load_settings(
    code: Mapping[str, object] | None = None,
    on_error: Callable[[BadSetting], None] = refuse,
    started_in: str = "",
) -> Settings:
    """Resolve the settings of this process: code over environment over project file over user file.

    Args:
        code: settings from code.
        on_error: told of a value or a file that cannot be used, which then counts as not there.
        started_in: the directory that relative paths in the environment and in files are meant from; empty if
            nobody knows.

    Raises:
        BadSetting: unless `on_error` does otherwise.
    """
    layers = [Layer("code", code)] if code else []
    outside = [*environment_layers(os.environ), *map(_beside, _file_layers(on_error))]
    layers += [Layer(layer.origin, anchored(layer.values, started_in)) for layer in outside]
    return resolve(layers, on_error)


def _beside(layer: Layer) -> Layer:
    """The layer of a file, with a relative path to prices leading from that file, wherever a program starts."""
    prices = layer.values.get("prices")
    if not isinstance(prices, str) or not prices or prices.startswith("~"):
        return layer
    return Layer(layer.origin, {**layer.values, "prices": str(Path(layer.origin).parent / prices)})


def anchored(values: Mapping[str, object], directory: str) -> Mapping[str, object]:
    """Settings whose paths do not depend on where the program goes: those of the home, of prices and of sinks.

    Args:
        values: settings as they were given, usable or not.
        directory: where relative paths are meant from; empty if nobody knows, then they stay as they are.
    """
    sinks = values.get("sinks")
    if not directory or not (sinks or any(values.get(name) for name in _PATHS)):
        return values
    found = dict(values)
    for name in _PATHS:
        path = values.get(name)
        if isinstance(path, str) and path and not path.startswith("~"):
            found[name] = os.path.join(directory, path)  # noqa: PTH118 - the text, as it was given
    words = sinks.split(",") if isinstance(sinks, str) else sinks
    if isinstance(words, list | tuple):
        made = [_anchored_word(one, directory) if isinstance(one, str) else one for one in words]
        found["sinks"] = sinks if made == list(words) else made
    return found


def _anchored_word(word: str, directory: str) -> str:
    kind, _, target = word.strip().partition(":")
    if kind != "jsonl" or target[:1] in {"", "?", "/", "~"} or "?" in directory:
        return word
    return f"{kind}:{os.path.join(directory, target)}"  # noqa: PTH118 - as above


def _file_layers(on_error: Callable[[BadSetting], None]) -> list[Layer]:
    layers = []
    for directory in _upwards():
        if _is_there(file := directory / PROJECT_FILE):
            layers.append(Layer(str(file), _toml(file, on_error)))
            break
        if _is_there(file := directory / "pyproject.toml"):
            table = _toml(file, lambda _: None).get(
                "tool", {}
            )  # whoever else reads it will say what is wrong
            layers.append(Layer(str(file), table.get("flightlog", {}) if isinstance(table, dict) else {}))
            break
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - "~" may not resolve
    if _is_there(file := Path(base) / "flightlog" / "config.toml"):
        layers.append(Layer(str(file), _toml(file, on_error)))
    return layers


def _is_there(file: Path) -> bool:
    """Whether there is such a file. What we may not even look for is another user's: `sudo -u` keeps `HOME`."""
    try:
        return file.is_file()
    except OSError:
        return False


def _upwards() -> list[Path]:
    try:
        here = Path.cwd()
    except OSError:
        return []
    return [here, *here.parents]


def _toml(file: Path, on_error: Callable[[BadSetting], None]) -> dict[str, Any]:
    import tomllib  # where somebody has such a file

    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        on_error(BadSetting("file", file.name, str(file), f"a readable TOML file ({error})"))
        return {}
