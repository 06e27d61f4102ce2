"""How many unfilled orders an account has sent in: the limits that no weight measures.

Source: Binance Spot documentation, "Unfilled Order Count" and its rules of counting.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from cryptotrader.models.base_models import RateLimit, RateLimitInterval, RateLimitType
from cryptotrader.simulator.limits import LIMITED, Excess, ExchangeLimits
from cryptotrader.simulator.venue.events import AccountEvent, ExecutionReport

TOO_MANY_ORDERS = -1015
_FILLED_AS_TAKER, _FILLED_AS_MAKER = 1, 5
"""How much the first fill of an order takes from the count."""


class DayCounts(Struct, frozen=True):
    """What accounts sent in on a day, as it is saved: days since 1970 in UTC, and counts by uid."""

    day: int
    counts: dict[int, int]


class _Window:
    """The counts of all accounts in one interval of the wall clock."""

    def __init__(self, interval: RateLimitInterval, number: int, limit: int) -> None:
        self.name = f"{number} {interval}"
        self.limit = limit
        self._interval, self._number = interval, number
        self._length_us = interval.seconds * number * 1_000_000
        self._current = -1
        self._counts: dict[int, int] = {}

    def count(self, uid: int, now_us: int) -> int:
        """How much an account has sent in."""
        if (current := now_us // self._length_us) != self._current:
            self._current = current
            self._counts.clear()
        return self._counts.get(uid, 0)

    def add(self, uid: int, change: int, now_us: int) -> None:
        """Count more, or less; a count never falls below zero."""
        self._counts[uid] = max(0, self.count(uid, now_us) + change)

    def dump(self) -> DayCounts:
        """What it remembers."""
        return DayCounts(self._current, dict(self._counts))

    def load(self, saved: DayCounts) -> None:
        """Go on from what was saved; it is over when the day is."""
        self._current, self._counts = saved.day, dict(saved.counts)

    def end_us(self, now_us: int) -> int:
        """When the count begins anew."""
        return (now_us // self._length_us + 1) * self._length_us

    def shown(self, uid: int, now_us: int) -> RateLimit:
        """As replies tell it."""
        return RateLimit(
            rate_limit_type=RateLimitType.ORDERS,
            interval=self._interval,
            interval_num=self._number,
            limit=self.limit,
            count=self.count(uid, now_us),
        )


class OrderCounts:
    """The unfilled order counts of all accounts, in every interval.

    Args:
        limits: How many are allowed.
        clock: Unix time in microseconds.
    """

    def __init__(self, limits: ExchangeLimits, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._short = _Window(RateLimitInterval.SECOND, 10, limits.orders)
        self._day = _Window(RateLimitInterval.DAY, 1, limits.orders_a_day)

    def dump(self) -> DayCounts:
        """What is still counted when the exchange starts anew: the orders of the day."""
        return self._day.dump()

    def load(self, saved: DayCounts) -> None:
        """Go on counting the orders of a day."""
        self._day.load(saved)

    def excess(self, uid: int, orders: int) -> Excess | None:
        """Which limit so many more orders would exceed, if any."""
        now_us = self._clock()
        for window in (self._short, self._day):
            if window.count(uid, now_us) + orders > window.limit:
                text = f"Too many new orders; current limit is {window.limit} orders per {window.name}."
                return Excess(LIMITED, text, window.end_us(now_us), TOO_MANY_ORDERS)
        return None

    def add(self, uid: int, orders: int) -> None:
        """Count orders; the short interval stands still while the day's limit is reached."""
        now_us = self._clock()
        if self._day.count(uid, now_us) < self._day.limit:
            self._short.add(uid, orders, now_us)
        self._day.add(uid, orders, now_us)

    def see(self, event: AccountEvent) -> None:
        """The first fill of an order lowers the count of now; a listener of the venue's desk."""
        if isinstance(event, ExecutionReport) and event.is_first_fill and event.execution is not None:
            change = _FILLED_AS_MAKER if event.execution.is_maker else _FILLED_AS_TAKER
            now_us = self._clock()
            for window in (self._short, self._day):
                window.add(event.uid, -change, now_us)

    def shown(self, uid: int) -> list[RateLimit]:
        """As replies tell them."""
        now_us = self._clock()
        return [window.shown(uid, now_us) for window in (self._short, self._day)]
