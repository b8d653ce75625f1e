"""Reads the layers of settings from where they stand: the environment, the project's file and the user's."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flightlog.settings import Layer, Settings, environment_layers, resolve

PROJECT_FILE: Final = "flightlog.toml"
"""A project's own settings; `[tool.flightlog]` in `pyproject.toml` serves as well."""


def load_settings(code: Mapping[str, object] | None = None) -> Settings:
    """Resolve the settings of this process: code over environment over project file over user file.

    Raises:
        BadSetting: a value does not fit, or a file names a setting that does not exist.
    """
    layers = [Layer("code", code)] if code else []
    return resolve([*layers, *environment_layers(os.environ), *_file_layers()])


def _file_layers() -> list[Layer]:
    layers = []
    for directory in _upwards():
        if (file := directory / PROJECT_FILE).is_file():
            layers.append(Layer(str(file), _toml(file)))
            break
        if (file := directory / "pyproject.toml").is_file():
            table = _toml(file).get("tool", {})
            layers.append(Layer(str(file), table.get("flightlog", {}) if isinstance(table, dict) else {}))
            break
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - "~" may not resolve
    if (file := Path(base) / "flightlog" / "config.toml").is_file():
        layers.append(Layer(str(file), _toml(file)))
    return layers


def _upwards() -> list[Path]:
    try:
        here = Path.cwd()
    except OSError:
        return []
    return [here, *here.parents]


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError):
        return {}
