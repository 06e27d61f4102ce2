"""A limit order book with price-time priority. Prices and quantities are integers at 10^-8."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator, Mapping

from msgspec import Struct

from cryptotrader.models.base_models import Side
from cryptotrader.simulator.venue.orders import AccountOrder

_FEW = 16
"""So many orders at a price are not worth tidying up."""


class Order:
    """A resting order.

    Attributes:
        id: Order id.
        is_buy: Side.
        price: Limit.
        remaining: Quantity that shows and is not yet filled; 0 once filled or cancelled.
        owner: The account's order that it belongs to; ``None`` for the crowd.
    """

    __slots__ = ("id", "is_buy", "owner", "price", "remaining")

    def __init__(
        self,
        number: int,
        is_buy: bool,  # noqa: FBT001 - hot path
        price: int,
        remaining: int,
        owner: AccountOrder | None = None,
    ) -> None:
        self.id = number
        self.is_buy = is_buy
        self.price = price
        self.remaining = remaining
        self.owner = owner


class RestingOrder(Struct, frozen=True, array_like=True):
    """An order on the book as it is saved; ``is_owned`` tells that an account's record belongs to it."""

    id: int
    is_buy: bool
    price: int
    remaining: int
    is_owned: bool


class BookState(Struct, frozen=True, kw_only=True):
    """A book as it is saved; the orders of each price in the order in which they are filled."""

    update_id: int
    orders: list[RestingOrder]


class Level:
    """The orders at one price, oldest first; cancelled ones stay until they come to the front or are too many.

    Attributes:
        orders: In the order in which they are filled.
        total: Quantity that shows.
        hidden: Quantity of iceberg orders that does not show.
    """

    __slots__ = ("_cancelled", "hidden", "orders", "total")

    def __init__(self) -> None:
        self.orders: deque[Order] = deque()
        self.total = 0
        self.hidden = 0
        self._cancelled = 0

    def front(self) -> Order:
        """The oldest order; those cancelled before it are dropped."""
        orders = self.orders
        while not orders[0].remaining:
            orders.popleft()
            self._cancelled -= 1
        return orders[0]

    def forget_one(self) -> None:
        """An order was cancelled; once they are more than half of all, the cancelled ones are dropped."""
        self._cancelled += 1
        if 2 * self._cancelled > len(self.orders) > _FEW:
            self.orders = deque(order for order in self.orders if order.remaining)
            self._cancelled = 0


