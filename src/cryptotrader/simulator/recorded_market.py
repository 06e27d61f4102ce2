"""Markets that are filled from a recording instead of by participants."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from decimal import Decimal
from math import gcd
from operator import attrgetter

from cryptotrader.models.base_models import Model, to_micros
from cryptotrader.models.market_models import (
    AggregateTradeEvent,
    DepthUpdateEvent,
    OrderBookSnapshot,
    RawLevel,
    TradeEvent,
)
from cryptotrader.protocol.order_book import scaled
from cryptotrader.simulator.venue import Market, VenueTrade
from cryptotrader.simulator.venue.book import Book, BookSide, Order
from cryptotrader.simulator.venue.symbols import Listing, list_symbol
from cryptotrader.simulator.venue.trade_log import KEPT_TRADES, TradeLog, VenueAggregate


class RecordedLog(TradeLog):
    """Trades as they were recorded; ids may have holes.

    Args:
        symbol: In upper case.
    """

    def __init__(self, symbol: str) -> None:
        super().__init__(symbol, 0, 0)
        self._trades: list[VenueTrade] = []
        self._aggregates: list[VenueAggregate] = []

    def take(self, trade: VenueTrade) -> None:
        """Add a trade with an id above all others."""
        if not self._trades:
            self.first_id = trade.id
        self._trades.append(trade)
        self.next_id = trade.id + 1
        if len(self._trades) > KEPT_TRADES:
            del self._trades[: KEPT_TRADES // 2]
            self.first_id = self._trades[0].id

    def take_aggregate(self, aggregate: VenueAggregate) -> None:
        """Add an aggregate with an id above all others."""
        self._aggregates.append(aggregate)
        if len(self._aggregates) > KEPT_TRADES:
            del self._aggregates[: KEPT_TRADES // 2]

    def trade(self, number: int) -> VenueTrade:
        """One kept trade."""
        return self._trades[bisect_left(self._trades, number, key=attrgetter("id"))]

    def trades(self, first: int, count: int) -> list[VenueTrade]:
        """Up to ``count`` kept trades from id ``first`` on, ascending."""
        start = bisect_left(self._trades, first, key=attrgetter("id"))
        return self._trades[start : start + count]

    def newest(self, count: int) -> list[VenueTrade]:
        """The newest ``count`` trades, ascending."""
        return self._trades[-count:]

    @property
    def aggregate_ids(self) -> range:
        """From the oldest kept aggregate's id to the newest's."""
        known = self._aggregates
        return range(known[0].id, known[-1].id + 1) if known else range(0)

    def aggregate(self, number: int) -> VenueAggregate:
        """One kept aggregate."""
        return self._aggregates[bisect_left(self._aggregates, number, key=attrgetter("id"))]

    def aggregates(self, first: int, end: int, count: int) -> list[VenueAggregate]:
        """Up to ``count`` kept aggregates with ids from ``first`` on and below ``end``."""
        start = bisect_left(self._aggregates, first, key=attrgetter("id"))
        return [each for each in self._aggregates[start : start + count] if each.id < end]

    def aggregate_at(self, time_us: int) -> int:
        """Id of the first aggregate at or after a time."""
        at = bisect_left(self._aggregates, time_us, key=attrgetter("time_us"))
        return self._aggregates[at].id if at < len(self._aggregates) else self.aggregate_ids.stop


class RecordedBook(Book):
    """A book of levels: a recorded snapshot, kept current by recorded changes."""

    def __init__(self) -> None:
        super().__init__(0)
        self.known = False

    def restore(self, snapshot: OrderBookSnapshot) -> None:
        """Start from a snapshot."""
        for side, levels in ((self.bids, snapshot.raw_bids), (self.asks, snapshot.raw_asks)):
            kept = {scaled(price) for price, _ in levels}
            for price in [price for price in side.levels if price not in kept]:
                self._set(side, price, 0)
            self._set_all(side, levels)
        self.update_id = snapshot.last_update_id
        self.known = True

    def apply(self, event: DepthUpdateEvent) -> None:
        """Take changes; after missing ones the book is unknown until the next snapshot."""
        if event.final_update_id <= self.update_id or not self.known:
            return
        if event.first_update_id > self.update_id + 1:
            self.known = False
            return
        self._set_all(self.bids, event.raw_bids)
        self._set_all(self.asks, event.raw_asks)
        self.update_id = event.final_update_id

    def _set_all(self, side: BookSide, levels: list[RawLevel]) -> None:
        for price, quantity in levels:
            self._set(side, scaled(price), scaled(quantity))

    def _set(self, side: BookSide, price: int, quantity: int) -> None:
        level = side.levels.get(price)
        if level is None:
            if quantity:
                side.add(Order(0, side is self.bids, price, quantity))
        elif quantity:
            level.total = quantity
            side.touch(price)
        else:
            side.reduce(price, level, level.total)


class RecordedMarket(Market):
    """A market whose trades and book come from a recording.

    Args:
        symbol: In upper case.
        snapshot: The first order book of the recording, known from the start on.
        has_aggregates: Whether aggregate trades were recorded too; otherwise they are put together from trades.

    Raises:
        UnknownSymbol: The name does not end in a known quote asset.
    """

    log: RecordedLog
    book: RecordedBook

    def __init__(self, symbol: str, snapshot: OrderBookSnapshot | None, *, has_aggregates: bool) -> None:
        super().__init__(_listing(symbol, snapshot), 0)
        self.log = RecordedLog(symbol)
        self.book = RecordedBook()
        if snapshot is not None:
            self.book.restore(snapshot)
        self._has_aggregates = has_aggregates
        self._group: list[VenueTrade] = []

    def take(self, message: Model) -> None:
        """Take one recorded message."""
        if isinstance(message, TradeEvent):
            self._take_trade(message)
        elif isinstance(message, AggregateTradeEvent):
            self._take_aggregate(message)
        elif isinstance(message, DepthUpdateEvent):
            self.book.apply(message)
            self._tell_change()
        elif isinstance(message, OrderBookSnapshot):
            self.book.restore(message)
            self._tell_change()

    def _tell_change(self) -> None:
        for tell in self.on_change:
            tell(self)

    def _take_trade(self, event: TradeEvent) -> None:
        if event.trade_id < self.log.next_id:  # recorded on two connections
            return
        price, quantity = _amount(event.price), _amount(event.quantity)
        time_us = to_micros(event.trade_time)
        trade = VenueTrade(event.symbol, event.trade_id, price, quantity, time_us, event.is_buyer_maker)
        self.log.take(trade)
        self.buckets.add(trade.id, price, quantity, time_us, trade.is_buyer_maker)
        self.last_price, self.last_quantity, self.last_trade_us = price, quantity, time_us
        for tell in self.on_trade:
            tell(trade)
        if not self._has_aggregates:
            self._group_trade(trade)

    def _group_trade(self, trade: VenueTrade) -> None:
        """Trades in a row at one time, price and side count as one aggregate, with ids from 1 on."""
        group = self._group
        if group and (group[-1].id + 1, *group[-1][2:3], *group[-1][4:]) != (trade.id, trade.price, *trade[4:]):
            self._add_aggregate(
                VenueAggregate(
                    self.log.aggregate_ids.stop or 1,
                    group[0].price,
                    sum(each.quantity for each in group),
                    group[0].id,
                    group[-1].id,
                    group[0].time_us,
                    group[0].is_buyer_maker,
                )
            )
            group.clear()
        group.append(trade)

    def _take_aggregate(self, event: AggregateTradeEvent) -> None:
        if event.aggregate_trade_id >= self.log.aggregate_ids.stop:
            self._add_aggregate(
                VenueAggregate(
                    event.aggregate_trade_id,
                    _amount(event.price),
                    _amount(event.quantity),
                    event.first_trade_id,
                    event.last_trade_id,
                    to_micros(event.trade_time),
                    event.is_buyer_maker,
                )
            )

    def _add_aggregate(self, aggregate: VenueAggregate) -> None:
        self.log.take_aggregate(aggregate)
        for tell in self.on_aggregate:
            tell(self, aggregate.id)


def _listing(symbol: str, snapshot: OrderBookSnapshot | None) -> Listing:
    """A listing whose steps fit the recorded order book."""
    listing = list_symbol(symbol)
    if snapshot is None or not snapshot.raw_bids:
        return listing
    levels = snapshot.raw_bids + snapshot.raw_asks
    tick, lot = (_step([scaled(level[place]) for level in levels]) for place in (0, 1))
    return replace(listing, price=scaled(snapshot.raw_bids[0][0]), tick=tick, lot=lot)


def _step(amounts: list[int]) -> int:
    """The largest power of ten that divides all amounts."""
    step, common = 1, gcd(*amounts)
    while common and common % (step * 10) == 0:
        step *= 10
    return step


def _amount(value: Decimal) -> int:
    return int(value.scaleb(8))
