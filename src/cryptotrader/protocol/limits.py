"""What may be sent when: budgets that answer "how long must I wait", and never block.

Times are seconds: of any monotonic clock for messages and connections, of the exchange's Unix time for weights and
orders, whose windows Binance aligns to its clock.

Source: Binance Spot documentation, "Rate limits", "General WSS information" and "User Data Stream subscription".
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptotrader.models.base_models import RateLimit, RateLimitType

_WEIGHT = RateLimitType.REQUEST_WEIGHT
_ORDERS = RateLimitType.ORDERS
_RESERVED_PART = 20
_SCARCE_PART = 10


class SlidingBudget:
    """At most ``limit`` events in any ``window`` seconds."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit = limit
        self.window = window
        self._spent: deque[float] = deque()

    def wait(self, now: float, *, keep: int = 0) -> float:
        """Seconds until one more event is allowed while ``keep`` stay in reserve; 0 when it is allowed now."""
        while self._spent and self._spent[0] <= now - self.window:
            self._spent.popleft()
        excess = len(self._spent) - (self.limit - keep)
        return 0.0 if excess < 0 else self._spent[excess] + self.window - now

    def spend(self, now: float) -> None:
        """Count one event."""
        self._spent.append(now)


def message_budget() -> SlidingBudget:
    """Client messages on a stream connection: 5 per second, the window widened against jitter on the way."""
    return SlidingBudget(5, 1.1)


MOST_SUBSCRIPTIONS = 1_000
"""Accounts whose user data one connection may be sent at a time."""


def connection_budget() -> SlidingBudget:
    """Connection attempts of one address: 300 in 5 minutes, one kept aside against clocks that differ."""
    return SlidingBudget(299, 301.0)


GUARD_SECONDS = 0.2
"""How near to a boundary between two windows a request may arrive on its other side: clocks differ, and ways vary."""


class _FixedWindow:
    """Use of a limit in windows that begin at multiples of their length, by the exchange's clock.

    What is counted shortly before a boundary counts on both sides of it, and shortly after one the window before it
    still counts: so the limit holds on whichever side of the boundary the exchange counts.

    Args:
        seconds: Length.
        limit: Most that may be used.

    Attributes:
        seconds: Length.
        limit: Most that may be used.
        used: In the present window.
    """

    __slots__ = ("_before", "_begin", "_earliest", "_end", "_late", "limit", "seconds", "used")

    def __init__(self, seconds: int, limit: int) -> None:
        self.seconds = seconds
        self.limit = limit
        self.used = 0
        self._late = 0  # the part of used that was counted shortly before the window's end
        self._before = 0  # used in the window before, apart from what was late
        self._begin = self._end = self._earliest = 0.0

    def turn(self, now: float) -> None:
        """Go on to the window of now.

        A clock that is corrected may go back a little, and windows do not; when it goes back by more than a window it
        was wrong, and what was used counts for the window of now.
        """
        if self._earliest <= now < self._end:
            return
        begin = now // self.seconds * self.seconds
        follows = begin == self._end
        self._before = self.used - self._late if follows else 0
        if now >= self._end:
            self.used = self._late if follows else 0
        self._late, self._begin, self._end = 0, begin, begin + self.seconds
        self._earliest = begin - self.seconds

    def wait(self, amount: int, in_flight: int, now: float, kept: int = 0) -> float:
        """Seconds until ``amount`` more may be sent while ``kept`` stay in reserve.

        What exceeds the limit by itself goes when nothing else does.
        """
        if not self._earliest <= now < self._end:
            self.turn(now)
        using, limit = self.used + in_flight, self.limit - kept
        if using and using + amount > limit:
            return self._end + GUARD_SECONDS - now
        if self._before and now < self._begin + GUARD_SECONDS and self._before + using + amount > limit:
            return self._begin + GUARD_SECONDS - now
        return 0.0

    def count(self, amount: int, now: float) -> None:
        """Something was used."""
        self.turn(now)
        self.used += amount
        if now >= self._end - GUARD_SECONDS:
            self._late += amount

    def learn(self, used: int, now: float) -> None:
        """The exchange tells what is used; near the end of the window it may have begun the next one."""
        if now >= self._end:
            self.turn(now)
        if now >= self._end - GUARD_SECONDS:
            self._late = used if used < self.used else self._late + used - self.used
        self.used = used


