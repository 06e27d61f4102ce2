"""One symbol's market: orders come in, trades and book changes come out, by price-time priority.

The crowd's orders (LIMIT, LIMIT_MAKER and MARKET with GTC, IOC and FOK) are matched here from beginning to end. Orders
of accounts belong to a desk, which calls `Market.match` and `Market.rest` and is told of each of their fills.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from cryptotrader.models.base_models import OrderType, SymbolInfo, SymbolStatus, TimeInForce
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.simulator.venue.book import Book, BookState, Order
from cryptotrader.simulator.venue.buckets import Buckets, BucketsState
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.symbols import Listing, symbol_info
from cryptotrader.simulator.venue.trade_log import TradeLog, TradeLogState, VenueTrade
from cryptotrader.simulator.venue.triggers import Triggers

KEPT_BLOCK_TRADES = 1000


class OrderDesk(Protocol):
    """Who keeps the orders of accounts.

    Attributes:
        fired: Orders whose trigger was reached.
    """

    fired: deque[AccountOrder]

    def prevent(self, market: Market, taker: AccountOrder, maker: Order, now_us: int, /) -> bool:
        """Keep two orders from trading with each other; ``False`` when they may."""

    def filled(self, market: Market, taker: AccountOrder | None, maker: Order, fill: VenueTrade, /) -> None:
        """A trade in which an account has part."""

    def attend(self, now_us: int, /) -> None:
        """Do what the crowd's order led to: triggered orders, pending legs, account positions."""


class MarketState(Struct, frozen=True, kw_only=True):
    """One market as it is saved; ``waiting`` are the orders that wait for a price, in order."""

    status: SymbolStatus
    info: SymbolInfo
    book: BookState
    log: TradeLogState
    buckets: BucketsState
    last_price: int
    last_quantity: int
    last_trade_us: int
    next_order_id: int
    next_block_id: int
    block_trades: list[VenueTrade]
    waiting: list[int]


class NoOrders:
    """The desk of a market in which accounts have no part: there is never anything to do."""

    def __init__(self) -> None:
        self.fired: deque[AccountOrder] = deque()

    def prevent(self, _market: Market, _taker: AccountOrder, _maker: Order, _now_us: int, /) -> bool:
        """No orders of one owner meet."""
        return False

    def filled(self, _market: Market, _taker: AccountOrder | None, _maker: Order, _fill: VenueTrade, /) -> None:
        """No account trades."""

    def attend(self, _now_us: int, /) -> None:
        """No account is touched."""


