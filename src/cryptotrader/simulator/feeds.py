"""The market streams: from what happens in the venue to payloads, each encoded once however many listen.

A stream costs nothing while nobody listens. Timed streams are due at whole multiples of their interval.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count, islice
from typing import Any

from cryptotrader.config import TimeUnit
from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import KlineInterval
from cryptotrader.protocol import channel
from cryptotrader.protocol.channel import Channel, find_channel
from cryptotrader.simulator import encoding
from cryptotrader.simulator.venue import Exchange, Market, VenueTrade
from cryptotrader.simulator.venue.statistics import (
    DAY,
    HOUR,
    candle,
    candle_start,
    length_us,
    rolling,
)

Listener = Callable[[bytes, bytes], None]
"""Called with the stream's name and a payload."""

SHORTEST_TICK_US = 5_000
"""Time between two ticks while participants trade: what happens meanwhile is told together."""


class Feed(ABC):
    """One stream that somebody listens to."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.listeners: dict[TimeUnit, list[Listener]] = {}

    def send(self, encode: Callable[[TimeUnit], bytes]) -> None:
        """Encode once for each unit that is listened to, and tell."""
        for unit, listeners in self.listeners.items():
            payload = encode(unit)
            for listener in tuple(listeners):
                listener(self._name, payload)

    @abstractmethod
    def start(self) -> None:
        """Begin to observe."""

    @abstractmethod
    def stop(self) -> None:
        """Cease to observe."""


class LiveFeed(Feed):
    """A stream that tells each thing as it happens."""

    def __init__(self, name: str, hooks: list[Any], observe: Callable[[LiveFeed], Callable[..., None]]) -> None:
        super().__init__(name)
        self._hooks = hooks
        self._hook = observe(self)

    def start(self) -> None:
        """Begin to observe."""
        self._hooks.append(self._hook)

    def stop(self) -> None:
        """Cease to observe."""
        self._hooks.remove(self._hook)


class TimedFeed(Feed):
    """A stream that tells at an interval."""

    def __init__(self, name: str, interval_us: int, tell: Callable[[TimedFeed, int], None]) -> None:
        super().__init__(name)
        self.interval_us = interval_us
        self.due = tell

    def start(self) -> None:
        """Nothing is observed between two times."""

    def stop(self) -> None:
        """Nothing is observed between two times."""


class DepthFeed(TimedFeed):
    """Changes of the book since the last time."""

    def __init__(self, name: str, interval_us: int, market: Market) -> None:
        super().__init__(name, interval_us, lambda _, now_us: self._tell(now_us))
        self._book = market.book
        self._symbol = market.listing.symbol
        self._bids: set[int] = set()
        self._asks: set[int] = set()
        self._told = 0

    def start(self) -> None:
        """Collect changes from now on."""
        self._told = self._book.update_id
        self._book.bids.changed.append(self._bids)
        self._book.asks.changed.append(self._asks)

    def stop(self) -> None:
        """Collect no more."""
        for side, changes in ((self._book.bids, self._bids), (self._book.asks, self._asks)):
            side.changed[:] = [known for known in side.changed if known is not changes]

    def _tell(self, now_us: int) -> None:
        book = self._book
        if book.update_id == self._told:
            return
        bids = encoding.levels_text((price, book.bids.quantity(price)) for price in sorted(self._bids, reverse=True))
        asks = encoding.levels_text((price, book.asks.quantity(price)) for price in sorted(self._asks))
        head = f'"s":"{self._symbol}","U":{self._told + 1},"u":{book.update_id},"b":{bids},"a":{asks}}}'
        self.send(lambda unit: f'{{"e":"depthUpdate","E":{encoding.stamp(now_us, unit)},{head}'.encode())
        self._told = book.update_id
        self._bids.clear()
        self._asks.clear()


class Feeds:
    """All streams of an exchange.

    Args:
        exchange: Where things happen.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._feeds: dict[str, Feed] = {}
        self._due: list[tuple[int, int, TimedFeed]] = []
        self._order = count()

    def subscribe(self, stream: str, unit: TimeUnit, listener: Listener) -> None:
        """Send a stream's payloads to a listener; unknown symbols and streams stay silent, as at Binance."""
        feed = self._feeds.get(stream)
        if feed is None:
            feed = self._make(stream)
            if feed is None:
                return
            self._feeds[stream] = feed
            feed.start()
            if isinstance(feed, TimedFeed):
                self._schedule(feed)
        feed.listeners.setdefault(unit, []).append(listener)

    def unsubscribe(self, stream: str, unit: TimeUnit, listener: Listener) -> None:
        """Send no more."""
        feed = self._feeds.get(stream)
        if feed is None or listener not in feed.listeners.get(unit, ()):
            return
        feed.listeners[unit].remove(listener)
        if not feed.listeners[unit]:
            del feed.listeners[unit]
        if not feed.listeners:
            feed.stop()
            del self._feeds[stream]

    def tick(self, now_us: int) -> int:
        """Let time pass until ``now_us`` and send what is due; returns when to be ticked again."""
        while self._due and self._due[0][0] <= now_us:
            due_us, _, feed = heappop(self._due)
            if not feed.listeners:
                continue
            self._exchange.advance(due_us)
            feed.due(feed, due_us)
            self._schedule(feed)
        self._exchange.advance(now_us)
        wanted = self._due[0][0] if self._due else now_us + 1_000_000
        return int(min(wanted, max(self._exchange.next_us, now_us + SHORTEST_TICK_US)))

    def _schedule(self, feed: TimedFeed) -> None:
        due_us = (self._exchange.now_us // feed.interval_us + 1) * feed.interval_us
        heappush(self._due, (due_us, next(self._order), feed))

    def _make(self, stream: str) -> Feed | None:
        try:
            row, name = find_channel(stream)
        except RequestInvalid:
            return None
        values = row.match(name) or {}
        if name != stream:  # symbols are in lower case, as Binance wants them
            return None
        if row in _OF_ALL_SYMBOLS:
            return _OF_ALL_SYMBOLS[row](stream, self._exchange, values)
        market = self._exchange.markets.get(values["symbol"].upper())
        return None if market is None else _OF_ONE_SYMBOL[row](stream, market, values)


# ------------------------------------------------------------------------------------------------ one maker per channel

Values = dict[str, str]


def _trade(stream: str, market: Market, values: Values) -> Feed:
    def observe(feed: LiveFeed) -> Callable[[VenueTrade], None]:
        return lambda trade: feed.send(lambda unit: encoding.trade_event(trade, unit))

    return LiveFeed(stream, market.on_trade, observe)


def _block_trade(stream: str, market: Market, values: Values) -> Feed:
    def observe(feed: LiveFeed) -> Callable[[VenueTrade], None]:
        return lambda trade: feed.send(lambda unit: encoding.block_trade_event(trade, unit))

    return LiveFeed(stream, market.on_block_trade, observe)


def _aggregate_trade(stream: str, market: Market, values: Values) -> Feed:
    def observe(feed: LiveFeed) -> Callable[[Market, int], None]:
        def hook(market: Market, number: int) -> None:
            aggregate = market.log.aggregate(number)
            feed.send(lambda unit: encoding.aggregate_event(market.listing.symbol, aggregate, unit))

        return hook

    return LiveFeed(stream, market.on_aggregate, observe)


def _book_ticker(stream: str, market: Market, values: Values) -> Feed:
    def observe(feed: LiveFeed) -> Callable[[Market], None]:
        told: list[tuple[int, int, int, int]] = [(-1, -1, -1, -1)]

        def hook(market: Market) -> None:
            bids, asks = market.book.bids, market.book.asks
            bid, ask = bids.best or 0, asks.best or 0
            best = (bid, bids.quantity(bid), ask, asks.quantity(ask))
            if best != told[0]:
                told[0] = best
                payload = encoding.book_ticker_event(market)
                feed.send(lambda _: payload)

        return hook

    return LiveFeed(stream, market.on_change, observe)


def _kline(stream: str, market: Market, values: Values, offset: int = 0) -> Feed:
    interval = KlineInterval(values["interval"])
    started = [0]

    def tell(feed: TimedFeed, now_us: int) -> None:
        start = candle_start(interval, now_us, offset)
        starts = [start]
        if started[0] and started[0] != start:  # the last candle has ended since
            starts.insert(0, started[0])
        started[0] = start
        for each in starts:
            shown = candle(market, interval, each, offset)
            feed.send(lambda unit, shown=shown: encoding.candle_event(market, interval, shown, now_us, unit))  # type: ignore[misc]  # bound now

    speed = 1_000_000 if interval is KlineInterval.SECOND_1 else 2_000_000
    return TimedFeed(stream, speed, tell)


def _kline_plus_8(stream: str, market: Market, values: Values) -> Feed:
    return _kline(stream, market, values, offset=8 * HOUR)


def _partial_depth(stream: str, market: Market, values: Values) -> Feed:
    levels = int(values["levels"])

    def tell(feed: TimedFeed, now_us: int) -> None:
        book = market.book
        bids = encoding.levels_text(islice(book.bids, levels))
        asks = encoding.levels_text(islice(book.asks, levels))
        payload = f'{{"lastUpdateId":{book.update_id},"bids":{bids},"asks":{asks}}}'.encode()
        feed.send(lambda _: payload)

    return TimedFeed(stream, 100_000 if stream.endswith("@100ms") else 1_000_000, tell)


def _depth(stream: str, market: Market, values: Values) -> Feed:
    return DepthFeed(stream, 100_000 if stream.endswith("@100ms") else 1_000_000, market)


def _every_second(encode: Callable[[Market, int, TimeUnit, Values], bytes]) -> Callable[[str, Market, Values], Feed]:
    def make(stream: str, market: Market, values: Values) -> Feed:
        return TimedFeed(
            stream, 1_000_000, lambda feed, now_us: feed.send(lambda unit: encode(market, now_us, unit, values))
        )

    return make


def _every_second_of_all(
    encode: Callable[[Market, int, TimeUnit, Values], bytes],
) -> Callable[[str, Exchange, Values], Feed]:
    def make(stream: str, exchange: Exchange, values: Values) -> Feed:
        told = {market.listing.symbol: market.log.next_id for market in exchange.markets.values()}

        def tell(feed: TimedFeed, now_us: int) -> None:
            changed = [m for m in exchange.markets.values() if m.log.next_id != told[m.listing.symbol]]
            for market in changed:
                told[market.listing.symbol] = market.log.next_id
            if changed:
                feed.send(lambda unit: b"[%s]" % b",".join(encode(market, now_us, unit, values) for market in changed))

        return TimedFeed(stream, 1_000_000, tell)

    return make


def _mini(market: Market, now_us: int, unit: TimeUnit, values: Values) -> bytes:
    return encoding.mini_ticker_event(market, rolling(market, now_us, DAY), unit)


def _ticker(market: Market, now_us: int, unit: TimeUnit, values: Values) -> bytes:
    return encoding.ticker_event(market, rolling(market, now_us, DAY), unit)


def _window(market: Market, now_us: int, unit: TimeUnit, values: Values) -> bytes:
    window = values["window"]
    return encoding.window_ticker_event(market, window, rolling(market, now_us, length_us(window)), unit)


def _average(market: Market, now_us: int, unit: TimeUnit, values: Values) -> bytes:
    return encoding.average_price_event(market, now_us, unit)


def _reference(market: Market, now_us: int, unit: TimeUnit, values: Values) -> bytes:
    return encoding.reference_price_event(market, now_us, unit)


_OF_ONE_SYMBOL: dict[Channel[Any], Callable[[str, Market, Values], Feed]] = {
    channel.REFERENCE_PRICE: _every_second(_reference),
    channel.AGGREGATE_TRADE: _aggregate_trade,
    channel.TRADE: _trade,
    channel.BLOCK_TRADE: _block_trade,
    channel.KLINE: _kline,
    channel.KLINE_TIME_ZONE: _kline_plus_8,
    channel.MINI_TICKER: _every_second(_mini),
    channel.TICKER: _every_second(_ticker),
    channel.WINDOW_TICKER: _every_second(_window),
    channel.BOOK_TICKER: _book_ticker,
    channel.AVERAGE_PRICE: _every_second(_average),
    channel.PARTIAL_DEPTH: _partial_depth,
    channel.PARTIAL_DEPTH_100MS: _partial_depth,
    channel.DEPTH: _depth,
    channel.DEPTH_100MS: _depth,
}
_OF_ALL_SYMBOLS: dict[Channel[Any], Callable[[str, Exchange, Values], Feed]] = {
    channel.ALL_MINI_TICKERS: _every_second_of_all(_mini),
    channel.ALL_WINDOW_TICKERS: _every_second_of_all(_window),
}
