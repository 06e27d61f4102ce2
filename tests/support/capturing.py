"""Capture from the exchange in memory on one virtual clock, into a sink that may be slow, fail or hang."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cryptotrader.config import Backoff
from cryptotrader.ingestion import Capture, CaptureConfig, ParsedSymbol
from cryptotrader.ingestion.ledger import Ledger, SymbolLedger
from cryptotrader.ingestion.pipeline import Batch, Sink
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.protocol.continuity import Interval
from cryptotrader.simulator import LocalExchange
from cryptotrader.simulator.venue import VenueTrade
from cryptotrader.transport.base import FrameHandler, FrameTransport
from paired import Dials, machine
from virtual_clock import running_loop

_TRADE_ID = re.compile(rb'"e":"trade".*"t":(\d+),')

QUICK = Backoff(initial=0.05, maximum=0.2, attempts=20)


def at_once(number: int) -> None:
    """Writing takes no time."""


def failing(error: Exception, *writes: int) -> Callable[[int], None]:
    """What lets these writes fail, or all."""

    def fail(number: int) -> None:
        if not writes or number in writes:
            raise error

    return fail


class MemorySink:
    """Keeps what is written.

    Args:
        ledger: What it holds in the beginning.
        opening: Raised instead of opening it.
        before_write: Called on the sink's thread with the number of the write, from 1 on; may wait or raise.

    Attributes:
        ledger: That of the last write.
        batches: What was written.
        writes: How often it was tried.
        opened: How often it was opened.
        closed: How often it was closed.
        threads: Names of the threads that called.
    """

    name = "memory"

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        opening: Exception | None = None,
        before_write: Callable[[int], None] = at_once,
    ) -> None:
        self.ledger = ledger or Ledger()
        self.opening = opening
        self.before_write = before_write
        self.batches: list[Batch] = []
        self.writes = self.opened = self.closed = 0
        self.threads: set[str] = set()

    def open(self) -> Ledger:
        self.threads.add(threading.current_thread().name)
        if self.opening is not None:
            raise self.opening
        self.opened += 1
        return self.ledger.copy()

    def write(self, batch: Batch, ledger: Ledger, pairs: Mapping[str, ParsedSymbol]) -> None:
        self.threads.add(threading.current_thread().name)
        self.writes += 1
        self.before_write(self.writes)
        assert {event.symbol for event in (*batch.streamed, *batch.backfilled)} <= pairs.keys()
        self.batches.append(batch)
        self.ledger = ledger.copy()

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.closed += 1

    @property
    def events(self) -> list[TradeEvent]:
        """All rows."""
        return [event for batch in self.batches for event in (*batch.streamed, *batch.backfilled)]

    @property
    def ids(self) -> list[list[int]]:
        """The streamed ids of each write."""
        return [[event.trade_id for event in batch.streamed] for batch in self.batches]


def numbers(intervals: Sequence[Interval]) -> list[int]:
    """The ids of intervals."""
    return [number for first, last in intervals for number in range(first, last + 1)]


def assert_ledger_tells_the_rows(sink: MemorySink) -> None:
    """What the ledger calls stored is what is stored, each once, and no id is of two kinds."""
    rows = Counter((event.symbol, event.trade_id) for event in sink.events)
    assert [row for row, count in rows.items() if count > 1] == []
    of_kind = {
        "stream": {
            (event.symbol, event.trade_id) for batch in sink.batches for event in batch.streamed
        },
        "backfill": {
            (event.symbol, event.trade_id) for batch in sink.batches for event in batch.backfilled
        },
        "rejected": {
            (letter.event.symbol, letter.event.trade_id) for batch in sink.batches for letter in batch.rejected
        },
    }  # fmt: skip
    for kind in ("stream", "backfill", "rejected"):
        told = {
            (symbol, number)
            for symbol, entry in sink.ledger.symbols.items()
            for number in numbers(list(getattr(entry, kind)))
        }
        assert told == of_kind[kind], kind
    absent = {
        (symbol, number)
        for symbol, entry in sink.ledger.symbols.items()
        for absence in entry.absent
        for number in range(absence.first, absence.last + 1)
    }
    kinds = [*of_kind.values(), absent]
    assert sum(map(len, kinds)) == len(set().union(*kinds))


@dataclass(frozen=True)
class _Receiving:
    """What the client receives: by its own clock, where memory would tell the exchange's, and spoilt when asked to be."""

    handler: FrameHandler
    spoil: Callable[[bytes], bytes]
    clock_ns: Callable[[], int]

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        self.handler.on_frame(self.spoil(payload), self.clock_ns())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.handler, name)


