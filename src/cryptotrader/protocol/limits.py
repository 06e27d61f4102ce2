"""What may be sent when: budgets that answer "how long must I wait", and never block.

Times are seconds: of any monotonic clock for messages and connections, of Unix time for weights, whose windows Binance
aligns to the wall clock.

Source: Binance Spot documentation, "Rate limits" and "General WSS information".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from cryptotrader.models.base_models import RateLimit, RateLimitType


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


def connection_budget() -> SlidingBudget:
    """Connection attempts of one address: 300 in 5 minutes, one kept aside against clocks that differ."""
    return SlidingBudget(299, 301.0)


class WeightBudget:
    """Request weight of one address in fixed windows, corrected by the counts that the server sends.

    A refusal with ``retryAfter`` closes the budget until then.
    """

    def __init__(self, limit: int = 6000, window: int = 60) -> None:
        self._limit = limit
        self._window = window
        self._index = -1
        self._used = 0
        self._in_flight = 0
        self._closed_until = 0.0

    @property
    def used(self) -> int:
        """Weight used in the current window, requests on their way included."""
        return self._used + self._in_flight

    def wait(self, weight: int, now: float) -> float:
        """Seconds until ``weight`` may be spent; 0 when it may be spent now."""
        if now < self._closed_until:
            return self._closed_until - now
        self._turn(now)
        if self.used + weight <= self._limit or self.used == 0:
            return 0.0
        return (self._index + 1) * self._window - now

    def spend(self, weight: int, now: float) -> None:
        """Count a request that is being sent."""
        self._turn(now)
        self._in_flight += weight

    def settle(self, weight: int, now: float, *, charged: bool) -> None:
        """Count a request as answered or lost; ``charged`` tells whether its weight stays."""
        self._turn(now)
        self._in_flight = max(0, self._in_flight - weight)
        if charged:
            self._used += weight

    def learn(self, limits: Iterable[RateLimit], now: float) -> None:
        """Take over what the server says about limits and use."""
        for limit in limits:
            seconds = limit.interval.seconds * limit.interval_num
            if limit.rate_limit_type is not RateLimitType.REQUEST_WEIGHT or seconds != self._window:
                continue
            self._limit = limit.limit
            if limit.count is not None:
                self._turn(now)
                self._used = limit.count

    def close_until(self, moment: float) -> None:
        """Allow nothing before ``moment`` (Unix time)."""
        self._closed_until = max(self._closed_until, moment)

    def _turn(self, now: float) -> None:
        index = int(now // self._window)
        if index != self._index:
            self._index = index
            self._used = 0


@dataclass(slots=True)
class _OrderWindow:
    limit: int
    index: int = -1
    used: int = 0

    def turn(self, seconds: int, now: float) -> None:
        index = int(now // seconds)
        if index != self.index:
            self.index, self.used = index, 0


class OrderBudget:
    """Unfilled orders of one account in fixed windows, corrected by the counts that the server sends.

    The limits that Binance documents hold until the first reply tells the account's own.
    """

    def __init__(self) -> None:
        self._windows = {10: _OrderWindow(50), 86_400: _OrderWindow(160_000)}
        self._in_flight = 0
        self._closed_until = 0.0

    def wait(self, orders: int, now: float) -> float:
        """Seconds until ``orders`` more may be sent; 0 when they may be sent now."""
        if orders == 0:
            return 0.0
        delay = max(0.0, self._closed_until - now)
        for seconds, window in self._windows.items():
            window.turn(seconds, now)
            if window.used + self._in_flight + orders > window.limit and window.used + self._in_flight > 0:
                delay = max(delay, (window.index + 1) * seconds - now)
        return delay

    def spend(self, orders: int) -> None:
        """Count orders that are being sent."""
        self._in_flight += orders

    def settle(self, orders: int, now: float, *, charged: bool) -> None:
        """Count orders as answered or lost; ``charged`` tells whether the server has not told its own count."""
        self._in_flight = max(0, self._in_flight - orders)
        if charged:
            for seconds, window in self._windows.items():
                window.turn(seconds, now)
                window.used += orders

    def learn(self, limits: Iterable[RateLimit], now: float) -> bool:
        """Take over what the server says of order limits and use; tells whether it said any."""
        told = False
        for limit in limits:
            if limit.rate_limit_type is not RateLimitType.ORDERS:
                continue
            seconds = limit.interval.seconds * limit.interval_num
            window = self._windows.setdefault(seconds, _OrderWindow(limit.limit))
            window.limit = limit.limit
            if limit.count is not None:
                window.turn(seconds, now)
                window.used = limit.count
                told = True
        return told

    def close_until(self, moment: float) -> None:
        """Allow no order before ``moment`` (Unix time)."""
        self._closed_until = max(self._closed_until, moment)
