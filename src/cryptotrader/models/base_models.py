"""What all messages share: the model base, enums, rate limits, filters and symbols.

Sources: Binance Spot documentation, "Enums", "Filters" and "Exchange information".
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

_MICROSECONDS_FROM = 10**14


def to_micros(timestamp: int) -> int:
    """Microseconds of a Binance timestamp in milliseconds or microseconds (from 10^14 on it is microseconds)."""
    return timestamp if timestamp >= _MICROSECONDS_FROM else timestamp * 1000


def snake_name(name: str) -> str:
    """``ticker.tradingDay`` -> ``ticker_trading_day``: the file of a method, the row of a stream."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace(".", "_").lower()


def plain(value: Any) -> Any:
    """``value`` with each Decimal as text without an exponent, which Binance does not read."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all messages: immutable, typed, tolerant of fields it does not know."""

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Decode one JSON value.

        Raises:
            msgspec.ValidationError: A documented field is missing or of another type.
        """
        return msgspec.json.decode(data, type=cls)

    def to_json(self) -> bytes:
        """Encode with Binance's own field names; decimals become strings without an exponent."""
        return msgspec.json.encode(plain(msgspec.to_builtins(self, builtin_types=(Decimal,))))


class OpenEnum(StrEnum):
    """An enum that accepts values Binance adds later: they keep their text and are in no ``__members__``."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


def is_documented(value: Enum) -> bool:
    """Whether an enum value is one that the documentation lists."""
    return value.name in type(value).__members__


class SymbolStatus(OpenEnum):
    """Trading phase of a symbol."""

    TRADING = "TRADING"
    END_OF_DAY = "END_OF_DAY"
    HALT = "HALT"
    BREAK = "BREAK"
    CANCEL_ONLY = "CANCEL_ONLY"


class SymbolStatusFilter(StrEnum):
    """Trading phases that a request may ask for."""

    TRADING = "TRADING"
    HALT = "HALT"
    BREAK = "BREAK"


class OrderType(OpenEnum):
    """Kinds of orders."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"


class Side(OpenEnum):
    """Side of an order."""

    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(OpenEnum):
    """How long an order stays in force."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class SelfTradePreventionMode(OpenEnum):
    """What happens when an account's orders would match each other."""

    NONE = "NONE"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    TRANSFER = "TRANSFER"


class KlineInterval(StrEnum):
    """Candle length; case-sensitive (``1m`` is a minute, ``1M`` a month)."""

    SECOND_1 = "1s"
    MINUTE_1 = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    HOUR_1 = "1h"
    HOUR_2 = "2h"
    HOUR_4 = "4h"
    HOUR_6 = "6h"
    HOUR_8 = "8h"
    HOUR_12 = "12h"
    DAY_1 = "1d"
    DAY_3 = "3d"
    WEEK_1 = "1w"
    MONTH_1 = "1M"


class TickerType(StrEnum):
    """How much of a ticker to answer."""

    FULL = "FULL"
    MINI = "MINI"


class RateLimitType(OpenEnum):
    """What a limit counts."""

    REQUEST_WEIGHT = "REQUEST_WEIGHT"
    ORDERS = "ORDERS"
    CONNECTIONS = "CONNECTIONS"
    RAW_REQUESTS = "RAW_REQUESTS"


_INTERVAL_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}


class RateLimitInterval(OpenEnum):
    """Unit of a limit's window."""

    SECOND = "SECOND"
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"

    @property
    def seconds(self) -> int:
        """Length of one unit; 0 for a unit that is not documented."""
        return _INTERVAL_SECONDS.get(self, 0)


