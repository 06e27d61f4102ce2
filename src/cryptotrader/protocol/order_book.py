"""A local order book: a snapshot, kept current by diffs, or an error that says it must be built anew.

Prices and quantities are integers at 10^-8, Binance's precision, found once per distinct text; they become ``Decimal``
only when read.

Source: Binance Spot documentation, "How to manage a local order book correctly".
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from decimal import Decimal

from cryptotrader.errors import BookOutOfSync
from cryptotrader.models.base_models import PriceLevel
from cryptotrader.models.market_models import DepthUpdateEvent, OrderBookSnapshot, RawLevel

SCALE = 8
_UNIT = Decimal(1).scaleb(-SCALE)
_CACHED_TEXTS = 200_000


def scaled(text: str) -> int:
    """The exact integer of a decimal text at 10^-8.

    Raises:
        ValueError: The text is no decimal, or has more than eight digits after the point.
    """
    whole, _, fraction = text.partition(".")
    if not whole:
        raise ValueError(f"{text!r} is not a decimal number")
    if len(fraction) > SCALE and fraction[SCALE:].strip("0"):
        raise ValueError(f"{text!r} has more than {SCALE} decimals")
    return int(whole + fraction[:SCALE].ljust(SCALE, "0"))


class _Side:
    """One side's levels: quantities by price, and the prices in order with the best one last."""

    def __init__(self, sign: int) -> None:
        self._sign = sign  # bids ascend as they are, asks ascend negated, so that the best price is last on both
        self.quantities: dict[int, int] = {}
        self.keys: list[int] = []

    def set(self, price: int, quantity: int) -> None:
        if quantity:
            if price not in self.quantities:
                insort(self.keys, price * self._sign)
            self.quantities[price] = quantity
        elif self.quantities.pop(price, None) is not None:
            del self.keys[bisect_left(self.keys, price * self._sign)]

    def replace(self, levels: list[tuple[int, int]]) -> None:
        self.quantities = dict(levels)
        self.keys = sorted(price * self._sign for price in self.quantities)

    def best(self, count: int) -> list[PriceLevel]:
        prices = [key * self._sign for key in reversed(self.keys[-count:])] if count else []
        return [PriceLevel(price * _UNIT, self.quantities[price] * _UNIT) for price in prices]


class OrderBook:
    """One symbol's book.

    Feed every diff to ``apply`` from the moment of subscription, then give a snapshot to ``restore``; diffs that came
    before it are kept until then.

    Attributes:
        symbol: In upper case.
        update_id: Last update the book contains; ``None`` while it has no snapshot.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol.upper()
        self.update_id: int | None = None
        self._bids = _Side(1)
        self._asks = _Side(-1)
        self._waiting: deque[DepthUpdateEvent] = deque()
        self._scaled: dict[str, int] = {}

    @property
    def best_bid(self) -> PriceLevel | None:
        """Highest bid."""
        return next(iter(self._bids.best(1)), None)

    @property
    def best_ask(self) -> PriceLevel | None:
        """Lowest ask."""
        return next(iter(self._asks.best(1)), None)

    def levels(self, count: int) -> tuple[list[PriceLevel], list[PriceLevel]]:
        """The best ``count`` bids and asks, best first."""
        return self._bids.best(count), self._asks.best(count)

    def restore(self, snapshot: OrderBookSnapshot) -> bool:
        """Start from a snapshot and the diffs kept since; ``False`` when the snapshot is older than the first of them.

        Raises:
            BookOutOfSync: The kept diffs have a hole.
        """
        if self._waiting and snapshot.last_update_id < self._waiting[0].first_update_id - 1:
            return False
        self._bids.replace(self._levels(snapshot.raw_bids))
        self._asks.replace(self._levels(snapshot.raw_asks))
        self.update_id = snapshot.last_update_id
        waiting, self._waiting = self._waiting, deque()
        for event in waiting:
            self.apply(event)
        return True

    def apply(self, event: DepthUpdateEvent) -> None:
        """Take one diff.

        Raises:
            BookOutOfSync: Diffs are missing before this one; the book is empty again and waits for a snapshot.
        """
        if self.update_id is None:
            self._waiting.append(event)
            return
        if event.final_update_id <= self.update_id:
            return
        if event.first_update_id > self.update_id + 1:
            expected = self.update_id + 1
            self.reset()
            self._waiting.append(event)
            raise BookOutOfSync(self.symbol, expected, event.first_update_id)
        for side, levels in ((self._bids, event.raw_bids), (self._asks, event.raw_asks)):
            for price, quantity in levels:
                side.set(self._integer(price), self._integer(quantity))
        self.update_id = event.final_update_id

    def reset(self) -> None:
        """Forget everything and wait for a snapshot."""
        self.update_id = None
        self._bids.replace([])
        self._asks.replace([])
        self._waiting.clear()

    def _levels(self, raw: list[RawLevel]) -> list[tuple[int, int]]:
        return [(self._integer(price), self._integer(quantity)) for price, quantity in raw]

    def _integer(self, text: str) -> int:
        value = self._scaled.get(text)
        if value is None:
            if len(self._scaled) >= _CACHED_TEXTS:
                self._scaled.clear()
            value = self._scaled[text] = scaled(text)
        return value
