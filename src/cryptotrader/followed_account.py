"""One account of a user stream: what is known of it, what its consumers have yet to be told, and why nothing comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from cryptotrader.account_recovery import Recovery
from cryptotrader.account_subscribers import AccountSubscribers
from cryptotrader.config import get_logger
from cryptotrader.errors import BalanceUnexplained, DecodeFailed, RequestRejected
from cryptotrader.models.account_models import AccountTrade, OwnFill
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import EventStreamTerminatedEvent, UserDataEvent, decode_user_data_event
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.api_session import Key

logger = get_logger(__name__)

_SPACING = 10.0  # seconds between two readings of an account whose events cannot be decoded: each costs request weight


class FollowedAccount:
    """One account of a user stream.

    Args:
        key: Whose account.
        clock_ns: Unix time in nanoseconds.

    Attributes:
        name: For logs and errors.
        subscribers: Its consumers.
        state: What is known of it.
        number: Its subscription on the present connection; ``None`` while there is none.
        was_up: Whether its events have come before.
        up_since: Since when events have come without an interruption, by the event loop's clock; ``None`` while they do
            not, or what was missed has not been read back yet.
        has_gap: Whether events did not come since it was read last.
        trouble: Why the last attempt to bring it up failed; ``None`` when it did not.
        wake: Set when there may be something to do.
    """

    def __init__(self, key: Key, clock_ns: Callable[[], int]) -> None:
        self.key = key
        self.name = f"user data of {key.api_key[:4]}…"
        self.subscribers = AccountSubscribers(self.name, clock_ns)
        self.state = AccountState()
        self.number: int | None = None
        self.was_up = False
        self.up_since: float | None = None
        self.has_gap = True
        self.trouble: Exception | None = None
        self.wake = asyncio.Event()
        self._clock_ns = clock_ns
        self._held: list[tuple[UserDataEvent, int]] | None = None
        self._lost_ns: int | None = None
        self._lost_why = ""
        self._damage = ""
        self._next_reading = 0.0
        self._refusal: RequestRejected | None = None

    # ------------------------------------------------------------------------------------------------------ what is due

    @property
    def is_up(self) -> bool:
        """Whether its events are delivered as they come."""
        return self.number is not None and self._held is None

    def pause(self, now: float) -> float | None:
        """Seconds until it is to be subscribed or read; ``None`` when nothing is to be done before it is woken."""
        if self._refusal is not None:
            return None
        if not self.is_up:
            return 0.0
        return max(0.0, self._next_reading - now) if self._damage else None

    def begin_reading(self, now: float) -> list[tuple[UserDataEvent, int]]:
        """Hold back events from now on, in the list that is given back; what was held before will be read."""
        if self._damage:
            self._mark_lost(self._damage)
            self._damage, self._next_reading = "", now + _SPACING
        self.has_gap |= bool(self._held)
        self._held = []
        return self._held

    # ----------------------------------------------------------------------------------------------------- what is told

    def take(self, payload: bytes, received_ns: int) -> None:
        """An event came."""
        try:
            event = decode_user_data_event(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            error = DecodeFailed("not a user data event", payload)
            error.__cause__ = cause
            self.subscribers.fail(error)
            self._damage = "an event could not be decoded"  # what it told is read
            self.wake.set()
            return
        if isinstance(event, EventStreamTerminatedEvent):
            self.interrupt("the exchange ended the subscription")
            self.subscribers.tell(event, received_ns)
        elif self._held is not None:
            self._held.append((event, received_ns))
        elif self.state.take(event):
            self.subscribers.tell(event, received_ns)

    def deliver(self, missed: Recovery) -> None:
        """It was read: tell what was missed, then what was held back."""
        now_ns = self._now_ns()
        if self.was_up:
            self.subscribers.tell_back(self._lost_ns or now_ns, now_ns, self._lost_why)
            for fill in missed.fills:
                self.subscribers.tell(_recovered(fill), now_ns)
            for order in missed.orders:
                self.subscribers.tell(RecoveredOrder(order=order), now_ns)
        for asset, (expected, found) in missed.unexplained.items():
            self.subscribers.fail(BalanceUnexplained(asset, expected, found))
        self.was_up, self.has_gap, self._lost_ns = True, self.number is None, None
        if self.number is None:
            return  # interrupted again meanwhile
        held, self._held = self._held or [], None
        for event, received_ns in held:
            if self.state.take(event):
                self.subscribers.tell(event, received_ns)
        if self.up_since is None:
            self.up_since = asyncio.get_running_loop().time()
        self.subscribers.mark_current()

    def refuse(self, error: RequestRejected) -> None:
        """The exchange does not take the key: that stays so until there is another connection."""
        logger.warning("%s: %s", self.name, error)
        self._mark_lost(str(error))
        self._forget()
        self._refusal = error
        self.subscribers.refuse(error)

    def interrupt(self, reason: str) -> None:
        """It is not subscribed any more."""
        self._mark_lost(reason)
        self._forget()
        self._refusal = None
        self.wake.set()

    def _mark_lost(self, reason: str) -> None:
        """Events are missing from now on."""
        self.up_since = None
        if self.was_up and self._lost_ns is None:
            self._lost_ns, self._lost_why = self._now_ns(), reason
        self.subscribers.mark_lost()

    def _forget(self) -> None:
        self.number, self.has_gap = None, True
        if self._held is not None:
            self._held.clear()  # a reading that is under way would take them for delivered
            self._held = None

    def _now_ns(self) -> int:
        return self._clock_ns()


def _recovered(fill: OwnFill) -> RecoveredTrade | RecoveredAllocation:
    return RecoveredTrade(trade=fill) if isinstance(fill, AccountTrade) else RecoveredAllocation(allocation=fill)
