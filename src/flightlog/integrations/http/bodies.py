"""Bodies that a program reads, or does not, after its library gave it the answer: the request ends when they do.

A call that waits for its body is kept by the object that stands for the answer, under a name of ours. Methods of that
object's class tell when the body was read, closed or given back; where a program drops the answer, the call ends with
it. So no request stays open for longer than its answer is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from flightlog.integrations.http.call import Call
from flightlog.integrations.http.methods import Replaced, Switch

_KEPT: Final = "_flightlog_call"

Ending = tuple[str, Callable[[Any], BaseException | None]]
"""A method of an answer, and what tells, when it is called, what broke the body."""


class Kept:
    """A call whose answer is with the program."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def over(self, error: BaseException | None = None, size: int | None = None) -> None:
        """The body is over, or is wanted no longer; the second time does nothing."""
        self._call.step(self._call.end, error, size)

    def __del__(self) -> None:
        self.over()


class Bodies:
    """The class of one library's answers, with its methods replaced as long as somebody needs it."""

    def __init__(self, endings: Iterable[Ending], size: Callable[[Any], int | None]) -> None:
        """Know how an answer ends.

        Args:
            endings: methods that end it.
            size: gives how many bytes of an answer's body came over the wire; None where that is not known.
        """
        self._endings = tuple(endings)
        self._size = size
        self._users: set[Any] = set()
        self._replaced: Replaced | None = None

    def use(self, kind: type, user: object) -> None:
        """Watch this class; `user` is whoever asks, and can be a name.

        Raises:
            Unfit: it has other methods.
        """
        if self._replaced is None or not self._replaced.fits(kind):
            self._leave()
            self._replaced = Replaced((kind, name, self._maker(broken)) for name, broken in self._endings)
        self._users.add(user)

    def drop(self, user: object) -> None:
        """Leave the class as it was, if nobody needs it any longer."""
        self._users.discard(user)
        if not self._users:
            self._leave()

    def keep(self, call: Call, answer: Any) -> Kept:
        """Let the call end with this answer's body."""
        kept = vars(answer)[_KEPT] = Kept(call)
        return kept

    def _leave(self) -> None:
        if self._replaced is not None:
            self._replaced.restore()
            self._replaced = None

    def _maker(self, broken: Callable[[Any], BaseException | None]) -> Callable[[Any, Switch], Any]:
        def make(original: Any, _: Switch) -> Any:
            def ending(answer: Any, *args: Any, **kwargs: Any) -> Any:
                kept = vars(answer).pop(_KEPT, None)
                if kept is None:
                    return original(answer, *args, **kwargs)
                error = _asked(broken, answer)
                try:
                    return original(answer, *args, **kwargs)
                finally:
                    kept.over(error, _asked(self._size, answer))

            return ending

        return make


def _asked(question: Callable[..., Any], answer: Any) -> Any:
    try:
        return question(answer)
    except Exception:  # noqa: BLE001 - the border: an answer that is none of the usual ones says nothing
        return None
