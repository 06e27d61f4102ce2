"""Capture: live trades into a sink, holes filled beside them, and a ledger that says what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cryptotrader.base_operations import ApiConnection, Environment, api_connection
from cryptotrader.config import Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.errors import ConfigurationError, DecodeFailed, IngestionError
from cryptotrader.ingestion.backfill import Backfill
from cryptotrader.ingestion.config import CaptureConfig
from cryptotrader.ingestion.ledger import Absence, Ledger, SymbolLedger
from cryptotrader.ingestion.pipeline import DeadLetter, Pipeline, Sink
from cryptotrader.ingestion.symbols import ParsedSymbol
from cryptotrader.ingestion.trade_v2 import problem_of
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.control_models import Reconnected, ServerShutdown
from cryptotrader.models.market_models import Trade, TradeEvent
from cryptotrader.protocol.channel import TRADE
from cryptotrader.requests import TradesHistoricalRequest
from cryptotrader.symbol_lookup import look_up_symbols

logger = get_logger(__name__)


@dataclass(frozen=True)
class SymbolProgress:
    """Where one symbol stands.

    Attributes:
        last_price: Of the newest live trade; ``None`` before the first.
        trades: Live trades of this run.
        backfilled: Trades of this run that were fetched.
        rejected: Trades of this run that cannot be true.
        missing: Ids that are missing at the moment.
        lag_ms: From the newest trade to its receipt, by both clocks.
    """

    symbol: str
    last_price: Decimal | None
    trades: int
    backfilled: int
    rejected: int
    missing: int
    lag_ms: float


@dataclass(frozen=True)
class CaptureProgress:
    """Where capture stands."""

    symbols: tuple[SymbolProgress, ...]
    commits: int
    rows_waiting: int
    reconnects: int


class _Feed:
    """One symbol while capture runs."""

    def __init__(self, symbol: str, known: SymbolLedger) -> None:
        self.symbol = symbol
        self.seen = known.known()
        self.newest = known.newest
        self.next_id = None if self.seen.last is None else self.seen.last + 1
        self.last: TradeEvent | None = None
        self.last_ns = 0
        self.trades = self.backfilled = self.rejected = 0

    @property
    def missing(self) -> int:
        """Ids that are missing at the moment."""
        return sum(high - low + 1 for low, high in self.seen.holes())

    def progress(self) -> SymbolProgress:
        """Where the symbol stands."""
        last = self.last
        return SymbolProgress(
            symbol=self.symbol,
            last_price=None if last is None else last.price,
            trades=self.trades,
            backfilled=self.backfilled,
            rejected=self.rejected,
            missing=self.missing,
            lag_ms=0.0 if last is None else self.last_ns / 1e6 - to_micros(last.trade_time) / 1e3,
        )


class Capture:
    """Stores the trades of some symbols, complete by id.

    Args:
        endpoint: Where they come from.
        symbols: Which symbols.
        sink: Where they go.
        config: When to commit, what to reject.
        backoff: Delays between connection attempts.
        environment: Dialer, budgets, randomness and clock.
        on_shutdown: Told when the exchange announces that it goes down.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        symbols: Sequence[str],
        sink: Sink,
        *,
        config: CaptureConfig | None = None,
        backoff: Backoff | None = None,
        environment: Environment | None = None,
        on_shutdown: Callable[[], None] | None = None,
    ) -> None:
        if not symbols:
            raise ConfigurationError("give at least one symbol")
        self._endpoint = endpoint
        self._symbols = list(dict.fromkeys(symbol.upper() for symbol in symbols))
        self._config = config or CaptureConfig()
        self._backoff = backoff or Backoff(attempts=10)
        self._environment = environment or Environment()
        self._sink = sink
        self._on_shutdown = on_shutdown
        self._feeds: dict[str, _Feed] = {}
        self._backfills: dict[str, Backfill] = {}
        self._pipeline: Pipeline | None = None
        self._failed: asyncio.Future[None] | None = None
        self._reconnects = 0

    # ------------------------------------------------------------------------------------------------ running

    async def run(self, stop: asyncio.Event, *, on_ready: Callable[[], None] | None = None) -> Ledger:
        """Capture until ``stop`` is set; then fill open holes, commit, and return the ledger.

        Args:
            stop: Ends the capture.
            on_ready: Called once when live trades are coming.

        Raises:
            UnknownSymbol: The exchange does not trade a symbol; nothing was stored.
            SinkLocked: Another process writes to the sink.
            SinkFailed: A commit failed; what was committed before stands.
            ConnectFailed: The exchange cannot be reached any more; what had come was committed.
            IngestionError: The exchange began its ids anew; what had come was committed.
        """
        found = await look_up_symbols(self._endpoint, self._symbols, environment=self._environment)
        pairs = {name: ParsedSymbol(info.base_asset, info.quote_asset) for name, info in found.items()}
        self._pipeline = Pipeline(self._sink, pairs, self._config)
        api = api_connection(self._endpoint, backoff=self._backoff, environment=self._environment)
        try:
            ledger = await self._pipeline.open()
            for symbol in self._symbols:
                self._feeds[symbol] = _Feed(symbol, ledger.symbols.get(symbol, SymbolLedger()))
                self._backfills[symbol] = self._backfill(self._feeds[symbol], api)
            await self._capture(self._pipeline, api, stop, on_ready)
        finally:
            await self._stop_filling()
            await api.close()
            await self._pipeline.close()
        return self._pipeline.ledger

    async def _capture(
        self, pipeline: Pipeline, api: ApiConnection, stop: asyncio.Event, on_ready: Callable[[], None] | None
    ) -> None:
        market = MarketStream(
            self._endpoint,
            backoff=self._backoff,
            timeouts=Timeouts(silence=self._config.silence_seconds),
            api=api,
            environment=self._environment,
        )
        committing = asyncio.ensure_future(pipeline.run())
        failed = self._failed = asyncio.get_running_loop().create_future()
        try:
            subscription = market.subscribe(
                *(TRADE.stream(symbol) for symbol in self._symbols),
                callback=self._on_trade,
                on_control=self._on_control,
                on_error=self._on_error,
            )
            watched = (committing, failed)
            await _first(subscription.confirmed(timeout=None), stop.wait(), market.wait_closed(), watched=watched)
            if on_ready is not None and not stop.is_set():
                on_ready()
            for backfill in self._backfills.values():
                backfill.wake()
            await _first(stop.wait(), market.wait_closed(), watched=watched)
            await market.close()
            await _first(self._drain(), watched=watched)
        finally:
            await market.close()
            await self._stop_filling()
            if not failed.cancel():
                failed.exception()  # it was raised, or another error was
            committing.cancel()
            await asyncio.wait([committing])
            if committing.cancelled():
                await pipeline.commit()
            else:
                committing.result()  # the sink has failed, and would again

    async def _drain(self) -> None:
        """Give open holes some time to be filled; what stays open stays in the ledger as unresolved."""
        filling = [asyncio.ensure_future(backfill.wait_idle()) for backfill in self._backfills.values()]
        try:
            await asyncio.wait(filling, timeout=self._config.drain_seconds)
        finally:
            await self._stop_filling()
            await asyncio.gather(*filling, return_exceptions=True)
        for feed in self._feeds.values():
            if missing := feed.missing:
                why = self._backfills[feed.symbol].last_error or "not enough answers"
                logger.warning("%s: %d trades stay unresolved (%s)", feed.symbol, missing, why)

    async def _stop_filling(self) -> None:
        await asyncio.gather(*(backfill.close() for backfill in self._backfills.values()))

    def _backfill(self, feed: _Feed, api: ApiConnection) -> Backfill:
        async def fetch(symbol: str, first: int, count: int) -> list[Trade]:
            return await api.call(TradesHistoricalRequest(symbol=symbol, from_id=first, limit=count))

        return Backfill(
            feed.symbol,
            feed.seen,
            fetch=fetch,
            store=lambda trade: self._on_past_trade(feed, trade),
            declare_absent=lambda absence: self._on_absence(feed, absence),
            now_us=lambda: self._environment.clock_ns() // 1000,
            on_error=self._on_error,
        )

    def progress(self) -> CaptureProgress:
        """Where capture stands now."""
        pipeline = self._pipeline
        return CaptureProgress(
            symbols=tuple(feed.progress() for feed in self._feeds.values()),
            commits=0 if pipeline is None else pipeline.commits,
            rows_waiting=0 if pipeline is None else pipeline.waiting,
            reconnects=self._reconnects,
        )

    # ------------------------------------------------------------------------------------------------ what comes in

    def _on_trade(self, event: TradeEvent, received_ns: int) -> None:
        feed = self._feeds[event.symbol]
        number = event.trade_id
        is_next = number == feed.next_id or feed.next_id is None
        if not is_next:
            _check_numbering(feed, event)
        if not feed.seen.add(number):
            return  # a double
        if not is_next:
            self._backfills[feed.symbol].wake()
        feed.next_id = number + 1
        feed.last, feed.last_ns = event, received_ns
        feed.trades += 1
        if not self._reject_if_wrong(feed, event, received_ns):
            batch = self._running.batch
            batch.streamed.append(event)
            batch.streamed_ns.append(received_ns)
            self._running.added()

    def _on_past_trade(self, feed: _Feed, trade: Trade) -> None:
        event = TradeEvent(
            event_time=trade.time,
            symbol=feed.symbol,
            trade_id=trade.id,
            price=trade.price,
            quantity=trade.quantity,
            trade_time=trade.time,
            is_buyer_maker=trade.is_buyer_maker,
            is_best_match=trade.is_best_match,
        )
        received_ns = self._environment.clock_ns()
        feed.backfilled += 1
        if not self._reject_if_wrong(feed, event, received_ns):
            self._running.batch.backfilled.append(event)
            self._running.batch.backfilled_ns.append(received_ns)
            self._running.added()

    def _on_absence(self, feed: _Feed, absence: Absence) -> None:
        logger.warning("%s: the exchange has no trades %d-%d", feed.symbol, absence.first, absence.last)
        feed.seen.add_range(absence.first, absence.last)
        self._running.batch.absent.append((feed.symbol, absence))

    def _reject_if_wrong(self, feed: _Feed, event: TradeEvent, received_ns: int) -> bool:
        tolerance = self._config.future_tolerance_seconds
        problem = problem_of(event, to_micros(event.trade_time), received_ns // 1000, tolerance)
        if problem is None:
            return False
        logger.warning("%s trade %d rejected: %s", event.symbol, event.trade_id, problem)
        feed.rejected += 1
        self._running.batch.rejected.append(DeadLetter(event, received_ns, problem))
        self._running.added()
        return True

    def _on_control(self, event: Reconnected | ServerShutdown) -> None:
        if isinstance(event, Reconnected):
            self._reconnects += 1
            logger.info("reconnected after %.3f s (%s)", (event.back_ns - event.lost_ns) / 1e9, event.reason)
        elif self._on_shutdown is not None:
            self._on_shutdown()

    def _on_error(self, error: Exception) -> None:
        if isinstance(error, DecodeFailed):
            logger.warning("%s", error)  # the id that it carried shows as a hole and is fetched
        elif self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    @property
    def _running(self) -> Pipeline:
        if self._pipeline is None:
            raise RuntimeError("capture is not running")
        return self._pipeline


def _check_numbering(feed: _Feed, event: TradeEvent) -> None:
    """A lower id with a later time than the newest trade is no double: the exchange counts anew.

    Raises:
        IngestionError: It does; one table cannot hold two numberings.
    """
    newest = feed.newest if feed.last is None else (feed.last.trade_id, to_micros(feed.last.trade_time))
    if newest is not None and event.trade_id < newest[0] and to_micros(event.trade_time) > newest[1]:
        raise IngestionError(f"{event.symbol}: ids began anew at {event.trade_id} after {newest[0]}; use a new table")


async def _first(*awaitables: Awaitable[Any], watched: tuple[asyncio.Future[Any], ...]) -> None:
    """Wait for the first to end, and raise what it raised; the watched ones are not cancelled afterwards."""
    own = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait([*own, *watched], return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            future.result()
    finally:
        for future in own:
            future.cancel()
        await asyncio.gather(*own, return_exceptions=True)