class RateLimit(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One limiter and, in replies, how much of it is used."""

    rate_limit_type: RateLimitType
    interval: RateLimitInterval
    interval_num: int
    limit: int
    count: int | None = None

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return self.interval.seconds * self.interval_num


class PriceLevel(NamedTuple):
    """One price of an order book."""

    price: Decimal
    quantity: Decimal


class Filter(Model, frozen=True, kw_only=True, rename="camel", tag_field="filterType"):
    """A trading rule of a symbol."""


class PriceFilter(Filter, frozen=True, kw_only=True, tag="PRICE_FILTER"):
    """Bounds and step of a price; zero disables a part."""

    min_price: Decimal
    max_price: Decimal
    tick_size: Decimal


class PercentPriceFilter(Filter, frozen=True, kw_only=True, tag="PERCENT_PRICE"):
    """Price bounds around the average price."""

    multiplier_up: Decimal
    multiplier_down: Decimal
    avg_price_mins: int


class PercentPriceBySideFilter(Filter, frozen=True, kw_only=True, tag="PERCENT_PRICE_BY_SIDE"):
    """Price bounds around the average price, by side."""

    bid_multiplier_up: Decimal
    bid_multiplier_down: Decimal
    ask_multiplier_up: Decimal
    ask_multiplier_down: Decimal
    avg_price_mins: int


class LotSizeFilter(Filter, frozen=True, kw_only=True, tag="LOT_SIZE"):
    """Bounds and step of a quantity."""

    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal


class MarketLotSizeFilter(Filter, frozen=True, kw_only=True, tag="MARKET_LOT_SIZE"):
    """Bounds and step of a market order's quantity."""

    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal


class MinNotionalFilter(Filter, frozen=True, kw_only=True, tag="MIN_NOTIONAL"):
    """Least price times quantity."""

    min_notional: Decimal
    apply_to_market: bool
    avg_price_mins: int


class NotionalFilter(Filter, frozen=True, kw_only=True, tag="NOTIONAL"):
    """Bounds of price times quantity."""

    min_notional: Decimal
    apply_min_to_market: bool
    max_notional: Decimal
    apply_max_to_market: bool
    avg_price_mins: int


class IcebergPartsFilter(Filter, frozen=True, kw_only=True, tag="ICEBERG_PARTS"):
    """Most parts of an iceberg order."""

    limit: int


class MaxNumOrdersFilter(Filter, frozen=True, kw_only=True, tag="MAX_NUM_ORDERS"):
    """Most open orders on the symbol."""

    max_num_orders: int


class MaxNumAlgoOrdersFilter(Filter, frozen=True, kw_only=True, tag="MAX_NUM_ALGO_ORDERS"):
    """Most open stop and take-profit orders on the symbol."""

    max_num_algo_orders: int


class MaxNumIcebergOrdersFilter(Filter, frozen=True, kw_only=True, tag="MAX_NUM_ICEBERG_ORDERS"):
    """Most open iceberg orders on the symbol."""

    max_num_iceberg_orders: int


class MaxPositionFilter(Filter, frozen=True, kw_only=True, tag="MAX_POSITION"):
    """Most of the base asset to hold, open buy orders included."""

    max_position: Decimal


class TrailingDeltaFilter(Filter, frozen=True, kw_only=True, tag="TRAILING_DELTA"):
    """Bounds of a trailing stop's delta, in basis points."""

    min_trailing_above_delta: int
    max_trailing_above_delta: int
    min_trailing_below_delta: int
    max_trailing_below_delta: int


class MaxNumOrderAmendsFilter(Filter, frozen=True, kw_only=True, tag="MAX_NUM_ORDER_AMENDS"):
    """Most amendments of one order."""

    max_num_order_amends: int


class MaxNumOrderListsFilter(Filter, frozen=True, kw_only=True, tag="MAX_NUM_ORDER_LISTS"):
    """Most open order lists on the symbol."""

    max_num_order_lists: int


class ExchangeMaxNumOrdersFilter(Filter, frozen=True, kw_only=True, tag="EXCHANGE_MAX_NUM_ORDERS"):
    """Most open orders on the exchange."""

    max_num_orders: int


class ExchangeMaxNumAlgoOrdersFilter(Filter, frozen=True, kw_only=True, tag="EXCHANGE_MAX_NUM_ALGO_ORDERS"):
    """Most open stop and take-profit orders on the exchange."""

    max_num_algo_orders: int


class ExchangeMaxNumIcebergOrdersFilter(Filter, frozen=True, kw_only=True, tag="EXCHANGE_MAX_NUM_ICEBERG_ORDERS"):
    """Most open iceberg orders on the exchange."""

    max_num_iceberg_orders: int


class ExchangeMaxNumOrderListsFilter(Filter, frozen=True, kw_only=True, tag="EXCHANGE_MAX_NUM_ORDER_LISTS"):
    """Most open order lists on the exchange."""

    max_num_order_lists: int


class MaxAssetFilter(Filter, frozen=True, kw_only=True, tag="MAX_ASSET"):
    """Most of an asset in one order; shown by ``myFilters`` only."""

    asset: str
    limit: Decimal


KnownFilter = (
    PriceFilter
    | PercentPriceFilter
    | PercentPriceBySideFilter
    | LotSizeFilter
    | MarketLotSizeFilter
    | MinNotionalFilter
    | NotionalFilter
    | IcebergPartsFilter
    | MaxNumOrdersFilter
    | MaxNumAlgoOrdersFilter
    | MaxNumIcebergOrdersFilter
    | MaxPositionFilter
    | TrailingDeltaFilter
    | MaxNumOrderAmendsFilter
    | MaxNumOrderListsFilter
    | ExchangeMaxNumOrdersFilter
    | ExchangeMaxNumAlgoOrdersFilter
    | ExchangeMaxNumIcebergOrdersFilter
    | ExchangeMaxNumOrderListsFilter
    | MaxAssetFilter
)
RawFilter = dict[str, str | int | bool]
"""A filter as sent; later filters are kept in this form."""

F = TypeVar("F", bound=Filter)


def decode_filters(raw: list[RawFilter]) -> tuple[Filter, ...]:
    """Decode filters one by one, leaving out those that this version does not know."""
    known: list[Filter] = []
    for item in raw:
        try:
            known.append(msgspec.convert(item, KnownFilter))
        except msgspec.ValidationError:  # a filter of a later date: kept in the raw list, shown by none of ours
            continue
    return tuple(known)


class SymbolInfo(Model, frozen=True, kw_only=True, rename="camel"):
    """One traded symbol, as ``exchangeInfo`` describes it."""

    symbol: str
    status: SymbolStatus
    base_asset: str
    base_asset_precision: int
    quote_asset: str
    quote_precision: int
    quote_asset_precision: int
    base_commission_precision: int
    quote_commission_precision: int
    order_types: list[OrderType]
    iceberg_allowed: bool = False
    oco_allowed: bool = False
    oto_allowed: bool = False
    opo_allowed: bool = False
    quote_order_qty_market_allowed: bool = False
    allow_trailing_stop: bool = False
    cancel_replace_allowed: bool = False
    amend_allowed: bool = False
    peg_instructions_allowed: bool = False
    is_spot_trading_allowed: bool = False
    is_margin_trading_allowed: bool = False
    raw_filters: list[RawFilter] = msgspec.field(name="filters")
    permissions: list[str]
    permission_sets: list[list[str]]
    default_self_trade_prevention_mode: SelfTradePreventionMode
    allowed_self_trade_prevention_modes: list[SelfTradePreventionMode]

    @property
    def filters(self) -> tuple[Filter, ...]:
        """The trading rules that this version knows."""
        return decode_filters(self.raw_filters)

    def filter(self, kind: type[F]) -> F | None:
        """The symbol's filter of one kind, such as ``PriceFilter``."""
        return next((item for item in self.filters if isinstance(item, kind)), None)
