"""What the exchange counts per connection and per address, and when it loses patience.

Source: Binance Spot documentation, "General WSS information", "IP limits" and "Rate limits".
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from cryptotrader.errors import ConfigurationError
from cryptotrader.models.base_models import RateLimit, RateLimitInterval, RateLimitType
from cryptotrader.protocol.limits import MOST_SUBSCRIPTIONS, SlidingBudget

_MINUTE_US = 60_000_000
_FIRST_BAN_SECONDS = 120
_LONGEST_BAN_SECONDS = 3 * 86_400
_BANNED = 418
LIMITED = 429
TOO_MUCH_WEIGHT = -1003


@dataclass(frozen=True)
class ExchangeLimits:
    """The documented limits; times are seconds.

    Attributes:
        streams: Streams of one connection.
        messages: Messages, pings and pongs of a client in one ``message_window``, on stream connections.
        message_window: See ``messages``.
        connections: Handshakes of one address in one ``connection_window``.
        connection_window: See ``connections``.
        control_bytes: Control frames and URLs of this many bytes or more get no answer.
        weight: Request weight of one address in each minute of the wall clock.
        connect_weight: Weight of opening a connection for requests.
        orders: Unfilled orders of one account in each ten seconds of the wall clock.
        orders_a_day: Unfilled orders of one account in each day.
        subscriptions: Accounts whose user data one connection may be sent at a time.
        subscription_ids: Subscriptions to user data that one connection may make in its life.
        refusals_before_ban: Requests that an address may send after it was told to wait, before it is banned.
        ping_interval: Between two pings of the exchange.
        pong_timeout: Until a ping that was not answered costs the connection.
        life: Of a connection.
        write_buffer: Bytes that may wait for a slow client before it is dropped.
    """

    streams: int = 1024
    messages: int = 5
    message_window: float = 1.0
    connections: int = 300
    connection_window: float = 300.0
    control_bytes: int = 4_000
    weight: int = 6_000
    connect_weight: int = 2
    orders: int = 50
    orders_a_day: int = 160_000
    subscriptions: int = MOST_SUBSCRIPTIONS
    subscription_ids: int = 65_535
    refusals_before_ban: int = 10
    ping_interval: float = 20.0
    pong_timeout: float = 60.0
    life: float = 86_400.0
    write_buffer: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        wrong = [item.name for item in fields(self) if getattr(self, item.name) <= 0 and item.name != "connect_weight"]
        if wrong or self.connect_weight < 0:
            raise ConfigurationError(f"limits must be positive: {', '.join(wrong or ['connect_weight'])}")

    def scaled(self, time_scale: float) -> ExchangeLimits:
        """The same limits with a connection's life, pings and windows running ``time_scale`` times as fast.

        Minutes of request weight stay minutes: they belong to the wall clock.

        Raises:
            ConfigurationError: ``time_scale`` is not positive.
        """
        if time_scale <= 0:
            raise ConfigurationError("time_scale must be positive")
        return replace(
            self,
            message_window=self.message_window / time_scale,
            connection_window=self.connection_window / time_scale,
            ping_interval=self.ping_interval / time_scale,
            pong_timeout=self.pong_timeout / time_scale,
            life=self.life / time_scale,
        )

    @property
    def shown(self) -> list[RateLimit]:
        """The limits that ``exchangeInfo`` tells."""
        kind, minute = RateLimitType, int(self.connection_window) // 60
        window = (RateLimitInterval.MINUTE, minute) if minute else (RateLimitInterval.SECOND, 1)
        rows = (
            (kind.REQUEST_WEIGHT, RateLimitInterval.MINUTE, 1, self.weight),
            (kind.ORDERS, RateLimitInterval.SECOND, 10, self.orders),
            (kind.ORDERS, RateLimitInterval.DAY, 1, self.orders_a_day),
            (kind.CONNECTIONS, *window, self.connections),
        )
        return [
            RateLimit(rate_limit_type=what, interval=interval, interval_num=number, limit=limit)
            for what, interval, number, limit in rows
        ]


@dataclass(frozen=True)
class Excess:
    """A limit that was passed.

    Attributes:
        status: 429, or 418 for a ban.
        message: Binance's text.
        until_us: When to try again, in microseconds of Unix time.
        code: Binance's error code.
    """

    status: int
    message: str
    until_us: int
    code: int = TOO_MUCH_WEIGHT

    @property
    def is_ban(self) -> bool:
        """Whether the address is shut out and the connection ends."""
        return self.status == _BANNED

    def error(self, now: int, until: int) -> dict[str, Any]:
        """Binance's error object; both times in the unit of the connection."""
        return {"code": self.code, "msg": self.message, "data": {"serverTime": now, "retryAfter": until}}


class AddressLimits:
    """What one address has used. Times are microseconds of Unix time."""

    def __init__(self, limits: ExchangeLimits) -> None:
        self._limits = limits
        self._connections = SlidingBudget(limits.connections, limits.connection_window)
        self._minute = -1
        self._refusals = 0
        self._bans = 0
        self._banned_until_us = 0
        self.weight_used = 0

    def connect(self, now_us: int, weight: int) -> Excess | None:
        """Count a handshake and its weight; tells what it exceeds, if anything."""
        if now_us < self._banned_until_us:
            return self._banned()
        wait = self._connections.wait(now_us / 1e6)
        self._connections.spend(now_us / 1e6)
        if wait > 0:
            return Excess(LIMITED, "Too many connection attempts.", now_us + int(wait * 1e6))
        self._turn(now_us)
        self.weight_used += weight
        return None

    def request(self, weight: int, now_us: int) -> Excess | None:
        """Count a request; tells what it exceeds, if anything. Whoever goes on after a refusal is banned."""
        if now_us < self._banned_until_us:
            return self._banned()
        self._turn(now_us)
        self.weight_used += weight
        if self.weight_used <= self._limits.weight:
            return None
        self._refusals += 1
        if self._refusals > self._limits.refusals_before_ban:
            self.ban(now_us, min(_FIRST_BAN_SECONDS * 2**self._bans, _LONGEST_BAN_SECONDS))
            self._bans += 1
            return self._banned()
        return self.too_much_weight((self._minute + 1) * _MINUTE_US)

    def charge(self, weight: int) -> None:
        """Count the weight of a request that is charged only by its outcome; less than nothing gives it back."""
        self.weight_used = max(0, self.weight_used + weight)

    def too_much_weight(self, until_us: int) -> Excess:
        """The refusal of a request."""
        return Excess(
            LIMITED,
            f"Too much request weight used; current limit is {self._limits.weight} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            until_us,
        )

    def ban(self, now_us: int, seconds: float) -> None:
        """Shut the address out."""
        self._banned_until_us = now_us + int(seconds * 1e6)

    def lift_ban(self) -> None:
        """Let the address in again."""
        self._banned_until_us = 0

    def _banned(self) -> Excess:
        until_ms = self._banned_until_us // 1000
        text = (
            f"Way too much request weight used; IP banned until {until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return Excess(_BANNED, text, self._banned_until_us)

    def _turn(self, now_us: int) -> None:
        minute = now_us // _MINUTE_US
        if minute != self._minute:
            self._minute = minute
            self.weight_used = 0
            self._refusals = 0
