"""Between the stream and a sink: rows wait in memory until the next commit, which runs on the sink's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptotrader.config import get_logger
from cryptotrader.errors import ConsumerTooSlow
from cryptotrader.ingestion.config import CaptureConfig
from cryptotrader.ingestion.ledger import Absence, Ledger
from cryptotrader.ingestion.symbols import ParsedSymbol
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.market_models import TradeEvent

logger = get_logger(__name__)


@dataclass
class DeadLetter:
    """A trade that was rejected, and why."""

    event: TradeEvent
    received_ns: int
    why: str


@dataclass
class Batch:
    """What one commit stores.

    Attributes:
        streamed: Trades as they came, with ``streamed_ns``, their receive times.
        backfilled: Trades fetched later, with ``backfilled_ns``.
        rejected: Trades that cannot be true.
        absent: Evidence for ids that the source does not have, by symbol.
    """

    streamed: list[TradeEvent] = field(default_factory=list)
    streamed_ns: list[int] = field(default_factory=list)
    backfilled: list[TradeEvent] = field(default_factory=list)
    backfilled_ns: list[int] = field(default_factory=list)
    rejected: list[DeadLetter] = field(default_factory=list)
    absent: list[tuple[str, Absence]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows it stores."""
        return len(self.streamed) + len(self.backfilled)

    @property
    def trades(self) -> int:
        """How many trades it holds, those that were rejected included."""
        return len(self.streamed) + len(self.backfilled) + len(self.rejected)

    def __bool__(self) -> bool:
        return bool(self.rows or self.rejected or self.absent)

    def enter(self, ledger: Ledger) -> None:
        """Write down in a ledger what this batch stores and what it found out."""
        for event in self.streamed:
            ledger.of(event.symbol).stream.add(event.trade_id)
        for newest in {event.symbol: event for event in self.streamed}.values():
            ledger.of(newest.symbol).newest = newest.trade_id, to_micros(newest.trade_time)
        for event in self.backfilled:
            ledger.of(event.symbol).backfill.add(event.trade_id)
        for letter in self.rejected:
            ledger.of(letter.event.symbol).rejected.add(letter.event.trade_id)
        for symbol, absence in self.absent:
            ledger.of(symbol).absent.append(absence)


class Sink(Protocol):
    """Where batches go. All calls come from one thread."""

    name: str

    def open(self) -> Ledger:
        """Take hold of the place and return the ledger that it holds.

        Raises:
            SinkLocked: Another process writes there.
            SinkFailed: The place cannot be used.
        """

    def write(self, batch: Batch, ledger: Ledger, pairs: Mapping[str, ParsedSymbol]) -> None:
        """Store the rows and the ledger in one transaction: afterwards both are there, or neither.

        Raises:
            SinkFailed: Nothing of this batch was stored.
        """

    def close(self) -> None:
        """Let go of the place."""


class Pipeline:
    """Collects rows and commits them when they are due.

    Args:
        sink: Where to.
        pairs: Assets by symbol.
        config: When a commit is due.
    """

    def __init__(self, sink: Sink, pairs: Mapping[str, ParsedSymbol], config: CaptureConfig) -> None:
        self._sink = sink
        self._pairs = pairs
        self._commit_seconds = config.commit_seconds
        self._commit_rows = config.commit_rows
        self._waiting_limit = config.waiting_limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink {sink.name}")
        self._full = asyncio.Event()
        self._in_commit = 0
        self._is_open = False
        self.batch = Batch()
        self.ledger = Ledger()
        self.commits = 0

    @property
    def waiting(self) -> int:
        """Trades in memory, those of a running commit included."""
        return self.batch.trades + self._in_commit

    async def open(self) -> Ledger:
        """Open the sink and learn what it holds; errors as in ``Sink.open``."""
        self.ledger = await self._on_thread(self._sink.open)
        self._is_open = True
        return self.ledger

    def added(self) -> None:
        """Trades were added to ``batch``: commit when there are many.

        Raises:
            ConsumerTooSlow: The sink does not keep up and memory would fill.
        """
        trades = self.batch.trades
        if trades >= self._commit_rows:
            self._full.set()
        if trades + self._in_commit >= self._waiting_limit:
            times = self.batch.streamed_ns
            raise ConsumerTooSlow(times[-1] - times[0] if times else 0, 0)

    async def run(self) -> None:
        """Commit whenever it is due, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._commit_seconds):
                    await self._full.wait()
            except TimeoutError:
                pass  # time itself makes a commit due
            self._full.clear()
            await self.commit()

    async def commit(self) -> None:
        """Store what has been collected; errors as in ``Sink.write``."""
        if not self.batch:
            return
        batch, self.batch = self.batch, Batch()
        self._in_commit = batch.trades
        try:
            await self._on_thread(lambda: self._store(batch))
        finally:
            self._in_commit = 0

    def _store(self, batch: Batch) -> None:
        ledger = self.ledger.copy()
        batch.enter(ledger)
        self._sink.write(batch, ledger, self._pairs)
        self.ledger = ledger  # here, so that both hold even when the caller was cancelled meanwhile
        self.commits += 1

    async def close(self) -> None:
        """Close the sink and end its thread."""
        if self._is_open:
            self._is_open = False
            await self._on_thread(self._sink.close)
        self._thread.shutdown(wait=True)

    async def _on_thread(self, work: Callable[[], Any]) -> Any:
        """Run on the sink's thread, to its end even when the caller is cancelled: a commit must not be cut in two.

        Work that fails meanwhile raises its error, which must not be lost, instead of ``CancelledError``.
        """
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            future.result()
            raise
