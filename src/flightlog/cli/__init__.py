"""One command, one file, a few lines over the library; only the render room below knows the terminal."""

from flightlog.cli.main import main

__all__ = ["main"]
