"""Proof: the ids that the data files really hold, held against the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cryptotrader.ingestion.iceberg.table import ledger_of, open_table, stored_rows
from cryptotrader.ingestion.ledger import SymbolLedger
from cryptotrader.protocol.continuity import IdIntervals, Interval

ROWS_AT_A_TIME = 262_144


@dataclass(frozen=True)
class SymbolReport:
    """What the table holds of one symbol.

    Attributes:
        symbol: Which one.
        first: Lowest known id.
        last: Highest known id.
        trades: Rows with different ids.
        duplicates: Rows whose id another row has too.
        missing: Ids between first and last that are neither stored, rejected nor absent at the source.
        rejected: Ids among the dead letters.
        absent: Ids that the source does not have, by evidence.
        backfilled: Ids that were fetched as past trades.
        not_in_files: Ids that the ledger says are stored and the files do not hold.
        not_in_ledger: Ids that the files hold and the ledger does not know.
    """

    symbol: str
    first: int
    last: int
    trades: int
    duplicates: int
    missing: tuple[Interval, ...]
    rejected: int
    absent: int
    backfilled: int
    not_in_files: int
    not_in_ledger: int

    @property
    def missing_count(self) -> int:
        """How many ids are missing."""
        return sum(last - first + 1 for first, last in self.missing)

    @property
    def is_complete(self) -> bool:
        """Whether every id has its place and none has two."""
        return not (self.missing or self.duplicates or self.not_in_files or self.not_in_ledger)

    def __str__(self) -> str:
        line = (
            f"{self.symbol} {self.first}–{self.last}: {self.trades} trades, "  # noqa: RUF001 - as ranges are written
            f"{self.missing_count} missing, {self.duplicates} duplicates"
        )
        extra = [
            f"{count} {name}"
            for count, name in (
                (self.rejected, "rejected"),
                (self.absent, "absent at source"),
                (self.not_in_files, "in the ledger but not in the files"),
                (self.not_in_ledger, "in the files but not in the ledger"),
            )
            if count
        ]
        return f"{line} ({', '.join(extra)})" if extra else line


@dataclass(frozen=True)
class VerifyReport:
    """What the table holds."""

    symbols: tuple[SymbolReport, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all symbols are complete."""
        return all(report.is_complete for report in self.symbols)

    @property
    def trades(self) -> int:
        """Trades of all symbols."""
        return sum(report.trades for report in self.symbols)

    @property
    def missing(self) -> int:
        """Missing ids of all symbols."""
        return sum(report.missing_count + report.not_in_files for report in self.symbols)

    @property
    def duplicates(self) -> int:
        """Duplicates of all symbols."""
        return sum(report.duplicates for report in self.symbols)


def verify_table(folder: Path) -> VerifyReport:
    """Read the ids of every data file and hold them against the ledger. Memory does not grow with the table.

    Raises:
        SinkFailed: There is no table, or a file of it cannot be read.
        IngestionError: The ledger cannot be read.
    """
    table = open_table(folder)
    found: dict[str, IdIntervals] = {}
    doubles: dict[str, int] = {}
    for rows in stored_rows(table, ["symbol", "source_sequence"], ROWS_AT_A_TIME):
        for symbol, first, last in _runs(rows):
            new = found.setdefault(symbol, IdIntervals()).add_range(first, last)
            doubles[symbol] = doubles.get(symbol, 0) + last - first + 1 - new
    ledger = ledger_of(table)
    names = sorted(found.keys() | ledger.symbols.keys())
    return VerifyReport(
        tuple(
            _report(
                name, found.get(name, IdIntervals()), doubles.get(name, 0), ledger.symbols.get(name, SymbolLedger())
            )
            for name in names
        )
    )


def _runs(rows: pa.RecordBatch) -> Iterator[tuple[str, int, int]]:
    """Runs of consecutive ids, as symbol, first and last."""
    symbols, ids = rows.column("symbol"), rows.column("source_sequence")
    count = len(ids)
    if count == 0:
        return
    breaks = pc.or_(
        pc.not_equal(pc.subtract(ids.slice(1), ids.slice(0, count - 1)), 1),
        pc.not_equal(symbols.slice(1), symbols.slice(0, count - 1)),
    )
    starts = [0, *(place + 1 for place in pc.indices_nonzero(breaks).to_pylist())]
    ends = [*(start - 1 for start in starts[1:]), count - 1]
    for start, end in zip(starts, ends, strict=True):
        yield symbols[start].as_py(), ids[start].as_py(), ids[end].as_py()


def _report(symbol: str, found: IdIntervals, duplicates: int, ledger: SymbolLedger) -> SymbolReport:
    accounted = IdIntervals(found)
    accounted.update(ledger.known())
    stored = ledger.stored()
    both = IdIntervals(found)
    both.update(stored)
    explained = IdIntervals(found)
    explained.update(ledger.rejected)
    for absence in ledger.absent:
        explained.add_range(absence.first, absence.last)
    first, last = accounted.first or 0, accounted.last or 0
    return SymbolReport(
        symbol=symbol,
        first=first,
        last=last,
        trades=found.count,
        duplicates=duplicates,
        missing=tuple(explained.holes(first, last)) if accounted else (),
        rejected=ledger.rejected.count,
        absent=sum(absence.last - absence.first + 1 for absence in ledger.absent),
        backfilled=ledger.backfill.count,
        not_in_files=both.count - found.count,
        not_in_ledger=both.count - stored.count,
    )
