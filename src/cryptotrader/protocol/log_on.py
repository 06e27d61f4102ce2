"""When a session is to be logged on, and how a refusal is taken: some are final, others pass.

Source: Binance Spot documentation, "Session authentication" and "Error codes".
"""

from __future__ import annotations

from collections.abc import Callable

from cryptotrader.config import Backoff
from cryptotrader.errors import BinanceError, RateLimited, RequestRejected
from cryptotrader.models.base_models import to_micros

_NEVER = float("inf")
_OUT_OF_TIME = -1021


class LogOn:
    """The log-on of one connection, by a key that can log on.

    Args:
        backoff: Delays between attempts.
        random: Evenly distributed numbers in [0, 1), for jitter.

    Attributes:
        due_at: When to ask, by the connection's clock; infinite while there is nothing to ask for.
        needs_clock: Whether the exchange's clock has to be looked at before.
        refusal: Why the key is not taken on this connection: final.
        trouble: Why the last attempt failed, whether or not another follows.
    """

    def __init__(self, backoff: Backoff, random: Callable[[], float]) -> None:
        self._backoff = backoff
        self._random = random
        self.restart()

    def restart(self) -> None:
        """There is another connection, or there will be."""
        self.due_at = 0.0
        self.needs_clock = False
        self.refusal: RequestRejected | None = None
        self.trouble: BinanceError | None = None
        self._failures = 0
        self._is_under_way = False

    def want(self, now: float) -> None:
        """Log on at once, unless that is under way, waits for its time, or was refused for good."""
        if not self._is_under_way and self.refusal is None and self.due_at == _NEVER:
            self.due_at = now

    def revoke(self, now: float) -> None:
        """The exchange does not take the session's key any more: another log-on tells whether that is final."""
        if not self._is_under_way:
            self.due_at = now

    def sent(self) -> None:
        """It is on its way."""
        self.due_at, self._is_under_way = _NEVER, True

    def succeed(self) -> None:
        """The session is logged on."""
        self._is_under_way = False
        self._failures = 0
        self.refusal = self.trouble = None

    def fail(self, error: BinanceError, now: float, exchange_time: float) -> None:
        """It was refused, or no answer came: logging on twice does no harm.

        Args:
            error: What happened.
            now: The time.
            exchange_time: Unix time by the exchange's clock.
        """
        self._is_under_way = False
        self.trouble = error
        if isinstance(error, RequestRejected) and error.is_lasting:
            self.refusal = error
            return
        self._failures += 1
        self.needs_clock = isinstance(error, RequestRejected) and error.code == _OUT_OF_TIME
        if self.needs_clock and self._failures == 1:
            self.due_at = now
            return
        self.due_at = now + retry_delay(error, self._failures, exchange_time, self._backoff, self._random)


def retry_delay(
    error: Exception, failures: int, exchange_time: float, backoff: Backoff, random: Callable[[], float]
) -> float:
    """Seconds until something that failed is tried again: what the exchange asks for, and the back-off at least."""
    delay = backoff.bound(failures) * (0.5 + random() / 2)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return delay + max(0.0, to_micros(error.retry_after) / 1e6 - exchange_time)
    return delay
