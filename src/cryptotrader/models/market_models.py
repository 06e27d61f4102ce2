"""Market data: the results of the market requests and the events of the market streams.

Prices and quantities are exact ``Decimal``; timestamps are integers in the connection's unit (milliseconds unless
asked otherwise). Order book levels stay text until read, since most of them are never looked at.

Sources: Binance Spot documentation, "Market data requests" and "WebSocket Streams".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import field

from cryptotrader.models.base_models import Model, OpenEnum, PriceLevel, RateLimit, RawFilter, SymbolInfo

RawLevel = tuple[str, str]
"""Price and quantity as sent."""


def _levels(raw: list[RawLevel]) -> list[PriceLevel]:
    return [PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in raw]


# ---------------------------------------------------------------------------------------------- results of requests


class Empty(Model, frozen=True, kw_only=True):
    """A result without content."""


class ServerTime(Model, frozen=True, kw_only=True, rename="camel"):
    """The exchange's clock."""

    server_time: int


class SorGroup(Model, frozen=True, kw_only=True, rename="camel"):
    """Symbols that smart order routing joins."""

    base_asset: str
    symbols: list[str]


class ExchangeInfo(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Rules, limits and symbols of the exchange."""

    timezone: str
    server_time: int
    rate_limits: list[RateLimit]
    raw_exchange_filters: list[RawFilter] = field(name="exchangeFilters")
    symbols: list[SymbolInfo]
    sors: list[SorGroup] | None = None


class ExecutionRule(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Bounds for the prices at which a taker may trade, as multiples of the reference price."""

    rule_type: str
    bid_limit_mult_up: Decimal | None = None
    bid_limit_mult_down: Decimal | None = None
    ask_limit_mult_up: Decimal | None = None
    ask_limit_mult_down: Decimal | None = None


class SymbolRules(Model, frozen=True, kw_only=True):
    """Execution rules of one symbol."""

    symbol: str
    rules: list[ExecutionRule]


class ExecutionRules(Model, frozen=True, kw_only=True, rename="camel"):
    """Execution rules of the asked symbols."""

    symbol_rules: list[SymbolRules]


class OrderBookSnapshot(Model, frozen=True, kw_only=True):
    """An order book's best levels at one update id; bids descend, asks ascend."""

    last_update_id: int = field(name="lastUpdateId")
    raw_bids: list[RawLevel] = field(name="bids")
    raw_asks: list[RawLevel] = field(name="asks")

    @property
    def bids(self) -> list[PriceLevel]:
        """Bids, best first."""
        return _levels(self.raw_bids)

    @property
    def asks(self) -> list[PriceLevel]:
        """Asks, best first."""
        return _levels(self.raw_asks)


class Trade(Model, frozen=True, kw_only=True, rename="camel", gc=False):
    """One past trade."""

    id: int
    price: Decimal
    quantity: Decimal = field(name="qty")
    quote_quantity: Decimal = field(name="quoteQty")
    time: int
    is_buyer_maker: bool
    is_best_match: bool


class BlockTrade(Model, frozen=True, kw_only=True, rename="camel", gc=False):
    """One past block trade."""

    id: int
    price: Decimal
    quantity: Decimal = field(name="qty")
    quote_quantity: Decimal = field(name="quoteQty")
    time: int
    is_buyer_maker: bool


class AggregateTrade(Model, frozen=True, kw_only=True, gc=False):
    """Trades of one taker order at one price, taken together."""

    id: int = field(name="a")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="q")
    first_trade_id: int = field(name="f")
    last_trade_id: int = field(name="l")
    time: int = field(name="T")
    is_buyer_maker: bool = field(name="m")
    is_best_match: bool = field(name="M")


