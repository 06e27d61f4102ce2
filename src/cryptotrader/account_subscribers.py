"""Who listens to one account: every event, and every error, reaches each of them, whatever the others do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import ref

from cryptotrader.errors import RequestRejected
from cryptotrader.models.control_models import Reconnected
from cryptotrader.subscription import CallbackSubscription, Subscription

Consumer = Callable[[Any, int], None]


@dataclass(eq=False)
class _Entry:
    """One subscription: what is iterated lasts as long as its consumer keeps it, what has a callback until closed."""

    find: Callable[[], Subscription[Any] | None]
    callback: Consumer | None
    control: bool


class AccountSubscribers:
    """The subscriptions to one account.

    Args:
        name: What they are called in errors and logs.
        clock_ns: Unix time in nanoseconds.
    """

    def __init__(self, name: str, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._streams = (name,)
        self._entries: tuple[_Entry, ...] = ()
        self._refusal: RequestRejected | None = None
        self._is_current = False

    # ------------------------------------------------------------------------------------------------- coming and going

    def add(
        self,
        callback: Consumer | None,
        *,
        control: bool,
        buffer: int,
        on_error: Callable[[Exception], None] | None,
    ) -> Subscription[Any]:
        """Another subscription; while the account is refused it is told so at once."""
        subscription: Subscription[Any]
        find: Callable[[], Subscription[Any] | None]
        if callback is not None:
            made = CallbackSubscription[Any](
                self._streams, clock_ns=self._clock_ns, on_error=on_error, on_close=self._discard
            )
            subscription, find = made, lambda: made
        else:
            subscription = Subscription(self._streams, clock_ns=self._clock_ns, buffer=buffer, on_close=self._discard)
            find = ref(subscription, self._dropped)
        self._entries += (_Entry(find, callback, control),)
        if self._is_current:
            subscription.mark_confirmed(set(self._streams))
        if self._refusal is not None:
            subscription.fail(self._refusal)
        return subscription

    def _dropped(self, gone: object) -> None:
        self._entries = tuple(entry for entry in self._entries if entry.find is not gone)

    def _discard(self, subscription: Subscription[Any]) -> None:
        self._entries = tuple(entry for entry in self._entries if entry.find() is not subscription)

    def close(self) -> None:
        """Iterations end."""
        for entry in self._entries:
            if (subscription := entry.find()) is not None:
                subscription.close()

    # ----------------------------------------------------------------------------------------------------- what is told

    def tell(self, event: Any, received_ns: int) -> None:
        """Deliver an event."""
        for entry in self._entries:
            _hand(entry, event, received_ns)

    def tell_back(self, lost_ns: int, back_ns: int, reason: str) -> None:
        """Events come again, to those who want to know."""
        event = Reconnected(streams=self._streams, lost_ns=lost_ns, back_ns=back_ns, reason=reason)
        for entry in self._entries:
            if entry.control:
                _hand(entry, event, back_ns)

    def fail(self, error: Exception) -> None:
        """Tell an error."""
        for entry in self._entries:
            if (subscription := entry.find()) is not None:
                subscription.fail(error)

    def refuse(self, error: RequestRejected) -> None:
        """The exchange does not take the key: all are told, and who comes later, too."""
        self._refusal = error
        self.fail(error)

    def mark_current(self) -> None:
        """Events come, and everything that was missed has been told."""
        self._is_current, self._refusal = True, None
        for entry in self._entries:
            if (subscription := entry.find()) is not None:
                subscription.mark_confirmed(set(self._streams))

    def mark_lost(self) -> None:
        """No events come at the moment."""
        self._is_current, self._refusal = False, None
        for entry in self._entries:
            if (subscription := entry.find()) is not None:
                subscription.mark_lost(set(self._streams))


def _hand(entry: _Entry, event: Any, received_ns: int) -> None:
    """Deliver to one; its own errors are its own."""
    subscription = entry.find()
    if subscription is None:
        return
    try:
        (entry.callback or subscription.put)(event, received_ns)
    except Exception as error:  # noqa: BLE001 - told, not swallowed
        subscription.fail(error)
