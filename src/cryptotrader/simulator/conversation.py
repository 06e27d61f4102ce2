"""What a connection to the WebSocket API is about: who is logged on, and whose user data it is sent.

Source: Binance Spot documentation, "Session authentication" and "User Data Stream subscriptions".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cryptotrader.config import TimeUnit
from cryptotrader.simulator.api_errors import bad
from cryptotrader.simulator.keys import ApiKey
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.simulator.security import Security
from cryptotrader.simulator.user_events import EventListener, UserEvents, terminated


@dataclass(frozen=True)
class _Subscription:
    """An account whose events are sent; ``by_logon`` ends with the session's key."""

    uid: int
    by_logon: bool
    listener: EventListener


class Conversation:
    """The state of one connection.

    Args:
        security: Who is logged on.
        events: What happens to accounts.
        limits: How many subscriptions the connection may have and make.
        unit: Of times.
        send: Called with each user data frame.

    Attributes:
        security: Who is logged on.
        now_us: Time of the present request, in microseconds.
        connected_us: Since when the connection is open.
        return_rate_limits: Whether replies tell the limits.
        proven: The key that the present request is proven by.
    """

    def __init__(
        self,
        security: Security,
        events: UserEvents,
        limits: ExchangeLimits,
        unit: TimeUnit,
        send: Callable[[bytes], None],
        *,
        return_rate_limits: bool,
    ) -> None:
        self.security = security
        self._events = events
        self._limits = limits
        self._unit = unit
        self._send = send
        self.return_rate_limits = return_rate_limits
        self.now_us = self.connected_us = 0
        self.proven: ApiKey | None = None
        self._subscriptions: dict[int, _Subscription] = {}
        self._next_id = 0

    @property
    def subscription_ids(self) -> list[int]:
        """Active subscriptions."""
        return list(self._subscriptions)

    def subscribe(self, uid: int, *, by_logon: bool) -> int:
        """Send an account's events from now on; returns the subscription's id.

        Raises:
            ApiError: The account is subscribed already (-2035), there are too many subscriptions (-1191: Binance tells
                of no code for that on this connection, and has a text for this one), or all ids are used up (-2042).
        """
        if any(item.uid == uid for item in self._subscriptions.values()):
            raise bad(-2035, "User Data Stream subscription already active.")
        if len(self._subscriptions) >= self._limits.subscriptions:
            most = self._limits.subscriptions
            raise bad(-1191, f"Too many subscriptions. Connection may create up to '{most}' subscriptions at a time.")
        if self._next_id >= self._limits.subscription_ids:
            raise bad(-2042, "Maximum subscription ID reached for this connection.")
        number = self._next_id
        self._next_id += 1
        listener = partial(self._tell, number)
        self._subscriptions[number] = _Subscription(uid, by_logon, listener)
        self._events.subscribe(uid, self._unit, listener)
        return number

    def unsubscribe(self, number: int | None) -> None:
        """End one subscription, or all.

        Raises:
            ApiError: There is no such subscription (-2036).
        """
        if number is not None and number not in self._subscriptions:
            raise bad(-2036, "User Data Stream subscription not active.")
        for each in self.subscription_ids if number is None else [number]:
            self._end(each)

    def log_out(self) -> None:
        """Forget the session's key and end what was subscribed with it."""
        self.security.log_out()
        for number, item in tuple(self._subscriptions.items()):
            if item.by_logon:
                self._end(number)

    def close(self) -> None:
        """The connection is gone: tell nothing any more."""
        for item in self._subscriptions.values():
            self._events.unsubscribe(item.uid, self._unit, item.listener)
        self._subscriptions.clear()

    def _end(self, number: int) -> None:
        item = self._subscriptions.pop(number)
        self._events.unsubscribe(item.uid, self._unit, item.listener)
        self._tell(number, terminated(self.now_us, self._unit))

    def _tell(self, number: int, event: bytes) -> None:
        self._send(b'{"subscriptionId":%d,"event":%b}' % (number, event))
