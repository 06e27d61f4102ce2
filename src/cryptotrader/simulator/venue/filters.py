"""Filters: the rules that ``exchangeInfo`` and ``myFilters`` show are the ones checked here.

Each kind of filter is one row: its declared values are scaled once, and what remains is a check of integers at 10^-8.
Source: Binance Spot documentation, "Filters".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cryptotrader.models import base_models as models
from cryptotrader.models.base_models import Filter, OrderType
from cryptotrader.simulator.venue.buckets import MINUTE
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import MARKET_TYPES, STOP_LOSSES, AccountOrder, NewOrder
from cryptotrader.simulator.venue.rejections import REFUSED, filter_failure
from cryptotrader.simulator.venue.statistics import average_price, reference_price
from cryptotrader.simulator.venue.symbols import UNIT


@dataclass(slots=True)
class Counts:
    """Open orders and lists of an account, on one symbol or on all."""

    orders: int = 0
    algos: int = 0
    icebergs: int = 0
    lists: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.orders + other.orders,
            self.algos + other.algos,
            self.icebergs + other.icebergs,
            self.lists + other.lists,
        )


@dataclass(slots=True)
class Situation:
    """What an order is checked against.

    Attributes:
        market: Its market.
        now_us: Current time.
        pegged_price: Limit that its peg selects; 0 without.
        on_symbol: Open orders once the request is taken in.
        on_exchange: The same for all symbols.
        position: Tells the base asset owned or about to be bought, without this order.
        amendments: Amendments of the order, this one included.
    """

    market: Market
    now_us: int
    pegged_price: int = 0
    on_symbol: Counts = field(default_factory=Counts)
    on_exchange: Counts = field(default_factory=Counts)
    position: Callable[[], int] = int
    amendments: int = 0

    def average(self, minutes: int) -> int:
        """Reference price if there is one, else the average of some minutes, else the last price."""
        reference = reference_price(self.market, self.now_us)
        if reference is not None:
            return reference
        return average_price(self.market, self.now_us, minutes * MINUTE) if minutes else self.market.last_price


AnyOrder = NewOrder | AccountOrder
Check = Callable[[AnyOrder, Situation], bool]


class FilterSet:
    """Compiled filters.

    Args:
        filters: As declared.
    """

    def __init__(self, filters: Iterable[Filter]) -> None:
        self._checks: list[tuple[str, Check]] = [
            (str(type(item).__struct_config__.tag), _ROWS[type(item)](item)) for item in filters
        ]

    def check(self, order: AnyOrder, situation: Situation, code: int = REFUSED) -> None:
        """Check an order.

        Raises:
            Rejection: A filter is violated; its name is in the text.
        """
        for name, passes in self._checks:
            if not passes(order, situation):
                raise filter_failure(name, code)


def scaled(value: Decimal) -> int:
    """A declared amount as an integer at 10^-8."""
    return int(value * UNIT)


def _within(value: int, low: int, high: int, step: int) -> bool:
    return value >= low and (not high or value <= high) and not (step and value % step)


def _limits(order: AnyOrder, situation: Situation) -> list[int]:
    """The prices that bound an order: its own and the pegged one."""
    return [price for price in (order.price, situation.pegged_price) if price]


def _price(rule: models.PriceFilter) -> Check:
    low, high, tick = scaled(rule.min_price), scaled(rule.max_price), scaled(rule.tick_size)

    def passes(order: AnyOrder, situation: Situation) -> bool:
        prices = (*_limits(order, situation), order.stop_price)
        return all(_within(price, low, high, tick) for price in prices if price)

    return passes


def _percent_price(rule: models.PercentPriceFilter) -> Check:
    up, down, minutes = scaled(rule.multiplier_up), scaled(rule.multiplier_down), rule.avg_price_mins
    return _percent((down, up), (down, up), minutes)


def _percent_price_by_side(rule: models.PercentPriceBySideFilter) -> Check:
    bids = scaled(rule.bid_multiplier_down), scaled(rule.bid_multiplier_up)
    asks = scaled(rule.ask_multiplier_down), scaled(rule.ask_multiplier_up)
    return _percent(bids, asks, rule.avg_price_mins)


def _percent(bids: tuple[int, int], asks: tuple[int, int], minutes: int) -> Check:
    def passes(order: AnyOrder, situation: Situation) -> bool:
        prices = _limits(order, situation)
        if not prices:
            return True
        average = situation.average(minutes)
        down, up = bids if order.is_buy else asks
        return all(average * down <= price * UNIT <= average * up for price in prices)

    return passes


def _lot_size(rule: models.LotSizeFilter) -> Check:
    low, high, step = scaled(rule.min_qty), scaled(rule.max_qty), scaled(rule.step_size)

    def passes(order: AnyOrder, situation: Situation) -> bool:
        return all(_within(amount, low, high, step) for amount in (order.quantity, order.iceberg_quantity) if amount)

    return passes


def _market_lot_size(rule: models.MarketLotSizeFilter) -> Check:
    low, high, step = scaled(rule.min_qty), scaled(rule.max_qty), scaled(rule.step_size)

    def passes(order: AnyOrder, situation: Situation) -> bool:
        return order.type is not OrderType.MARKET or not order.quantity or _within(order.quantity, low, high, step)

    return passes


def _min_notional(rule: models.MinNotionalFilter) -> Check:
    return _notional_between((scaled(rule.min_notional), rule.apply_to_market), (0, False), rule.avg_price_mins)


def _notional(rule: models.NotionalFilter) -> Check:
    return _notional_between(
        (scaled(rule.min_notional), rule.apply_min_to_market),
        (scaled(rule.max_notional), rule.apply_max_to_market),
        rule.avg_price_mins,
    )


def _notional_between(least: tuple[int, bool], most: tuple[int, bool], minutes: int) -> Check:
    """Bounds of price times quantity, each with whether it holds for orders at market; a bound of 0 is none."""

    def passes(order: AnyOrder, situation: Situation) -> bool:
        at_market = order.type in MARKET_TYPES
        if order.quote_quantity:
            worths = [order.quote_quantity * UNIT]
        elif not order.quantity:
            return True
        else:
            prices = [situation.average(minutes)] if at_market else _limits(order, situation)
            worths = [price * order.quantity for price in prices]
        low = least[0] * UNIT if least[1] or not at_market else 0
        high = most[0] * UNIT if most[1] or not at_market else 0
        return all(low <= worth and (not high or worth <= high) for worth in worths)

    return passes


def _iceberg_parts(rule: models.IcebergPartsFilter) -> Check:
    def passes(order: AnyOrder, situation: Situation) -> bool:
        return not order.iceberg_quantity or -(-order.quantity // order.iceberg_quantity) <= rule.limit

    return passes


def _max_position(rule: models.MaxPositionFilter) -> Check:
    most = scaled(rule.max_position)

    def passes(order: AnyOrder, situation: Situation) -> bool:
        return not order.is_buy or situation.position() + order.quantity <= most

    return passes


def _trailing_delta(rule: models.TrailingDeltaFilter) -> Check:
    def passes(order: AnyOrder, situation: Situation) -> bool:
        if not order.trailing_delta:
            return True
        if order.is_buy == (order.type in STOP_LOSSES):
            return rule.min_trailing_above_delta <= order.trailing_delta <= rule.max_trailing_above_delta
        return rule.min_trailing_below_delta <= order.trailing_delta <= rule.max_trailing_below_delta

    return passes


def _max_asset(rule: models.MaxAssetFilter) -> Check:
    most = scaled(rule.limit)

    def passes(order: AnyOrder, situation: Situation) -> bool:
        listing = situation.market.listing
        if rule.asset == listing.base:
            return order.quantity <= most
        if rule.asset != listing.quote:
            return True
        price = max(_limits(order, situation), default=0) or situation.average(0)
        return (order.quote_quantity or price * order.quantity // UNIT) <= most

    return passes


def _at_most(limit: int, count: Callable[[AnyOrder, Situation], int]) -> Check:
    def passes(order: AnyOrder, situation: Situation) -> bool:
        return count(order, situation) <= limit

    return passes


_ROWS: dict[type[Filter], Callable[[Any], Check]] = {
    models.PriceFilter: _price,
    models.PercentPriceFilter: _percent_price,
    models.PercentPriceBySideFilter: _percent_price_by_side,
    models.LotSizeFilter: _lot_size,
    models.MarketLotSizeFilter: _market_lot_size,
    models.MinNotionalFilter: _min_notional,
    models.NotionalFilter: _notional,
    models.IcebergPartsFilter: _iceberg_parts,
    models.MaxPositionFilter: _max_position,
    models.TrailingDeltaFilter: _trailing_delta,
    models.MaxAssetFilter: _max_asset,
    models.MaxNumOrdersFilter: lambda rule: _at_most(rule.max_num_orders, lambda _, now: now.on_symbol.orders),
    models.MaxNumAlgoOrdersFilter: lambda rule: _at_most(rule.max_num_algo_orders, lambda _, now: now.on_symbol.algos),
    models.MaxNumIcebergOrdersFilter: lambda rule: _at_most(
        rule.max_num_iceberg_orders, lambda _, now: now.on_symbol.icebergs
    ),
    models.MaxNumOrderListsFilter: lambda rule: _at_most(rule.max_num_order_lists, lambda _, now: now.on_symbol.lists),
    models.MaxNumOrderAmendsFilter: lambda rule: _at_most(rule.max_num_order_amends, lambda _, now: now.amendments),
    models.ExchangeMaxNumOrdersFilter: lambda rule: _at_most(
        rule.max_num_orders, lambda _, now: now.on_exchange.orders
    ),
    models.ExchangeMaxNumAlgoOrdersFilter: lambda rule: _at_most(
        rule.max_num_algo_orders, lambda _, now: now.on_exchange.algos
    ),
    models.ExchangeMaxNumIcebergOrdersFilter: lambda rule: _at_most(
        rule.max_num_iceberg_orders, lambda _, now: now.on_exchange.icebergs
    ),
    models.ExchangeMaxNumOrderListsFilter: lambda rule: _at_most(
        rule.max_num_order_lists, lambda _, now: now.on_exchange.lists
    ),
}
