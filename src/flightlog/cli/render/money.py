"""How money is written: short in a table, exact in JSON, and never 0 for what is unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from msgspec import Raw

from flightlog.analysis.spending import Spending
from flightlog.cli.render.terminal import Terminal
from flightlog.pricing.charge import Charge
from flightlog.pricing.rates import PICO

UNKNOWN: Final = "?"

_CENT: Final = PICO // 100


def dollars(pico_usd: int) -> str:
    """`$1,234.57` from 100 dollars on, `$0.0123` from a cent on, else three digits that count: `$0.000218`."""
    if not pico_usd:
        return "$0"
    amount = Decimal(pico_usd) / PICO
    if pico_usd >= 100 * PICO:
        return f"${amount:,.2f}"
    if pico_usd >= _CENT:
        return f"${amount:.4f}"
    return f"${amount:.{2 - amount.adjusted()}f}".rstrip("0")


def exact(pico_usd: int | None) -> Raw | None:
    """A JSON number with every digit, without an exponent; None for what is unknown."""
    if pico_usd is None:
        return None
    whole, part = divmod(pico_usd, PICO)
    return Raw(f"{whole}.{part:012}".rstrip("0").rstrip(".").encode())


def charged(charge: Charge, terminal: Terminal) -> str:
    """What one call costs, `≥ $0.01` where a part of it is unknown, `?` where all is."""
    if charge.pico_usd is None:
        return UNKNOWN
    return dollars(charge.pico_usd) if charge.is_whole else _at_least(charge.pico_usd, terminal)


def spent(row: Spending, terminal: Terminal) -> str:
    """What calls cost; `≥ $0.01` where some of them are unknown, `?` where all are."""
    known = row.known_pico_usd
    if known is None:
        return UNKNOWN
    return dollars(known) if row.is_whole else _at_least(known, terminal)


def told(row: Spending, terminal: Terminal) -> str:
    """The same in a line of other facts, where `?` alone would say nothing."""
    return "cost unknown" if row.known_pico_usd is None else spent(row, terminal)


def explained(charge: Charge, terminal: Terminal) -> str:
    """What one call costs, how that is known, or why it is not."""
    parts = ["unknown" if charge.pico_usd is None else charged(charge, terminal)]
    if charge.doubt:
        parts.append(f"({charge.doubt})")
    if charge.basis == "reported":
        parts.append("reported with it")
        if charge.computed_pico_usd is not None:
            parts.append(f"({dollars(charge.computed_pico_usd)} by its price)")
    if charge.entry:
        entry = charge.entry
        parts.append(
            f"· {entry.provider} {entry.model}, {entry.source}"
            if terminal.unicode
            else f"- {entry.provider} {entry.model}, {entry.source}"
        )
    return " ".join(parts)


def of_call(charge: Charge) -> dict[str, Any]:
    """One call's cost as JSON; `usd` is null where nothing is known, and a least where there is a doubt."""
    entry = charge.entry
    return {
        "usd": exact(charge.pico_usd),
        "basis": charge.basis or None,
        "doubt": charge.doubt or None,
        "computed_usd": exact(charge.computed_pico_usd if charge.basis == "reported" else charge.pico_usd),
        "provider": entry.provider if entry else None,
        "model": entry.model if entry else None,
        "source": entry.source if entry else None,
    }


def of_calls(row: Spending) -> dict[str, Any]:
    """What calls cost as JSON; `usd` is null where nothing is known, and a least where calls are unknown."""
    return {
        "usd": exact(row.known_pico_usd),
        "calls": row.calls,
        "unknown_calls": row.unknown_calls,
        "reported_calls": row.reported_calls,
    }


def _at_least(pico_usd: int, terminal: Terminal) -> str:
    return f"{'≥' if terminal.unicode else '>='} {dollars(pico_usd)}"
