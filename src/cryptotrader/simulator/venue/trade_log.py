"""Every trade of a symbol, in columns, so that millions of them stay small and old ones can be asked for."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import NamedTuple

from msgspec import Struct

KEPT_TRADES = 2_000_000
"""Trades of a symbol that can still be asked for; older ones are dropped half of that number at a time."""


class VenueTrade(NamedTuple):
    """One trade; price and quantity are integers at 10^-8."""

    symbol: str
    id: int
    price: int
    quantity: int
    time_us: int
    is_buyer_maker: bool


class VenueAggregate(NamedTuple):
    """Trades of one taker order at one price."""

    id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time_us: int
    is_buyer_maker: bool


class TradeLogState(Struct, frozen=True, kw_only=True):
    """Past trades, in columns of machine integers."""

    first_id: int
    first_aggregate: int
    prices: bytes
    quantities: bytes
    times: bytes
    makers: bytes
    starts: bytes


class TradeLog:
    """Trades and aggregate trades of one symbol; ids of both are dense.

    Args:
        symbol: In upper case.
        first_id: Id of the first trade.
        first_aggregate_id: Id of the first aggregate.
    """

    def __init__(self, symbol: str, first_id: int, first_aggregate_id: int) -> None:
        self._symbol = symbol
        self.first_id = first_id
        self.next_id = first_id
        self._prices = array("q")
        self._quantities = array("q")
        self._times = array("q")
        self._maker = bytearray()
        self._first_aggregate = first_aggregate_id
        self._starts = array("q")  # first trade id of each aggregate

    def append(self, price: int, quantity: int, time_us: int, is_buyer_maker: bool, *, continues: bool) -> int:  # noqa: FBT001 - hot path
        """Add a trade; ``continues`` tells that it belongs to the aggregate before. Returns its id."""
        number = self.next_id
        if not continues:
            self._starts.append(number)
        self._prices.append(price)
        self._quantities.append(quantity)
        self._times.append(time_us)
        self._maker.append(is_buyer_maker)
        self.next_id = number + 1
        if len(self._prices) > KEPT_TRADES:
            self._drop(KEPT_TRADES // 2)
        return number

    def _drop(self, count: int) -> None:
        for column in (self._prices, self._quantities, self._times):
            del column[:count]
        del self._maker[:count]
        self.first_id += count
        whole = bisect_left(self._starts, self.first_id)
        del self._starts[:whole]
        self._first_aggregate += whole

    def trade(self, number: int) -> VenueTrade:
        """One kept trade."""
        at = number - self.first_id
        return VenueTrade(
            self._symbol, number, self._prices[at], self._quantities[at], self._times[at], bool(self._maker[at])
        )

    def trades(self, first: int, count: int) -> list[VenueTrade]:
        """Up to ``count`` kept trades from id ``first`` on, ascending."""
        start = max(first, self.first_id)
        return [self.trade(number) for number in range(start, min(start + count, self.next_id))]

    def newest(self, count: int) -> list[VenueTrade]:
        """The newest ``count`` trades, ascending."""
        return self.trades(self.next_id - count, count)

    @property
    def aggregate_ids(self) -> range:
        """Ids of the kept aggregates."""
        return range(self._first_aggregate, self._first_aggregate + len(self._starts))

    def aggregate(self, number: int) -> VenueAggregate:
        """One kept aggregate."""
        at = number - self._first_aggregate
        first = self._starts[at]
        last = (self._starts[at + 1] if at + 1 < len(self._starts) else self.next_id) - 1
        head = self.trade(first)
        quantity = sum(self._quantities[first - self.first_id : last - self.first_id + 1])
        return VenueAggregate(number, head.price, quantity, first, last, head.time_us, head.is_buyer_maker)

    def aggregates(self, first: int, end: int, count: int) -> list[VenueAggregate]:
        """Up to ``count`` kept aggregates with ids from ``first`` on and below ``end``."""
        return [self.aggregate(number) for number in range(first, min(end, first + count))]

    def aggregate_at(self, time_us: int) -> int:
        """Id of the first aggregate at or after a time."""
        first_trade = bisect_left(self._times, time_us) + self.first_id
        return self._first_aggregate + bisect_left(self._starts, first_trade)

    def dump(self) -> TradeLogState:
        """All that is kept."""
        return TradeLogState(
            first_id=self.first_id,
            first_aggregate=self._first_aggregate,
            prices=self._prices.tobytes(),
            quantities=self._quantities.tobytes(),
            times=self._times.tobytes(),
            makers=bytes(self._maker),
            starts=self._starts.tobytes(),
        )

    def load(self, state: TradeLogState) -> None:
        """Go on from a state."""
        self.first_id, self._first_aggregate = state.first_id, state.first_aggregate
        self._prices, self._quantities = array("q", state.prices), array("q", state.quantities)
        self._times, self._starts = array("q", state.times), array("q", state.starts)
        self._maker = bytearray(state.makers)
        self.next_id = state.first_id + len(self._prices)
