# What the compiled core offers; the contracts stand in `scan.c`, `steps.c` and `otlp.c`.

from collections.abc import Callable
from typing import Any, final

@final
class Scanner:
    def __new__(
        cls,
        classes: bytes,
        weights: Any,
        looks: tuple[tuple[bool, bool, bytes], ...],
        opens: bytes,
        blanks: bytes,
        longest: int,
        every: bool,
        wild: str,
    ) -> Scanner: ...
    def may_hold(self, text: str, /) -> bool: ...

@final
class TraceWriter:
    def __new__(cls, step: type, kind: type[str], encode: Callable[[Any], bytes], /) -> TraceWriter: ...
    def write(
        self,
        trace_id: Any,
        conversation_id: Any,
        turn_number: Any,
        metadata: Any,
        steps: list[Any],
        precise: bool,
        /,
    ) -> str | None: ...

def sieve(kind: str, /) -> str: ...
def otlp_span(raw: bytes, /) -> tuple[Any, ...] | None: ...