@dataclass(slots=True)
class OrderResult:
    """What an order of the crowd did at once.

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
        desk: Who keeps the orders of accounts; without one there are none.

    Attributes:
        status: Trading phase.
        info: Rules of the symbol, as ``exchangeInfo`` shows them and as they are enforced.
        triggers: Orders that wait for a price.
        book: Resting orders.
        log: Past trades.
        buckets: Past trades summed up.
        on_trade: Told of each trade.
        on_change: Told after each order or cancel that changed the book.
        on_aggregate: Told the id of each aggregate trade once it is whole.
        on_block_trade: Told of each block trade.
    """

    def __init__(self, listing: Listing, first_trade_id: int, desk: OrderDesk | None = None) -> None:
        self.listing = listing
        self.info = symbol_info(listing)
        self.status = SymbolStatus.TRADING
        self._desk = desk or NoOrders()
        self.triggers = Triggers(self._desk.fired)
        self._met_account = False
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
        number = self.new_order_id()
        opposite = self.book.side(not is_buy)
        is_market = type is OrderType.MARKET
        crosses = self.crosses(price, is_buy=is_buy) if not is_market else opposite.best is not None
        if type is OrderType.LIMIT_MAKER and crosses:
            return OrderResult(number, OrderStatus.REJECTED)
        if time_in_force is TimeInForce.FOK and not is_market and opposite.available(price, quantity) < quantity:
            return OrderResult(number, OrderStatus.EXPIRED)
        result, remaining = OrderResult(number, OrderStatus.NEW), quantity
        if crosses:
            remaining, result.trade_ids = self._match(is_buy, None if is_market else price, quantity, now_us)
            result.executed = quantity - remaining
        if remaining == 0:
            result.status = OrderStatus.FILLED
        elif is_market or time_in_force is not TimeInForce.GTC:
            result.status = OrderStatus.EXPIRED
        else:
            self.book.rest(Order(number, is_buy, price, remaining))
            result.status = OrderStatus.PARTIALLY_FILLED if result.executed else OrderStatus.NEW
        self.tell_change()
        if self._met_account or self.triggers.fired:
            self._met_account = False
            self._desk.attend(now_us)
        return result

    def new_order_id(self) -> int:
        """Draw an order id."""
        number = self.next_order_id
        self.next_order_id = number + 1
        return number

    def crosses(self, price: int, *, is_buy: bool) -> bool:
        """Whether an order at a price would find a counterpart."""
        best = self.book.side(not is_buy).best
        return best is not None and (best <= price if is_buy else best >= price)

    def match(self, order: AccountOrder, limit: int | None, now_us: int) -> None:
        """Match an account's order, of this symbol or routed here, up to a price; its desk is told of each fill."""
        self._match(order.is_buy, limit, order.remaining, now_us, order)
        self._met_account = False

    def rest(self, order: AccountOrder) -> None:
        """Put what is left of an account's order on the book."""
        shown = min(order.iceberg_quantity or order.remaining, order.remaining)
        order.hidden = order.remaining - shown
        self.book.rest(Order(order.id, order.is_buy, order.limit, shown, order))

    def tell_change(self) -> None:
        """The book may have changed."""
        for tell in self.on_change:
            tell(self)

    def cancel(self, order_id: int) -> bool:
        """Cancel an order of the crowd; ``False`` when it rests no more."""
        order = self.book.find(order_id)
        if order is None or order.owner is not None:
            return False
        self.book.cancel(order_id)
        self.tell_change()
        return True

    def block_trade(self, quantity: int, now_us: int, *, is_buyer_maker: bool) -> None:
        """Record a trade agreed on outside the book, at the last price; block trades have ids of their own."""
        symbol = self.listing.symbol
        trade = VenueTrade(symbol, self._next_block_id, self.last_price, quantity, now_us, is_buyer_maker)
        self._next_block_id += 1
        self.block_trades.append(trade)
        for tell in self.on_block_trade:
            tell(trade)

    def _match(
        self,
        is_buy: bool,  # noqa: FBT001 - hot path
        limit: int | None,
        quantity: int,
        now_us: int,
        taker: AccountOrder | None = None,
    ) -> tuple[int, list[int]]:
        """Match until the limit; returns what is left and the trades."""
        book, log, triggers = self.book, self.log, self.triggers
        side = book.side(not is_buy)
        remaining, previous = quantity, None
        trade_ids: list[int] = []
        while remaining and side.keys:
            price = side.best
            if price is None or (limit is not None and (price > limit if is_buy else price < limit)):
                break
            level = side.levels[price]
            maker = level.front()
            if taker is not None and maker.owner is not None and self._desk.prevent(self, taker, maker, now_us):
                remaining = taker.remaining
                continue
            if price != previous and previous is not None:
                self._tell_aggregate()
            filled = book.fill(side, level, maker, remaining)
            number = log.append(price, filled, now_us, not is_buy, continues=price == previous)
            self.buckets.add(number, price, filled, now_us, not is_buy)
            remaining -= filled
            trade_ids.append(number)
            self.last_price, self.last_quantity, self.last_trade_us = price, filled, now_us
            previous = price
            if self.on_trade or taker is not None or maker.owner is not None:
                trade = VenueTrade(self.listing.symbol, number, price, filled, now_us, not is_buy)
                for tell in self.on_trade:
                    tell(trade)
                if taker is not None or maker.owner is not None:
                    self._met_account = True
                    self._desk.filled(self, taker, maker, trade)
            if triggers.waiting:
                triggers.see(price, now_us)
        if previous is not None:
            self._tell_aggregate()
        return remaining, trade_ids

    def _tell_aggregate(self) -> None:
        if self.on_aggregate:
            number = self.log.aggregate_ids[-1]
            for tell in self.on_aggregate:
                tell(self, number)

    def dump(self) -> MarketState:
        """All that it remembers."""
        return MarketState(
            status=self.status,
            info=self.info,
            book=self.book.dump(),
            log=self.log.dump(),
            buckets=self.buckets.dump(),
            last_price=self.last_price,
            last_quantity=self.last_quantity,
            last_trade_us=self.last_trade_us,
            next_order_id=self.next_order_id,
            next_block_id=self._next_block_id,
            block_trades=list(self.block_trades),
            waiting=list(self.triggers.waiting),
        )

    def load(self, state: MarketState, owners: Mapping[int, AccountOrder]) -> None:
        """Go on from a state; ``owners`` are the records of accounts by order id."""
        self.status, self.info = state.status, state.info
        self.book.load(state.book, owners)
        self.log.load(state.log)
        self.buckets.load(state.buckets)
        self.last_price, self.last_quantity = state.last_price, state.last_quantity
        self.last_trade_us, self.next_order_id = state.last_trade_us, state.next_order_id
        self._next_block_id = state.next_block_id
        self.block_trades.extend(state.block_trades)
        for number in state.waiting:
            self.triggers.add(owners[number])
