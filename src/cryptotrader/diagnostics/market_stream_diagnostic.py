"""Diagnose the market streams: every kind delivers what it should, trades come dense, an order book keeps in step.

Run ``python -m cryptotrader.diagnostics.market_stream_diagnostic --help``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from cryptotrader.client import Binance
from cryptotrader.diagnostics.interactive import watch_streams
from cryptotrader.diagnostics.plausibility import require, require_book, require_count, require_range
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Outcome, Test, Trial, elapsed, take, until, within
from cryptotrader.models.base_models import PriceLevel
from cryptotrader.models.control_models import Gap
from cryptotrader.models.market_models import (
    AggregateTradeEvent,
    AveragePriceEvent,
    BlockTradeEvent,
    BookTickerEvent,
    DepthUpdateEvent,
    KlineEvent,
    MiniTickerEvent,
    PartialDepthEvent,
    ReferencePriceEvent,
    TickerEvent,
    TradeEvent,
    WindowTickerEvent,
)
from cryptotrader.protocol.channel import CHANNELS, Channel

QUIET_BY_NATURE = {"block_trade", "reference_price"}
"""Block trades are rare, and not every symbol has a reference price: silence there is told, and is no failure."""
QUIET_SECONDS = 5.0
SLOW_MS = 1000
"""Of streams that tell at this interval or a longer one, a single event is awaited."""
MAX_AGE = 2.0
"""Seconds between an event's time and our clock; an older event is late."""
DENSE_TRADES = 10
BOOK_EVENTS = 10
BOOK_LEVELS: Final = 20


async def _channel(channel: Channel[Any], trial: Trial) -> str | Finding:
    """One kind of stream delivers typed, plausible events."""
    check = CHECKS.get(channel.name)
    require(check is not None, "no check is written for this kind of stream")
    stream = channel.stream("" if channel.many else TEST_SYMBOL, interval="1s", window="1h", levels=5)
    is_quiet = channel.name in QUIET_BY_NATURE
    patience = min(trial.timeout, QUIET_SECONDS) if is_quiet else trial.timeout
    async with Binance(trial.endpoint, **trial.options) as binance:
        events = binance.market.subscribe(stream)
        await events.confirmed(trial.timeout)
        try:
            taken = await take(events, 1 if is_quiet or channel.speed_ms >= SLOW_MS else 3, patience)
        except AssertionError:
            if not is_quiet:
                raise
            return Finding(Outcome.QUIET, f"{stream}: confirmed, and no event within {patience:g} s")
    for event in taken:
        _check_head(channel, event, trial.environment.clock_ns())
    return f"{stream}: {check(taken) if check else ''} ({len(taken)} received)"


def _check_head(channel: Channel[Any], event: Any, now_ns: int) -> None:
    """What all kinds of events have in common."""
    require(type(event) is channel.event, f"{type(event).__name__} instead of {channel.event.__name__}")
    require(
        channel.many or getattr(event, "symbol", TEST_SYMBOL) == TEST_SYMBOL, f"an event of another symbol: {event}"
    )
    stamp = getattr(event, "event_time", None)
    if stamp is not None:
        age = now_ns / 1e9 - stamp / 1000
        require(abs(age) <= MAX_AGE, f"late: the event is {age:.2f} s old by this machine's clock")


# ------------------------------------------------------------------------------------------------ one check per channel


def _trades(events: list[TradeEvent]) -> str:
    require(all(event.price > 0 and event.quantity > 0 for event in events), "a price or quantity is not positive")
    require(all(two.trade_id == one.trade_id + 1 for one, two in pairwise(events)), "trade ids are not dense")
    return f"newest id {events[-1].trade_id} at {events[-1].price}"


def _aggregate_trades(events: list[AggregateTradeEvent]) -> str:
    require(all(event.price > 0 and event.quantity > 0 for event in events), "a price or quantity is not positive")
    for one, two in pairwise(events):
        require(two.aggregate_trade_id == one.aggregate_trade_id + 1, "aggregate ids are not dense")
        require(two.first_trade_id == one.last_trade_id + 1, "the aggregates do not join")
    return f"newest id {events[-1].aggregate_trade_id} at {events[-1].price}"


def _block_trades(events: list[BlockTradeEvent]) -> str:
    require(all(event.price > 0 and event.quantity > 0 for event in events), "a price or quantity is not positive")
    return f"id {events[-1].trade_id}, {events[-1].quantity} at {events[-1].price}"


def _klines(events: list[KlineEvent]) -> str:
    bar = events[-1].kline
    require_range(bar.low, bar.high, bar.open, bar.close)
    require(bar.interval == "1s" and bar.close_time - bar.open_time == 999, "the candle is not of one second")  # noqa: PLR2004 - its milliseconds but one
    return f"{bar.trade_count} trades, close {bar.close}"


def _mini_tickers(events: list[MiniTickerEvent]) -> str:
    ticker = events[-1]
    require_range(ticker.low, ticker.high, ticker.open, ticker.close)
    return f"{ticker.symbol} {ticker.close}"


def _tickers(events: list[TickerEvent | WindowTickerEvent]) -> str:
    ticker = events[-1]
    require_range(ticker.low, ticker.high, ticker.open, ticker.last_price)
    require(ticker.price_change == ticker.last_price - ticker.open, "the price change is not last minus open")
    require_count(ticker.trade_count, ticker.first_trade_id, ticker.last_trade_id)
    return f"{ticker.symbol} {ticker.last_price}, {ticker.trade_count} trades"


