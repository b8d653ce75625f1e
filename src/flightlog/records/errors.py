"""Every error that Flightlog raises on purpose.

    FlightlogError
    ├── BadQuestion (ValueError)         what was asked makes no sense: an option, an id, a setting
    │   ├── UnknownId (LookupError)      nothing in the store has that id
    │   ├── AmbiguousId (LookupError)    a prefix that fits several ids
    │   ├── NotPaused                    a span that should go on, and does not wait
    │   ├── UnreadableQuestion           a text that is no question in its language; it says where and why
    │   └── BadSetting                   a setting whose value cannot be used
    ├── BadRecord (ValueError)           a line that is not a record
    ├── BadDocument (ValueError)         a document that is not of the format it was read as
    ├── StoreError (RuntimeError)        the store cannot answer
    │   ├── StoreBusy                    another process is writing, and we did not wait longer
    │   ├── StoreUnwritable              nothing can be written there; what it holds may be read
    │   ├── StoreTooNew                  written by a newer Flightlog
    │   └── StoreCorrupt                 not a Flightlog store, or a damaged one
    ├── HomeUnusable (OSError)           the home directory cannot be made or written
    └── MissingExtra (ImportError)       an optional part is not installed

A `BadQuestion` is the asker's to mend and ends a command with exit code 2; the others end it with 1. None of
them ever reaches a traced program: the recorder catches at its own border. `EditorialWarning` is no error but a
warning, for whoever develops a program that narrates.
"""

from __future__ import annotations

from collections.abc import Sequence


class FlightlogError(Exception):
    """The base of every error that is ours."""


class BadQuestion(FlightlogError, ValueError):
    """What was asked cannot be answered as asked."""


class UnknownId(BadQuestion, LookupError):
    """No trace or span has this id."""

    def __init__(self, ref: str, *, what: str = "trace") -> None:
        super().__init__(f"no {what} {ref!r} in this store; `flightlog list` shows the newest")
        self.ref = ref


class AmbiguousId(BadQuestion, LookupError):
    """A prefix fits more than one id."""

    def __init__(self, prefix: str, candidates: Sequence[str], *, what: str = "trace") -> None:
        shown = ", ".join(candidates[:5]) + (", …" if len(candidates) > 5 else "")
        super().__init__(f"{prefix!r} fits several {what}s: {shown}; give more characters")
        self.prefix = prefix
        self.candidates = tuple(candidates)


class NotPaused(BadQuestion):
    """A span cannot be resumed: it has ended, or somebody else resumed it."""

    def __init__(self, name: str, ref: str, status: str) -> None:
        said = "runs, and was resumed already" if status == "running" else f"has ended ({status})"
        super().__init__(f"{name!r} ({ref}) {said}; a span can be resumed once for each time it paused")
        self.ref = ref
        self.status = status


class UnreadableQuestion(BadQuestion):
    """A text is no question in the language of questions."""

    def __init__(self, message: str, question: str, place: int) -> None:
        super().__init__(message)
        self.question = question
        self.place = place
        """Of the first wrong character, from 0."""


class BadSetting(BadQuestion):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, value: object, origin: str, expected: str) -> None:
        super().__init__(f"setting {name} from {origin} is {value!r}; expected {expected}")
        self.name = name


class BadRecord(FlightlogError, ValueError):
    """A line is not a record: not JSON, not an object, or a known type with a field of the wrong shape."""

    def __init__(self, reason: str, line: bytes) -> None:
        super().__init__(f"not a record ({reason}): {line[:80]!r}")
        self.reason = reason


class BadDocument(FlightlogError, ValueError):
    """A document is not of the format it was read as; the message says where."""


class StoreError(FlightlogError, RuntimeError):
    """The store cannot answer."""


class StoreBusy(StoreError):
    """Another process is writing the store, and did not finish while we waited."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is being written by another process; try again")


class StoreUnwritable(StoreError):
    """The store cannot be written: a full disk, a file or file system that is read-only."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be written ({reason})")


class StoreTooNew(StoreError):
    """The store was written by a newer Flightlog than this one."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            f"{path} has schema {found}, this Flightlog knows {known}; upgrade Flightlog to read it",
        )


class StoreCorrupt(StoreError):
    """The file is not a Flightlog store, or is damaged."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read ({reason}); what was indexed is in no other place, so do not delete it: "
            f"move it away to start a new store; `sqlite3 {path} .recover` may salvage it",
        )


class HomeUnusable(FlightlogError, OSError):
    """The home directory cannot be made, or cannot be written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"home {path} cannot be used ({reason}); set FLIGHTLOG_HOME to a writable directory")


class EditorialWarning(UserWarning):
    """A narration could be better to read; the setting `editorial` says whether somebody is told of it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{text} ({rule})")
        self.rule = rule


class MissingExtra(FlightlogError, ImportError):
    """A feature needs a package that is not installed."""

    def __init__(self, extra: str, feature: str, line: str = "") -> None:
        """Say what is missing.

        Args:
            extra: the name of the extra of ours that has it.
            feature: what needs it.
            line: the command that installs it, where no extra of ours does.
        """
        line = line or f'pip install "flightlog[{extra}]"'
        super().__init__(f"{feature} needs an extra part; install it with: {line}")
