"""The market streams as rows: what each is called, what it carries, how it is decoded.

Source: Binance Spot documentation, "WebSocket Streams".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import KlineInterval, Model
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

E = TypeVar("E", bound=Model)

SYMBOL = r"[^\s@!/?&,\"\\]+"
PLACEHOLDERS = {
    "symbol": SYMBOL,
    "interval": "|".join(interval.value for interval in KlineInterval),
    "window": "1h|4h|1d",
    "levels": "5|10|20",
}
"""What may stand for each placeholder of a pattern, as a regular expression."""

RETIRED = {"!ticker@arr": "2026-03-26", "!bookTicker": "2022-12-07"}
"""Streams that Binance took out of service, and when."""


class _Combined(msgspec.Struct, Generic[E]):
    data: E


@dataclass(frozen=True)
class Channel(Generic[E]):
    """One kind of stream.

    Attributes:
        name: What the library calls it.
        pattern: The stream's name with placeholders.
        event: What it carries.
        event_type: The ``e`` of its events; empty where they have none.
        many: Whether a frame carries a list of events.
        speed_ms: Update interval in milliseconds; 0 for real time.
        source: Section of Binance's documentation.
        note: What else a user of the stream should know.
        decode: One payload to an event, or to a list of them.
        decode_combined: The same from a frame ``{"stream": …, "data": …}``; the event is its ``data``.
    """

    name: str
    pattern: str
    event: type[E]
    event_type: str = ""
    many: bool = False
    speed_ms: int = 0
    source: str = ""
    note: str = ""
    decode: Callable[[bytes | msgspec.Raw], Any] = field(init=False, repr=False, compare=False)
    decode_combined: Callable[[bytes], Any] = field(init=False, repr=False, compare=False)
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        content: Any = list[self.event] if self.many else self.event  # type: ignore[name-defined]  # a run-time type
        combined: Any = _Combined[content]
        object.__setattr__(self, "decode", msgspec.json.Decoder(content).decode)
        object.__setattr__(self, "decode_combined", msgspec.json.Decoder(combined).decode)
        regex = re.sub(
            r"\\{(\w+)\\}", lambda found: f"(?P<{found[1]}>{PLACEHOLDERS[found[1]]})", re.escape(self.pattern)
        )
        object.__setattr__(self, "_regex", re.compile(regex))

    def stream(self, symbol: str = "", **values: str | int) -> str:
        """The name of one stream, such as ``btcusdt@kline_1m``.

        Raises:
            RequestInvalid: A value is not one that Binance documents.
        """
        name = self.pattern.format(symbol=symbol.lower(), **values)
        if self._regex.fullmatch(name) is None:
            raise RequestInvalid(f"{name!r} is not a {self.pattern} stream", method="SUBSCRIBE")
        return name

    def match(self, stream: str) -> dict[str, str] | None:
        """The placeholders' values if ``stream`` is of this kind."""
        found = self._regex.fullmatch(stream)
        return None if found is None else found.groupdict()


