"""Who trades: a maker that quotes around a wandering fair price, and takers that hit the quotes.

Every step is drawn from one seeded generator, so the same seed makes the same market.
"""

from __future__ import annotations

from collections import deque
from random import Random

from msgspec import Struct

from cryptotrader.models.base_models import OrderType
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.simulator.venue.market import Market

_FEWEST_LEVELS = 10
_LARGE_TAKES = 0.02
_BLOCK_TRADE_EVERY = 2003
_BLOCK_TRADE_SIZE = 500


class CrowdState(Struct, frozen=True, kw_only=True):
    """The participants of one market as they are saved."""

    depth: int
    fair: int
    bids: list[int]
    asks: list[int]


class Crowd:
    """The participants of one market.

    Args:
        market: Where they trade.
        random: The generator they share with the other crowds.
        depth: Orders that the maker keeps on each side.
    """

    def __init__(self, market: Market, random: Random, depth: int) -> None:
        self._market = market
        self._random = random
        self._tick = market.listing.tick
        self._lot = market.listing.lot
        self._typical = market.listing.typical // market.listing.lot
        self._fair = market.listing.price
        self._depth = depth
        self._grid = max(1, market.listing.price // 200_000 // self._tick)  # ticks between quotes and of the walk
        self._quotes: dict[bool, deque[int]] = {True: deque(), False: deque()}

    def begin(self, now_us: int) -> None:
        """Place the first quotes."""
        for side in (True, False):
            self._fill_up(is_buy=side, now_us=now_us)

    def dump(self) -> CrowdState:
        """What they remember."""
        return CrowdState(
            depth=self._depth, fair=self._fair, bids=list(self._quotes[True]), asks=list(self._quotes[False])
        )

    def load(self, state: CrowdState) -> None:
        """Go on from a state."""
        self._fair = state.fair
        self._quotes = {True: deque(state.bids), False: deque(state.asks)}

    def step(self, now_us: int) -> None:
        """One arrival: the fair price moves, a quote is renewed, and a taker comes."""
        draw = self._random.random
        self._fair = max(self._tick * 50, self._fair + round((draw() - 0.5) * 2 * self._grid) * self._tick)
        is_buy = self._random.getrandbits(1) == 1
        self._renew(is_buy=not is_buy, now_us=now_us)
        side = self._market.book.side(not is_buy)
        if len(side) < _FEWEST_LEVELS:
            self._fill_up(is_buy=not is_buy, now_us=now_us)
        best = side.best
        if best is None:
            return
        # mostly small takes, now and then one that eats through several orders
        lots = 1 + int(self._typical * draw() ** 4 * (8 if draw() < _LARGE_TAKES else 1))
        self._market.place(is_buy=is_buy, type=OrderType.MARKET, quantity=lots * self._lot, now_us=now_us)
        if self._market.log.next_id % _BLOCK_TRADE_EVERY == 0:
            size = self._typical * self._lot * _BLOCK_TRADE_SIZE
            self._market.block_trade(size, now_us, is_buyer_maker=not is_buy)

    def _renew(self, *, is_buy: bool, now_us: int) -> None:
        """Place one new quote near the fair price; take back the oldest ones, and those on the wrong side of it."""
        market, quotes = self._market, self._quotes[is_buy]
        side = market.book.side(is_buy)
        best = side.best
        if best is not None and (best > self._fair if is_buy else best < self._fair):
            resting = side.levels[best].orders
            stale = next((order for order in resting if order.remaining and order.owner is None), None)
            if stale is not None:
                market.cancel(stale.id)
        distance = 1 + int(self._random.random() ** 3 * self._depth)
        self._quote(is_buy, distance, now_us)
        while len(quotes) > self._depth:
            market.cancel(quotes.popleft())

    def _fill_up(self, *, is_buy: bool, now_us: int) -> None:
        for distance in range(1, self._depth + 1):
            self._quote(is_buy, distance, now_us)
        while len(self._quotes[is_buy]) > 2 * self._depth:
            self._market.cancel(self._quotes[is_buy].popleft())

    def _quote(self, is_buy: bool, distance: int, now_us: int) -> None:  # noqa: FBT001 - hot path
        market = self._market
        away = (distance * self._grid - int(self._random.random() * self._grid)) * self._tick
        price = self._fair - away if is_buy else self._fair + away
        best = market.book.side(not is_buy).best
        if best is not None:  # join the own side's front rather than cross
            price = min(price, best - self._tick) if is_buy else max(price, best + self._tick)
        if price <= 0:
            return
        lots = 1 + int(self._typical * (0.5 + self._random.random() * 2))
        result = market.place(
            is_buy=is_buy, type=OrderType.LIMIT_MAKER, price=price, quantity=lots * self._lot, now_us=now_us
        )
        if result.status is OrderStatus.NEW:
            self._quotes[is_buy].append(result.order_id)