class Kline(Model, frozen=True, array_like=True, gc=False):
    """One candle; on the wire an array of twelve values."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    close_time: int
    quote_volume: Decimal
    trade_count: int
    taker_buy_volume: Decimal
    taker_buy_quote_volume: Decimal
    unused: str = "0"


class AveragePrice(Model, frozen=True, kw_only=True, rename="camel"):
    """Volume-weighted average price of the last minutes."""

    minutes: int = field(name="mins")
    price: Decimal
    close_time: int


class Ticker(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Price change statistics of a window. With ``type=MINI`` the fields that may be ``None`` are ``None``."""

    symbol: str
    price_change: Decimal | None = None
    price_change_percent: Decimal | None = None
    weighted_avg_price: Decimal | None = None
    open_price: Decimal
    high_price: Decimal
    low_price: Decimal
    last_price: Decimal
    volume: Decimal
    quote_volume: Decimal
    open_time: int
    close_time: int
    first_id: int
    last_id: int
    count: int


class Ticker24hr(Ticker, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Price change statistics of the last 24 hours, with the best prices."""

    prev_close_price: Decimal | None = None
    last_qty: Decimal | None = None
    bid_price: Decimal | None = None
    bid_qty: Decimal | None = None
    ask_price: Decimal | None = None
    ask_qty: Decimal | None = None


class PriceTicker(Model, frozen=True, kw_only=True):
    """Latest price of a symbol."""

    symbol: str
    price: Decimal


class BookTicker(Model, frozen=True, kw_only=True, rename="camel"):
    """Best prices of a symbol."""

    symbol: str
    bid_price: Decimal
    bid_qty: Decimal
    ask_price: Decimal
    ask_qty: Decimal


class ReferencePrice(Model, frozen=True, kw_only=True, rename="camel"):
    """Reference price of a symbol; ``None`` while it has none."""

    symbol: str
    reference_price: Decimal | None
    timestamp: int


class CalculationType(OpenEnum):
    """How a reference price is made."""

    ARITHMETIC_MEAN = "ARITHMETIC_MEAN"
    EXTERNAL = "EXTERNAL"


class ReferencePriceCalculation(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How a symbol's reference price is made."""

    symbol: str
    calculation_type: CalculationType
    bucket_count: int | None = None
    bucket_width_ms: int | None = None
    external_calculation_id: int | None = None


# ------------------------------------------------------------------------------------------------ events of streams


class TradeEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="trade"):
    """``<symbol>@trade``: one trade."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    trade_id: int = field(name="t")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="q")
    trade_time: int = field(name="T")
    is_buyer_maker: bool = field(name="m")
    is_best_match: bool = field(name="M", default=True)


class AggregateTradeEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="aggTrade"):
    """``<symbol>@aggTrade``: trades of one taker order at one price."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    aggregate_trade_id: int = field(name="a")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="q")
    first_trade_id: int = field(name="f")
    last_trade_id: int = field(name="l")
    trade_time: int = field(name="T")
    is_buyer_maker: bool = field(name="m")
    is_best_match: bool = field(name="M", default=True)


class BlockTradeEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="blockTrade"):
    """``<symbol>@blockTrade``: one block trade, with ids of its own."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    trade_id: int = field(name="t")
    price: Decimal = field(name="p")
    quantity: Decimal = field(name="q")
    trade_time: int = field(name="T")
    is_buyer_maker: bool = field(name="m")


class KlineBar(Model, frozen=True, kw_only=True, gc=False):
    """The candle within a ``KlineEvent``."""

    open_time: int = field(name="t")
    close_time: int = field(name="T")
    symbol: str = field(name="s")
    interval: str = field(name="i")
    first_trade_id: int = field(name="f")
    last_trade_id: int = field(name="L")
    open: Decimal = field(name="o")
    close: Decimal = field(name="c")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="v")
    trade_count: int = field(name="n")
    is_closed: bool = field(name="x")
    quote_volume: Decimal = field(name="q")
    taker_buy_volume: Decimal = field(name="V")
    taker_buy_quote_volume: Decimal = field(name="Q")
    unused: str = field(name="B", default="0")


class KlineEvent(Model, frozen=True, kw_only=True, tag_field="e", tag="kline"):
    """``<symbol>@kline_<interval>``: the current candle."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    kline: KlineBar = field(name="k")


class MiniTickerEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="24hrMiniTicker"):
    """``<symbol>@miniTicker``: prices and volumes of the last 24 hours."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    close: Decimal = field(name="c")
    open: Decimal = field(name="o")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="v")
    quote_volume: Decimal = field(name="q")


class TickerEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="24hrTicker"):
    """``<symbol>@ticker``: full statistics of the last 24 hours."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    price_change: Decimal = field(name="p")
    price_change_percent: Decimal = field(name="P")
    weighted_average_price: Decimal = field(name="w")
    previous_close: Decimal = field(name="x")
    last_price: Decimal = field(name="c")
    last_quantity: Decimal = field(name="Q")
    bid_price: Decimal = field(name="b")
    bid_quantity: Decimal = field(name="B")
    ask_price: Decimal = field(name="a")
    ask_quantity: Decimal = field(name="A")
    open: Decimal = field(name="o")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    volume: Decimal = field(name="v")
    quote_volume: Decimal = field(name="q")
    open_time: int = field(name="O")
    close_time: int = field(name="C")
    first_trade_id: int = field(name="F")
    last_trade_id: int = field(name="L")
    trade_count: int = field(name="n")


class WindowTickerEvent(Model, frozen=True, kw_only=True, gc=False):
    """``<symbol>@ticker_<window>``: statistics of a rolling window (1h, 4h, 1d)."""

    event_type: Literal["1hTicker", "4hTicker", "1dTicker"] = field(name="e")
    event_time: int = field(name="E")
    symbol: str = field(name="s")
    price_change: Decimal = field(name="p")
    price_change_percent: Decimal = field(name="P")
    open: Decimal = field(name="o")
    high: Decimal = field(name="h")
    low: Decimal = field(name="l")
    last_price: Decimal = field(name="c")
    weighted_average_price: Decimal = field(name="w")
    volume: Decimal = field(name="v")
    quote_volume: Decimal = field(name="q")
    open_time: int = field(name="O")
    close_time: int = field(name="C")
    first_trade_id: int = field(name="F")
    last_trade_id: int = field(name="L")
    trade_count: int = field(name="n")


class BookTickerEvent(Model, frozen=True, kw_only=True, gc=False):
    """``<symbol>@bookTicker``: the best prices; carries no event type and no time."""

    update_id: int = field(name="u")
    symbol: str = field(name="s")
    bid_price: Decimal = field(name="b")
    bid_quantity: Decimal = field(name="B")
    ask_price: Decimal = field(name="a")
    ask_quantity: Decimal = field(name="A")


class AveragePriceEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="avgPrice"):
    """``<symbol>@avgPrice``: average price of an interval."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    interval: str = field(name="i")
    average_price: Decimal = field(name="w")
    last_trade_time: int = field(name="T")


class ReferencePriceEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="referencePrice"):
    """``<symbol>@referencePrice``: the reference price, ``None`` while there is none; carries no event time."""

    symbol: str = field(name="s")
    reference_price: Decimal | None = field(name="r")
    timestamp: int = field(name="t")


class PartialDepthEvent(Model, frozen=True, kw_only=True):
    """``<symbol>@depth<levels>``: the best levels; carries neither symbol nor time."""

    last_update_id: int = field(name="lastUpdateId")
    raw_bids: list[RawLevel] = field(name="bids")
    raw_asks: list[RawLevel] = field(name="asks")

    @property
    def bids(self) -> list[PriceLevel]:
        """Bids, best first."""
        return _levels(self.raw_bids)

    @property
    def asks(self) -> list[PriceLevel]:
        """Asks, best first."""
        return _levels(self.raw_asks)


class DepthUpdateEvent(Model, frozen=True, kw_only=True, tag_field="e", tag="depthUpdate"):
    """``<symbol>@depth``: levels that changed, with their new quantities; zero removes a level."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    first_update_id: int = field(name="U")
    final_update_id: int = field(name="u")
    raw_bids: list[RawLevel] = field(name="b")
    raw_asks: list[RawLevel] = field(name="a")

    @property
    def bids(self) -> list[PriceLevel]:
        """Changed bids."""
        return _levels(self.raw_bids)

    @property
    def asks(self) -> list[PriceLevel]:
        """Changed asks."""
        return _levels(self.raw_asks)
