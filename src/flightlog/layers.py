"""Reads the layers of settings from where they stand: the environment, the project's file and the user's."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from flightlog.records.errors import BadSetting
from flightlog.settings import Layer, Settings, environment_layers, refuse, resolve

PROJECT_FILE: Final = "flightlog.toml"
"""A project's own settings; `[tool.flightlog]` in `pyproject.toml` serves as well."""


def load_settings(
    code: Mapping[str, object] | None = None,
    on_error: Callable[[BadSetting], None] = refuse,
) -> Settings:
    """Resolve the settings of this process: code over environment over project file over user file.

    Args:
        code: settings from code.
        on_error: told of a value or a file that cannot be used, which then counts as not there.

    Raises:
        BadSetting: unless `on_error` does otherwise.
    """
    layers = [Layer("code", code)] if code else []
    return resolve([*layers, *environment_layers(os.environ), *_file_layers(on_error)], on_error)


def _file_layers(on_error: Callable[[BadSetting], None]) -> list[Layer]:
    layers = []
    for directory in _upwards():
        if (file := directory / PROJECT_FILE).is_file():
            layers.append(Layer(str(file), _toml(file, on_error)))
            break
        if (file := directory / "pyproject.toml").is_file():
            table = _toml(file, lambda _: None).get(
                "tool", {}
            )  # whoever else reads it will say what is wrong
            layers.append(Layer(str(file), table.get("flightlog", {}) if isinstance(table, dict) else {}))
            break
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - "~" may not resolve
    if (file := Path(base) / "flightlog" / "config.toml").is_file():
        layers.append(Layer(str(file), _toml(file, on_error)))
    return layers


def _upwards() -> list[Path]:
    try:
        here = Path.cwd()
    except OSError:
        return []
    return [here, *here.parents]


def _toml(file: Path, on_error: Callable[[BadSetting], None]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        on_error(BadSetting("file", file.name, str(file), f"a readable TOML file ({error})"))
        return {}