class Market:
    """The exchange in memory, all that it ever traded, and captures from it."""

    def __init__(self, exchange: LocalExchange, seed: int) -> None:
        self.exchange = exchange
        self.dials = Dials(exchange)
        self.environment = machine(self._dial, seed=seed)
        self.made: dict[tuple[str, int], VenueTrade] = {}
        self.spoilt: list[int] = []
        self._to_spoil = 0
        exchange.venue.trade_listeners.append(self._keep)

    async def _dial(
        self, url: str, handler: FrameHandler, *, timeout: float, tls: ssl.SSLContext | None = None
    ) -> FrameTransport:
        receiving = _Receiving(handler, self._spoil, self.environment.clock_ns)
        return await self.dials(url, receiving, timeout=timeout, tls=tls)

    def spoil_trades(self, count: int) -> None:
        """The next trades to arrive cannot be decoded; ``spoilt`` tells their ids."""
        self._to_spoil = count

    def _spoil(self, payload: bytes) -> bytes:
        """A frame as it arrives."""
        trade = _TRADE_ID.search(payload) if self._to_spoil else None
        if trade is None:
            return payload
        self._to_spoil -= 1
        self.spoilt.append(int(trade[1]))
        return payload.replace(b'"p":"', b'"p":"x')

    def _keep(self, trade: VenueTrade) -> None:
        self.made[trade.symbol, trade.id] = trade

    def capture(
        self,
        sink: Sink,
        symbols: Sequence[str] = ("BTCUSDT",),
        *,
        backoff: Backoff = QUICK,
        on_shutdown: Callable[[], None] | None = None,
        **config: float,
    ) -> Capture:
        """A capture that commits every second unless told otherwise."""
        settings = CaptureConfig(**({"commit_seconds": 1.0} | config))
        return Capture(
            self.exchange.endpoint,
            symbols,
            sink,
            config=settings,
            backoff=backoff,
            environment=self.environment,
            on_shutdown=on_shutdown,
        )

    def assert_stored(self, events: Sequence[TradeEvent], ledger: Ledger) -> None:
        """The rows are what was traded from the first to the last known id, but for what the ledger tells.

        Nothing that was traded is called absent.
        """
        told: dict[tuple[str, int], VenueTrade] = {}
        assert ledger.symbols
        for symbol, entry in ledger.symbols.items():
            missing = set(numbers(entry.unresolved())) | set(numbers(list(entry.rejected)))
            assert entry.absent == []
            told |= {
                (symbol, number): self.made[symbol, number] for number in known_range(entry) if number not in missing
            }
        stored = {
            (event.symbol, event.trade_id): (
                event.price * 10**8, event.quantity * 10**8, event.trade_time, event.is_buyer_maker,
            )
            for event in events
        }  # fmt: skip
        assert stored == {
            key: (trade.price, trade.quantity, trade.time_us // 1000, trade.is_buyer_maker)
            for key, trade in told.items()
        }


def known_range(entry: SymbolLedger) -> range:
    """From the lowest to the highest known id."""
    known = entry.known()
    return range(0) if known.first is None or known.last is None else range(known.first, known.last + 1)


@asynccontextmanager
async def market(*symbols: str, rate: float = 50.0, seed: int = 1, clock_ahead: float = 0.0) -> AsyncIterator[Market]:
    """A running exchange in memory; its clock may be ahead of the client's, in seconds."""
    loop = running_loop()
    exchange = LocalExchange(
        symbols or ("BTCUSDT",),
        port=None,
        rate=rate,
        seed=seed,
        clock=lambda: loop.wall_us() + round(clock_ahead * 1e6),
    )
    async with exchange:
        yield Market(exchange, seed)


async def run_for(
    capture: Capture, seconds: float, *, during: Sequence[tuple[float, Callable[[], object]]] = ()
) -> Ledger:
    """Run until so many seconds after live trades began to come; each of ``during`` is a delay and what to do then."""
    stop = asyncio.Event()
    loop = running_loop()

    def ready() -> None:
        loop.call_later(seconds, stop.set)
        for delay, work in during:
            loop.call_later(delay, work)

    return await capture.run(stop, on_ready=ready)


async def outcome(work: Awaitable[object]) -> object:
    """What it returns or raises."""
    return (await asyncio.gather(work, return_exceptions=True))[0]