class WeightBudget:
    """Request weight of one address in fixed windows, corrected by the counts that the server sends.

    A refusal with ``retryAfter`` closes the budget until then. A twentieth is kept in reserve, so that what reads does
    not stand in the way of what cancels.
    """

    def __init__(self, limit: int = 6000, window: int = 60) -> None:
        self._window = _FixedWindow(window, limit)
        self._in_flight = 0
        self._closed_until = 0.0

    @property
    def used(self) -> int:
        """Weight used in the current window, requests on their way included."""
        return self._window.used + self._in_flight

    @property
    def is_scarce(self) -> bool:
        """Whether so much is used that it matters where the window ends."""
        return self.used * _SCARCE_PART >= self._window.limit

    def wait(self, weight: int, now: float, *, keeps: bool = False) -> float:
        """Seconds until ``weight`` may be spent, of all or of what the reserve leaves; 0 when it may be spent now."""
        if now < self._closed_until:
            return self._closed_until - now
        kept = self._window.limit // _RESERVED_PART if keeps else 0
        return self._window.wait(weight, self._in_flight, now, kept)

    def spend(self, weight: int) -> None:
        """Count a request that is being sent."""
        self._in_flight += weight

    def settle(self, weight: int, now: float, *, charged: bool) -> None:
        """Count a request as answered or lost; ``charged`` tells whether its weight stays."""
        self._in_flight = max(0, self._in_flight - weight)
        if charged:
            self._window.count(weight, now)

    def learn(self, limits: Iterable[RateLimit], now: float) -> None:
        """Take over what the server says about limits and use."""
        for limit in limits:
            if limit.rate_limit_type is not _WEIGHT or limit.seconds != self._window.seconds:
                continue
            self._window.limit = limit.limit
            if limit.count is not None:
                self._window.learn(limit.count, now)

    def close_until(self, moment: float) -> None:
        """Allow nothing before ``moment`` (Unix time)."""
        self._closed_until = max(self._closed_until, moment)


class OrderBudget:
    """Unfilled orders of one account in fixed windows, corrected by the counts that the server sends.

    The limits that Binance documents hold until the first reply tells the account's own.
    """

    def __init__(self) -> None:
        self._windows = {10: _FixedWindow(10, 50), 86_400: _FixedWindow(86_400, 160_000)}
        self._in_flight = 0
        self._closed_until = 0.0

    def wait(self, orders: int, now: float) -> float:
        """Seconds until ``orders`` more may be sent; 0 when they may be sent now."""
        if orders == 0:
            return 0.0
        delay = self._closed_until - now if now < self._closed_until else 0.0
        for window in self._windows.values():
            if (longer := window.wait(orders, self._in_flight, now)) > delay:
                delay = longer
        return delay

    def spend(self, orders: int) -> None:
        """Count orders that are being sent."""
        self._in_flight += orders

    def settle(self, orders: int, now: float, *, charged: bool) -> None:
        """Count orders as answered or lost; ``charged`` tells whether the server has not told its own count."""
        self._in_flight = max(0, self._in_flight - orders)
        if charged:
            for window in self._windows.values():
                window.count(orders, now)

    def learn(self, limits: Iterable[RateLimit], now: float) -> bool:
        """Take over what the server says of order limits and use; tells whether it said any."""
        told = False
        for limit in limits:
            if limit.rate_limit_type is not _ORDERS or limit.seconds <= 0:  # none, or of a length that nobody knows
                continue
            window = self._windows.get(limit.seconds)
            if window is None:
                window = self._windows[limit.seconds] = _FixedWindow(limit.seconds, limit.limit)
            window.limit = limit.limit
            if limit.count is not None:
                window.learn(limit.count, now)
                told = True
        return told

    def close_until(self, moment: float) -> None:
        """Allow no order before ``moment`` (Unix time)."""
        self._closed_until = max(self._closed_until, moment)


@dataclass
class AddressBudgets:
    """What Binance counts per address, shared by all connections of a process to one host.

    Attributes:
        connections: Connection attempts.
        weights: Request weight.
        orders: Unfilled orders, by API key: Binance counts them for each account.
    """

    connections: SlidingBudget = field(default_factory=connection_budget)
    weights: WeightBudget = field(default_factory=WeightBudget)
    orders: defaultdict[str, OrderBudget] = field(default_factory=lambda: defaultdict(OrderBudget))
