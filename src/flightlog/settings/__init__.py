"""Everything that can be set, in one list, and how layers of values are laid over each other; it only reads values.

Code wins over the environment, the environment over the project's file (`flightlog.toml`, or
`[tool.flightlog]` in `pyproject.toml`), that over the user's file, that over the default. This room reads
neither files nor the environment: the layers are given to it (`configure.py` collects them), so a test can
give its own. `flightlog doctor` prints every value with where it came from.
"""

from flightlog.settings.privacy import Withheld, modes
from flightlog.settings.resolving import Layer, Settings, environment_layers, refuse, resolve
from flightlog.settings.sinks import SINK_EXAMPLES, SINK_OPTIONS, STORE, Chosen, SinkWord, sink_word
from flightlog.settings.table import BY_NAME, SETTINGS, Setting
from flightlog.settings.values import GIB, KIB, MIB, limits

__all__ = [
    "BY_NAME",
    "GIB",
    "KIB",
    "MIB",
    "SETTINGS",
    "SINK_EXAMPLES",
    "SINK_OPTIONS",
    "STORE",
    "Chosen",
    "Layer",
    "Setting",
    "Settings",
    "SinkWord",
    "Withheld",
    "environment_layers",
    "limits",
    "modes",
    "refuse",
    "resolve",
    "sink_word",
]
