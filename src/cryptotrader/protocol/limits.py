"""What may be sent when: budgets that answer "how long must I wait", and never block.

Times are seconds: of any monotonic clock for messages and connections, of Unix time for weights, whose windows Binance
aligns to the wall clock.

Source: Binance Spot documentation, "Rate limits" and "General WSS information".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

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
