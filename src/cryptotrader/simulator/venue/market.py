"""One symbol's market: orders come in, trades and book changes come out.

LIMIT, LIMIT_MAKER and MARKET orders with GTC, IOC and FOK, by price-time priority.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptotrader.models.base_models import OpenEnum, OrderType, SymbolStatus, TimeInForce
from cryptotrader.simulator.venue.book import Book, Order
from cryptotrader.simulator.venue.buckets import Buckets
from cryptotrader.simulator.venue.symbols import Listing
from cryptotrader.simulator.venue.trade_log import TradeLog, VenueTrade

KEPT_BLOCK_TRADES = 1000


class OrderStatus(OpenEnum):
    """What became of an order."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


@dataclass(slots=True)
class OrderResult:
    """What an order did at once.

    Attributes:
        order_id: Its id.
        status: Its state afterwards.
        executed: Quantity filled.
        trade_ids: Its trades.
    """

    order_id: int
    status: OrderStatus
    executed: int = 0
    trade_ids: list[int] = field(default_factory=list)


class Market:
    """The matching core of one symbol and what is known of its past.

    Args:
        listing: What is traded.
        first_trade_id: Id of the first trade; order, aggregate and update ids start nearby.

    Attributes:
        status: Trading phase.
        book: Resting orders.
        log: Past trades.
        buckets: Past trades summed up.
        on_trade: Told of each trade.
        on_change: Told after each order or cancel that changed the book.
        on_aggregate: Told the id of each aggregate trade once it is whole.
        on_block_trade: Told of each block trade.
    """

    def __init__(self, listing: Listing, first_trade_id: int) -> None:
        self.listing = listing
        self.status = SymbolStatus.TRADING
        self.book = Book(first_trade_id * 7)
        self.log = TradeLog(listing.symbol, first_trade_id, first_trade_id // 2)
        self.buckets = Buckets()
        self.last_price = listing.price
        self.last_quantity = 0
        self.last_trade_us = 0
        self.next_order_id = first_trade_id * 3
        self.on_trade: list[Callable[[VenueTrade], None]] = []
        self.on_change: list[Callable[[Market], None]] = []
        self.on_aggregate: list[Callable[[Market, int], None]] = []
        self.on_block_trade: list[Callable[[VenueTrade], None]] = []
        self.block_trades: deque[VenueTrade] = deque(maxlen=KEPT_BLOCK_TRADES)
        self._next_block_id = 1

    def place(
        self,
        *,
        is_buy: bool,
        type: OrderType,  # noqa: A002 - Binance's word
        quantity: int,
        now_us: int,
        price: int = 0,
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> OrderResult:
        """Send in an order; quantity and price are on their steps already."""
        number = self.next_order_id
        self.next_order_id = number + 1
        opposite = self.book.side(not is_buy)
        best = opposite.best
        is_market = type is OrderType.MARKET
        crosses = best is not None and (is_market or (best <= price if is_buy else best >= price))
        if type is OrderType.LIMIT_MAKER and crosses:
            return OrderResult(number, OrderStatus.REJECTED)
        if time_in_force is TimeInForce.FOK and not is_market and opposite.available(price, quantity) < quantity:
            return OrderResult(number, OrderStatus.EXPIRED)
        result = OrderResult(number, OrderStatus.NEW)
        if crosses:
            self._match(result, is_buy, None if is_market else price, quantity, now_us)
        remaining = quantity - result.executed
        if remaining == 0:
            result.status = OrderStatus.FILLED
        elif is_market or time_in_force is not TimeInForce.GTC:
            result.status = OrderStatus.EXPIRED
        else:
            self.book.rest(Order(number, is_buy, price, remaining))
            result.status = OrderStatus.PARTIALLY_FILLED if result.executed else OrderStatus.NEW
        for tell in self.on_change:
            tell(self)
        return result

    def cancel(self, order_id: int) -> bool:
        """Cancel an order; ``False`` when it rests no more."""
        if self.book.cancel(order_id) is None:
            return False
        for tell in self.on_change:
            tell(self)
        return True

    def block_trade(self, quantity: int, now_us: int, *, is_buyer_maker: bool) -> None:
        """Record a trade agreed on outside the book, at the last price; block trades have ids of their own."""
        symbol = self.listing.symbol
        trade = VenueTrade(symbol, self._next_block_id, self.last_price, quantity, now_us, is_buyer_maker)
        self._next_block_id += 1
        self.block_trades.append(trade)
        for tell in self.on_block_trade:
            tell(trade)

    def _match(self, result: OrderResult, is_buy: bool, limit: int | None, quantity: int, now_us: int) -> None:  # noqa: FBT001 - hot path
        book, log = self.book, self.log
        side = book.side(not is_buy)
        remaining, previous = quantity, None
        while remaining and side.keys:
            price = side.best
            if price is None or (limit is not None and (price > limit if is_buy else price < limit)):
                break
            if price != previous and previous is not None:
                self._tell_aggregate()
            filled = book.fill_best(side, price, remaining)
            number = log.append(price, filled, now_us, not is_buy, continues=price == previous)
            self.buckets.add(number, price, filled, now_us, not is_buy)
            remaining -= filled
            result.trade_ids.append(number)
            self.last_price, self.last_quantity, self.last_trade_us = price, filled, now_us
            previous = price
            if self.on_trade:
                trade = VenueTrade(self.listing.symbol, number, price, filled, now_us, not is_buy)
                for tell in self.on_trade:
                    tell(trade)
        result.executed = quantity - remaining
        if previous is not None:
            self._tell_aggregate()

    def _tell_aggregate(self) -> None:
        if self.on_aggregate:
            number = self.log.aggregate_ids[-1]
            for tell in self.on_aggregate:
                tell(self, number)
