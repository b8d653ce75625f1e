"""Put first on PYTHONPATH by `flightlog run`: Python imports this before the program starts.

It takes itself off the path, lets the environment's own `sitecustomize` have its turn, and prepares recording.
Nothing here may disturb the program, so an interpreter without Flightlog goes on without it.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _give_way() -> None:
    """Leave the path, and run the `sitecustomize` that would have been imported without us."""
    here = str(Path(__file__).parent)
    sys.path[:] = [entry for entry in sys.path if entry != here]
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


def _prepare() -> None:
    try:
        from flightlog.booting import boot  # absent in an interpreter that has no Flightlog
    except ImportError:
        return
    boot()


_prepare()
_give_way()