REFERENCE_PRICE = Channel(
    "reference_price",
    "{symbol}@referencePrice",
    ReferencePriceEvent,
    "referencePrice",
    speed_ms=1000,
    source="Reference Price Streams",
)
AGGREGATE_TRADE = Channel(
    "aggregate_trade", "{symbol}@aggTrade", AggregateTradeEvent, "aggTrade", source="Aggregate Trade Streams"
)
TRADE = Channel("trade", "{symbol}@trade", TradeEvent, "trade", source="Trade Streams")
BLOCK_TRADE = Channel("block_trade", "{symbol}@blockTrade", BlockTradeEvent, "blockTrade", source="Block Trade Streams")
KLINE = Channel(
    "kline",
    "{symbol}@kline_{interval}",
    KlineEvent,
    "kline",
    speed_ms=2000,
    source="Kline/Candlestick Streams for UTC",
    note="Every 1000 ms for the interval 1s.",
)
KLINE_TIME_ZONE = Channel(
    "kline_time_zone",
    "{symbol}@kline_{interval}@+08:00",
    KlineEvent,
    "kline",
    speed_ms=2000,
    source="Kline/Candlestick Streams with timezone offset",
    note="Every 1000 ms for the interval 1s. Candles begin by UTC+8; their times are UTC.",
)
MINI_TICKER = Channel(
    "mini_ticker",
    "{symbol}@miniTicker",
    MiniTickerEvent,
    "24hrMiniTicker",
    speed_ms=1000,
    source="Individual Symbol Mini Ticker Stream",
)
ALL_MINI_TICKERS = Channel(
    "all_mini_tickers",
    "!miniTicker@arr",
    MiniTickerEvent,
    "24hrMiniTicker",
    many=True,
    speed_ms=1000,
    source="All Market Mini Tickers Stream",
    note="Only symbols that changed.",
)
TICKER = Channel(
    "ticker", "{symbol}@ticker", TickerEvent, "24hrTicker", speed_ms=1000, source="Individual Symbol Ticker Streams"
)
WINDOW_TICKER = Channel(
    "window_ticker",
    "{symbol}@ticker_{window}",
    WindowTickerEvent,
    "{window}Ticker",
    speed_ms=1000,
    source="Individual Symbol Rolling Window Statistics Streams",
    note="The window begins on a full minute, so it is up to 59,999 ms longer than its name says.",
)
ALL_WINDOW_TICKERS = Channel(
    "all_window_tickers",
    "!ticker_{window}@arr",
    WindowTickerEvent,
    "{window}Ticker",
    many=True,
    speed_ms=1000,
    source="All Market Rolling Window Statistics Streams",
    note="Only symbols that changed.",
)
BOOK_TICKER = Channel(
    "book_ticker", "{symbol}@bookTicker", BookTickerEvent, source="Individual Symbol Book Ticker Streams"
)
AVERAGE_PRICE = Channel(
    "average_price", "{symbol}@avgPrice", AveragePriceEvent, "avgPrice", speed_ms=1000, source="Average Price"
)
PARTIAL_DEPTH = Channel(
    "partial_depth", "{symbol}@depth{levels}", PartialDepthEvent, speed_ms=1000, source="Partial Book Depth Streams"
)
PARTIAL_DEPTH_100MS = Channel(
    "partial_depth_100ms",
    "{symbol}@depth{levels}@100ms",
    PartialDepthEvent,
    speed_ms=100,
    source="Partial Book Depth Streams",
)
DEPTH = Channel(
    "depth",
    "{symbol}@depth",
    DepthUpdateEvent,
    "depthUpdate",
    speed_ms=1000,
    source="Diff. Depth Stream",
    note="Changes only; an order book needs a snapshot of the method `depth` besides.",
)
DEPTH_100MS = Channel(
    "depth_100ms",
    "{symbol}@depth@100ms",
    DepthUpdateEvent,
    "depthUpdate",
    speed_ms=100,
    source="Diff. Depth Stream",
    note="Changes only; an order book needs a snapshot of the method `depth` besides.",
)

CHANNELS: tuple[Channel[Any], ...] = (
    REFERENCE_PRICE,
    AGGREGATE_TRADE,
    TRADE,
    BLOCK_TRADE,
    KLINE,
    KLINE_TIME_ZONE,
    MINI_TICKER,
    ALL_MINI_TICKERS,
    TICKER,
    WINDOW_TICKER,
    ALL_WINDOW_TICKERS,
    BOOK_TICKER,
    AVERAGE_PRICE,
    PARTIAL_DEPTH,
    PARTIAL_DEPTH_100MS,
    DEPTH,
    DEPTH_100MS,
)


def find_channel(stream: str) -> tuple[Channel[Any], str]:
    """The row of a stream, and the stream's name with its symbol in lower case.

    Raises:
        RequestInvalid: No row matches, or the stream was retired.
    """
    if stream in RETIRED:
        raise RequestInvalid(f"{stream} was retired by Binance on {RETIRED[stream]}", method="SUBSCRIBE")
    symbol, separator, kind = stream.partition("@")
    name = stream if stream.startswith("!") else f"{symbol.lower()}{separator}{kind}"
    for channel in CHANNELS:
        if channel.match(name) is not None:
            return channel, name
    raise RequestInvalid(f"{stream!r} is not a Binance market stream", method="SUBSCRIBE")