class BookSide:
    """One side: levels by price, and the prices in order with the best one last."""

    __slots__ = ("_sign", "changed", "keys", "levels")

    def __init__(self, side: Side) -> None:
        self._sign = 1 if side is Side.BUY else -1  # asks are kept negated, so that the best price is last on both
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.changed: list[set[int]] = []

    @property
    def best(self) -> int | None:
        """Best price."""
        return self.keys[-1] * self._sign if self.keys else None

    def add(self, order: Order) -> None:
        """Queue an order at its price."""
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = Level()
            insort(self.keys, order.price * self._sign)
        level.orders.append(order)
        level.total += order.remaining
        if order.owner is not None:
            level.hidden += order.owner.hidden
        self.touch(order.price)

    def reduce(self, price: int, level: Level, quantity: int) -> None:
        """Take quantity from a level; an empty level goes."""
        level.total -= quantity
        if level.total == 0:
            del self.levels[price]
            key = price * self._sign
            if self.keys[-1] == key:
                self.keys.pop()
            else:
                del self.keys[bisect_left(self.keys, key)]
        self.touch(price)

    def touch(self, price: int) -> None:
        """Tell everyone who collects changes."""
        for changes in self.changed:
            changes.add(price)

    def quantity(self, price: int) -> int:
        """Total at a price; 0 where there is no level."""
        level = self.levels.get(price)
        return 0 if level is None else level.total

    def available(self, limit: int, enough: int) -> int:
        """Quantity up to and including the price ``limit``, hidden or not, counted until it is ``enough``."""
        found = 0
        for key in reversed(self.keys):
            if key < limit * self._sign or found >= enough:
                break
            level = self.levels[key * self._sign]
            found += level.total + level.hidden
        return found

    def price_at(self, depth: int) -> int | None:
        """The price ``depth`` levels behind the best one; ``None`` where there is no level."""
        return self.keys[-1 - depth] * self._sign if depth < len(self.keys) else None

    def by_price(self) -> Iterator[tuple[int, Level]]:
        """Prices and levels, best first."""
        for key in reversed(self.keys):
            price = key * self._sign
            yield price, self.levels[price]

    def orders(self) -> Iterator[Order]:
        """Resting orders in the order in which they would be filled."""
        for _, level in self.by_price():
            for order in level.orders:
                if order.remaining:
                    yield order

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Prices and totals, best first."""
        for price, level in self.by_price():
            yield price, level.total

    def __len__(self) -> int:
        return len(self.keys)


class Book:
    """Both sides of a symbol.

    Attributes:
        update_id: Grows by one with each change of a level.
        known: Whether the book is what it says; a recorded one may have lost its place.
    """

    known = True

    def __init__(self, update_id: int) -> None:
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)
        self.update_id = update_id
        self._orders: dict[int, Order] = {}

    def side(self, is_buy: bool) -> BookSide:  # noqa: FBT001 - hot path
        """The side on which such an order rests."""
        return self.bids if is_buy else self.asks

    def rest(self, order: Order) -> None:
        """Put an order on the book."""
        self._orders[order.id] = order
        self.side(order.is_buy).add(order)
        self.update_id += 1

    def cancel(self, number: int) -> Order | None:
        """Take an order off the book; ``None`` when it rests no more."""
        order = self._orders.pop(number, None)
        if order is None:
            return None
        side = self.side(order.is_buy)
        level = side.levels[order.price]
        quantity, order.remaining = order.remaining, 0
        if order.owner is not None:
            level.hidden -= order.owner.hidden
            order.owner.hidden = 0
        level.forget_one()
        side.reduce(order.price, level, quantity)
        self.update_id += 1
        return order

    def find(self, number: int) -> Order | None:
        """A resting order."""
        return self._orders.get(number)

    def fill(self, side: BookSide, level: Level, maker: Order, quantity: int) -> int:
        """Fill the front order of a level with up to ``quantity``; returns how much."""
        filled = min(quantity, maker.remaining)
        maker.remaining -= filled
        if not maker.remaining:
            level.orders.popleft()
            if maker.owner is not None and maker.owner.hidden:
                self._show_more(level, maker, maker.owner)
            else:
                del self._orders[maker.id]
        side.reduce(maker.price, level, filled)
        self.update_id += 1
        return filled

    def _show_more(self, level: Level, order: Order, owner: AccountOrder) -> None:
        """The next slice of an iceberg order queues behind all others at its price."""
        order.remaining = min(owner.iceberg_quantity, owner.hidden)
        owner.hidden -= order.remaining
        level.hidden -= order.remaining
        level.total += order.remaining
        level.orders.append(order)

    def shrink(self, order: Order, quantity: int) -> None:
        """Take a quantity away from an account's order, which keeps its place; what does not show goes first.

        The quantity is less than the order has left.
        """
        side = self.side(order.is_buy)
        level = side.levels[order.price]
        if order.owner is not None:
            unseen = min(quantity, order.owner.hidden)
            order.owner.hidden -= unseen
            level.hidden -= unseen
            quantity -= unseen
        if quantity:
            order.remaining -= quantity
            side.reduce(order.price, level, quantity)
            self.update_id += 1

    def __contains__(self, number: int) -> bool:
        return number in self._orders

    def __len__(self) -> int:
        return len(self._orders)

    def dump(self) -> BookState:
        """All resting orders."""
        orders = [
            RestingOrder(order.id, order.is_buy, order.price, order.remaining, order.owner is not None)
            for side in (self.bids, self.asks)
            for order in side.orders()
        ]
        return BookState(update_id=self.update_id, orders=orders)

    def load(self, state: BookState, owners: Mapping[int, AccountOrder]) -> None:
        """Go on from a state; ``owners`` are the records of accounts by order id."""
        for item in state.orders:
            owner = owners[item.id] if item.is_owned else None
            self.rest(Order(item.id, item.is_buy, item.price, item.remaining, owner))
        self.update_id = state.update_id