def _book_tickers(events: list[BookTickerEvent]) -> str:
    require(all(0 < event.bid_price < event.ask_price for event in events), "bid and ask are crossed")
    require(all(one.update_id < two.update_id for one, two in pairwise(events)), "update ids do not ascend")
    return f"{events[-1].bid_price} / {events[-1].ask_price}"


def _average_prices(events: list[AveragePriceEvent]) -> str:
    require(events[-1].average_price > 0, "the price is not positive")
    return f"{events[-1].average_price} over {events[-1].interval}"


def _reference_prices(events: list[ReferencePriceEvent]) -> str:
    price = events[-1].reference_price
    require(price is None or price > 0, "the price is not positive")
    return f"{price}"


def _partial_depths(events: list[PartialDepthEvent]) -> str:
    for event in events:
        require_book(event.bids, event.asks)
    require(all(one.last_update_id <= two.last_update_id for one, two in pairwise(events)), "update ids go back")
    return f"{events[-1].bids[0].price} / {events[-1].asks[0].price}"


def _depth_updates(events: list[DepthUpdateEvent]) -> str:
    require(all(event.first_update_id <= event.final_update_id for event in events), "an update ends before it begins")
    require(all(two.first_update_id == one.final_update_id + 1 for one, two in pairwise(events)), "updates are missing")
    changes = sum(len(event.raw_bids) + len(event.raw_asks) for event in events)
    return f"{changes} changes up to update {events[-1].final_update_id}"


CHECKS: dict[str, Callable[[list[Any]], str]] = {
    "reference_price": _reference_prices,
    "aggregate_trade": _aggregate_trades,
    "trade": _trades,
    "block_trade": _block_trades,
    "kline": _klines,
    "kline_time_zone": _klines,
    "mini_ticker": _mini_tickers,
    "all_mini_tickers": _mini_tickers,
    "ticker": _tickers,
    "window_ticker": _tickers,
    "all_window_tickers": _tickers,
    "book_ticker": _book_tickers,
    "average_price": _average_prices,
    "partial_depth": _partial_depths,
    "partial_depth_100ms": _partial_depths,
    "depth": _depth_updates,
    "depth_100ms": _depth_updates,
}


# ------------------------------------------------------------------------------------------- what the library adds


async def dense_trades(trial: Trial) -> str | Finding:
    """Trades come dense by id, whatever the stream does to them."""
    received: list[int] = []
    ids: list[int] = []
    async with Binance(trial.endpoint, **trial.options) as binance:
        binance.market.trades(TEST_SYMBOL, heal=False, callback=lambda event, _: received.append(event.trade_id))
        trades = binance.market.trades(TEST_SYMBOL, control=True)
        while len(ids) < DENSE_TRADES:
            (event,) = await take(trades, 1, trial.timeout)
            require(not isinstance(event, Gap), f"trades could not be fetched: {event}")
            if isinstance(event, TradeEvent):
                ids.append(event.trade_id)
    require(all(two == one + 1 for one, two in pairwise(ids)), "trade ids are not dense")
    shown = f"{len(ids)} trades from id {ids[0]} on"
    came = [number for number in received if ids[0] <= number <= ids[-1]]
    if came == ids:
        return shown
    missing, twice = len(set(ids) - set(came)), len(came) - len(set(came))
    late = sum(one > two for one, two in pairwise(came))
    return Finding(Outcome.HEALED, f"{shown}; not received: {missing}, received twice: {twice}, out of order: {late}")


async def order_book(trial: Trial) -> str:
    """An order book comes in step, and agrees level by level with what the exchange tells of its best levels."""
    kept: dict[int | None, tuple[list[PriceLevel], list[PriceLevel]]] = {}
    told: dict[int, PartialDepthEvent] = {}
    async with Binance(trial.endpoint, **trial.options) as binance:
        started = elapsed()
        book = await within(trial.timeout, "book in step", binance.market.order_book(TEST_SYMBOL))
        seconds = elapsed() - started

        def keep(*_: object) -> None:  # called after the book's own callback, so the book is at this update
            kept[book.update_id] = book.levels(BOOK_LEVELS)

        def tell(event: PartialDepthEvent, _: int) -> None:
            told[event.last_update_id] = event

        binance.market.partial_depth(BOOK_LEVELS, TEST_SYMBOL, callback=tell)
        binance.market.depth(TEST_SYMBOL, callback=keep)
        await until(lambda: len(kept) >= BOOK_EVENTS, trial.timeout, f"{BOOK_EVENTS} changes of the book")
        await until(lambda: book.is_synchronised, trial.timeout, "book in step")
        await book.close()
    compared = [number for number in told if kept.get(number, ([], []))[0]]
    for number in compared:
        require((told[number].bids, told[number].asks) == kept[number], f"the book is wrong at update {number}")
    for bids, asks in kept.values():
        if bids and asks:
            require_book(bids, asks)
    return f"in step after {seconds:.2f} s; {len(kept)} changes, {BOOK_LEVELS} levels compared {len(compared)} times"


def _tests() -> dict[str, Test]:
    """One test for each kind of stream the library knows, and those of what it builds on them."""
    tests: dict[str, Test] = {channel.name: functools.partial(_channel, channel) for channel in CHANNELS}
    return tests | {"dense_trades": dense_trades, "order_book": order_book}


SCRIPT = Script(feature="Binance market streams", tests=_tests(), session=watch_streams)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))
