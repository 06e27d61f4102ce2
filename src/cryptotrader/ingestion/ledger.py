"""What is known of every trade id: stored, rejected, absent at the source, or unresolved.

The ledger works on intervals of ids and never on a highest id: data stored beyond an open hole must not hide it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from cryptotrader.errors import IngestionError
from cryptotrader.protocol.continuity import IdIntervals, Interval

FORMAT = 1


class Absence(msgspec.Struct, frozen=True):
    """Evidence that ids do not exist at the source.

    Attributes:
        first: First absent id.
        last: Last absent id.
        request: What was asked.
        next_id: The id that the answer went on with instead.
        checked_us: When it was asked last, in microseconds of Unix time.
    """

    first: int
    last: int
    request: str
    next_id: int
    checked_us: int


@dataclass
class SymbolLedger:
    """The ids of one symbol.

    Attributes:
        stream: Stored as they came.
        backfill: Stored from past trades.
        rejected: Not stored: they cannot be true and are among the dead letters.
        absent: Evidence for ids that the source does not have.
        newest: Id and time, in microseconds, of the newest live trade: how a new numbering is told from doubles.
    """

    stream: IdIntervals = field(default_factory=IdIntervals)
    backfill: IdIntervals = field(default_factory=IdIntervals)
    rejected: IdIntervals = field(default_factory=IdIntervals)
    absent: list[Absence] = field(default_factory=list)
    newest: tuple[int, int] | None = None

    def known(self) -> IdIntervals:
        """All ids that need no more care."""
        ids = IdIntervals(self.stream)
        ids.update(self.backfill)
        ids.update(self.rejected)
        for absence in self.absent:
            ids.add_range(absence.first, absence.last)
        return ids

    def stored(self) -> IdIntervals:
        """All ids that are stored."""
        ids = IdIntervals(self.stream)
        ids.update(self.backfill)
        return ids

    def unresolved(self) -> list[Interval]:
        """Holes between the lowest and the highest known id."""
        return self.known().holes()


class Ledger:
    """The ledger of a table, by symbol."""

    def __init__(self) -> None:
        self.symbols: dict[str, SymbolLedger] = {}

    def of(self, symbol: str) -> SymbolLedger:
        """The ledger of a symbol, made when it is new."""
        return self.symbols.setdefault(symbol, SymbolLedger())

    def to_json(self) -> str:
        """The ledger as one line of compact JSON, the same for the same content."""
        return msgspec.json.encode(
            {
                "format": FORMAT,
                "symbols": {
                    name: {
                        "stream": list(entry.stream),
                        "backfill": list(entry.backfill),
                        "rejected": list(entry.rejected),
                        "absent": entry.absent,
                        "newest": entry.newest,
                    }
                    for name, entry in sorted(self.symbols.items())
                },
            }
        ).decode()

    @classmethod
    def from_json(cls, text: str) -> Ledger:
        """Read what ``to_json`` wrote.

        Raises:
            IngestionError: It is not a ledger, or one of a later format.
        """
        try:
            content = msgspec.json.decode(text, type=_Content)
        except msgspec.MsgspecError as error:
            raise IngestionError(f"the ledger cannot be read: {error}") from error
        if content.format != FORMAT:
            raise IngestionError(f"the ledger has format {content.format}; this version reads {FORMAT}")
        ledger = cls()
        for name, entry in content.symbols.items():
            ledger.symbols[name] = SymbolLedger(
                IdIntervals(entry.stream),
                IdIntervals(entry.backfill),
                IdIntervals(entry.rejected),
                entry.absent,
                entry.newest,
            )
        return ledger

    def copy(self) -> Ledger:
        """An independent copy."""
        return Ledger.from_json(self.to_json())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ledger) and self.to_json() == other.to_json()

    __hash__: Any = None  # mutable


class _Entry(msgspec.Struct):
    stream: list[Interval]
    backfill: list[Interval]
    rejected: list[Interval]
    absent: list[Absence]
    newest: tuple[int, int] | None


class _Content(msgspec.Struct):
    format: int
    symbols: dict[str, _Entry]
