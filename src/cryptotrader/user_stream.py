"""The account as it happens: every user data event, and what was missed read back after each interruption.

Source: Binance Spot documentation, "User Data Streams" and "User Data Stream requests".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cryptotrader.account_recovery import AccountReader, Recovery
from cryptotrader.base_operations import ApiConnection, Environment, api_connection
from cryptotrader.config import Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.connection import ConnectionState
from cryptotrader.errors import (
    BalanceUnexplained,
    BinanceError,
    ConfigurationError,
    ConnectFailed,
    DecodeFailed,
    OutcomeUnknown,
    RateLimited,
    TooManySubscriptions,
)
from cryptotrader.models.account_models import AccountTrade, OwnFill
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import EventStreamTerminatedEvent, UserDataEvent, decode_user_data_event
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.api_session import Key
from cryptotrader.protocol.limits import MOST_SUBSCRIPTIONS
from cryptotrader.requests import (
    UserDataStreamSubscribeRequest,
    UserDataStreamSubscribeSignatureRequest,
    UserDataStreamUnsubscribeRequest,
)
from cryptotrader.subscription import DEFAULT_BUFFER, CallbackSubscription, Subscription

logger = get_logger(__name__)

UserEvent = UserDataEvent | RecoveredTrade | RecoveredAllocation | RecoveredOrder
"""What a subscription yields; with ``control`` also ``Reconnected``."""

Consumer = Callable[[Any, int], None]

_EARLY_EVENTS = 10_000
_RETRY_SECONDS = 5.0


@dataclass(eq=False)
class _Entry:
    subscription: Subscription[Any]
    consumer: Consumer
    control: bool


@dataclass(eq=False)
class _Account:
    """One account of a user stream.

    Attributes:
        number: Its subscription on the present connection; ``None`` while there is none.
        held: Events that wait until what was missed has been delivered; ``None`` while none have to.
        lost_ns: When it was interrupted; ``None`` before the first time it was up, and while it is.
        refusal: Why the exchange does not take the key on the present connection.
    """

    key: Key
    state: AccountState = field(default_factory=AccountState)
    entries: list[_Entry] = field(default_factory=list)
    number: int | None = None
    held: list[tuple[UserDataEvent, int]] | None = None
    was_up: bool = False
    lost_ns: int | None = None
    lost_why: str = ""
    refusal: BinanceError | None = None


class UserStream:
    """The user data of one or more accounts over one connection. Needs a running event loop.

    An Ed25519 key logs the session on and subscribes with it; further keys, and keys of other types, subscribe by
    signature. After an interruption open orders, order lists and balances are read anew, and the account's own trades
    of every symbol with an order, with the allocations of smart order routing; what was missed is delivered before
    newer events, and nothing is delivered twice.

    Args:
        endpoint: Where to connect.
        keys: One key for each account.
        recv_window: Milliseconds for which signed requests are good, 60,000 at most.
        backoff: Delays between connection attempts.
        timeouts: Deadlines.
        environment: Dialer, budgets, randomness and clock.

    Raises:
        ConfigurationError: No key, two keys of one name, or more than one connection may subscribe with.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *keys: Key,
        recv_window: float | None = None,
        backoff: Backoff | None = None,
        timeouts: Timeouts | None = None,
        environment: Environment | None = None,
    ) -> None:
        self._accounts = {key.api_key: _Account(key) for key in keys}
        if not keys or len(self._accounts) < len(keys):
            raise ConfigurationError("a user stream needs a key for each account, each once")
        if len(keys) > MOST_SUBSCRIPTIONS:
            raise ConfigurationError(f"a user stream takes {MOST_SUBSCRIPTIONS} accounts; use another for the others")
        self._first = keys[0]
        self._api: ApiConnection = api_connection(
            endpoint,
            key=self._first,
            recv_window=recv_window,
            on_user_event=self._on_event,
            on_lost=self._on_lost,
            on_failed=self._on_failed,
            backoff=backoff,
            timeouts=timeouts,
            environment=environment,
        )
        self._reader = AccountReader(self._api)
        self._by_number: dict[int, _Account] = {}
        self._early: list[tuple[int, bytes, int]] = []
        self._subscribing = 0
        self._wall_clock = (environment or Environment()).wall_clock
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    # ------------------------------------------------------------------------------------------------ for the consumer

    def subscribe(
        self,
        key: Key | None = None,
        *,
        callback: Consumer | None = None,
        control: bool = False,
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[Any]:
        """The events of one account.

        Args:
            key: Whose; the first by default.
            callback: Called with each event and its receive time in nanoseconds, in the event loop; must not block.
            control: Let ``Reconnected`` appear among the events.
            buffer: Events that an iterating consumer may be behind.
            on_error: For callbacks: told of errors, which are logged otherwise.

        Raises:
            ConfigurationError: The stream has no such key.
        """
        account = self._account(key)
        names = (f"user data of {account.key.api_key[:4]}…",)
        subscription: Subscription[Any]
        if callback is not None:
            subscription = CallbackSubscription(names, on_error=on_error, on_close=self._detach)
        else:
            subscription = Subscription(names, buffer=buffer, on_close=self._detach)
        account.entries.append(_Entry(subscription, callback or subscription.put, control))
        if account.number is not None and account.held is None:
            subscription.mark_confirmed(set(names))
        if account.refusal is not None:
            subscription.fail(account.refusal)
        self.open()
        return subscription

    def __aiter__(self) -> Subscription[UserEvent]:
        """The events of the first account, from now on."""
        return self.subscribe()

    def state(self, key: Key | None = None) -> AccountState:
        """What is known of an account: open orders, order lists, balances.

        Raises:
            ConfigurationError: The stream has no such key.
        """
        return self._account(key).state

    def is_followed(self, key: Key | None = None) -> bool:
        """Whether an account's events have come since some time: what is missed from then on is read back.

        Raises:
            ConfigurationError: The stream has no such key.
        """
        return self._account(key).was_up

    async def wait_subscribed(self, timeout: float = 10.0) -> None:
        """Open the stream and wait until every account is subscribed and read.

        Raises:
            ConnectFailed: Not within ``timeout`` seconds, or the connection was given up.
            RequestRejected: The exchange refused a key.
        """
        subscriptions = [self.subscribe(account.key) for account in self._accounts.values()]
        try:
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(each.confirmed(None) for each in subscriptions))
        except TimeoutError as error:
            raise ConnectFailed(f"no user data within {timeout:g} s") from error
        finally:
            for each in subscriptions:
                each.close()

    def open(self) -> None:
        """Begin to connect and stay subscribed; does nothing when begun already."""
        if self._task is None or self._task.done():
            self._api.open()
            self._task = asyncio.get_running_loop().create_task(self._stay_subscribed(), name="user stream")

    async def close(self) -> None:
        """Close the connection, in under a second; iterations end. May be called twice."""
        for account in self._accounts.values():
            for entry in tuple(account.entries):
                entry.subscription.close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._api.close()

    def _account(self, key: Key | None) -> _Account:
        account = self._accounts.get((key or self._first).api_key)
        if account is None:
            raise ConfigurationError("the user stream was not given this key")
        return account

    def _detach(self, subscription: Subscription[Any]) -> None:
        for account in self._accounts.values():
            account.entries = [entry for entry in account.entries if entry.subscription is not subscription]

    # ---------------------------------------------------------------------------------------------- staying subscribed

    async def _stay_subscribed(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._api.wait_open()
            except ConnectFailed:
                if self._api.state is ConnectionState.CLOSED:
                    return  # given up or closed: everyone was told
                continue
            down = [each for each in self._accounts.values() if each.number is None and each.refusal is None]
            failed = [account for account in down if not await self._bring_up(account)]
            with suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_SECONDS if failed else None):
                    await self._wake.wait()

    async def _bring_up(self, account: _Account) -> bool:
        """Subscribe one account, read what it missed and deliver it; ``False`` when that is to be tried again."""
        account.held = []
        try:
            await self._subscribe(account)
            missed = await self._reader.read(account.key, account.state, account.held, first=not account.was_up)
            self._deliver_missed(account, missed)
        except (ConnectFailed, OutcomeUnknown, RateLimited) as error:
            logger.info("user data of %s…: %s; tried again", account.key.api_key[:4], error)
            await self._drop(account)
            return False
        except BinanceError as error:
            if isinstance(error, TooManySubscriptions) and error.are_used_up:
                self._api.reconnect(str(error))
                return False
            logger.warning("user data of %s…: %s", account.key.api_key[:4], error)
            account.refusal = error  # the answer stays the same until there is another connection
            await self._drop(account)
            for entry in tuple(account.entries):
                entry.subscription.fail(error)
        return True

    async def _subscribe(self, account: _Account) -> None:
        self._subscribing += 1
        try:
            if account.key is self._first and account.key.can_log_on:
                await self._api.wait_logged_on()
                answer = await self._api.call(UserDataStreamSubscribeRequest())
            else:
                answer = await self._api.call(UserDataStreamSubscribeSignatureRequest(), key=account.key)
        finally:
            self._subscribing -= 1
        account.number = answer.subscription_id
        self._by_number[answer.subscription_id] = account
        early, self._early = self._early, []
        for number, event, received_ns in early:
            self._on_event(number, event, received_ns)

    async def _drop(self, account: _Account) -> None:
        """End a subscription whose account could not be read: the next attempt makes another."""
        number = account.number
        self._forget(account)
        try:
            if number is not None:
                await self._api.call(UserDataStreamUnsubscribeRequest(subscription_id=number))
        except BinanceError as error:
            logger.debug("subscription %s was not ended: %s", number, error)

    def _deliver_missed(self, account: _Account, missed: Recovery) -> None:
        now_ns = self._now_ns()
        if account.was_up:
            self._tell_back(account, now_ns)
            for fill in missed.fills:
                self._tell(account, _recovered(fill), now_ns)
            for order in missed.orders:
                self._tell(account, RecoveredOrder(order=order), now_ns)
        for asset, (expected, found) in missed.unexplained.items():
            for entry in tuple(account.entries):
                entry.subscription.fail(BalanceUnexplained(asset, expected, found))
        account.was_up, account.lost_ns = True, None
        held, account.held = account.held or [], None
        for event, received_ns in held:
            if account.state.take(event):
                self._tell(account, event, received_ns)
        for entry in tuple(account.entries):
            entry.subscription.mark_confirmed(set(entry.subscription.streams))

    def _tell_back(self, account: _Account, now_ns: int) -> None:
        lost_ns = now_ns if account.lost_ns is None else account.lost_ns
        for entry in tuple(account.entries):
            if entry.control:
                streams = entry.subscription.streams
                why = account.lost_why
                entry.consumer(Reconnected(streams=streams, lost_ns=lost_ns, back_ns=now_ns, reason=why), now_ns)

    def _tell(self, account: _Account, event: Any, received_ns: int) -> None:
        for entry in tuple(account.entries):
            try:
                entry.consumer(event, received_ns)
            except Exception as error:  # noqa: BLE001 - told, not swallowed
                entry.subscription.fail(error)

    def _forget(self, account: _Account) -> None:
        """An account is not subscribed any more."""
        if account.number is not None:
            self._by_number.pop(account.number, None)
            account.number = None
        account.held = None

    # ---------------------------------------------------------------------------------------- what the connection tells

    def _on_event(self, number: int | None, payload: bytes, received_ns: int) -> None:
        if number is None:
            logger.warning("a user data event of no subscription: %r", payload[:120])
            return
        account = self._by_number.get(number)
        if account is None:
            # the answer to the subscription may still be on its way to its caller
            if self._subscribing and len(self._early) < _EARLY_EVENTS:
                self._early.append((number, payload, received_ns))
            return
        try:
            event = decode_user_data_event(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            error = DecodeFailed("not a user data event", payload)
            error.__cause__ = cause
            for entry in tuple(account.entries):
                entry.subscription.fail(error)
            return
        if isinstance(event, EventStreamTerminatedEvent):
            self._interrupt(account, "the exchange ended the subscription")
            self._tell(account, event, received_ns)
            self._wake.set()
        elif account.held is not None:
            account.held.append((event, received_ns))
        elif account.state.take(event):
            self._tell(account, event, received_ns)

    def _on_lost(self, reason: str) -> None:
        self._early.clear()
        for account in self._accounts.values():
            self._interrupt(account, reason)
        self._wake.set()

    def _interrupt(self, account: _Account, reason: str) -> None:
        if account.was_up and account.lost_ns is None:
            account.lost_ns, account.lost_why = self._now_ns(), reason
        self._forget(account)
        account.refusal = None
        for entry in account.entries:
            entry.subscription.mark_lost(set(entry.subscription.streams))

    def _now_ns(self) -> int:
        return int(self._wall_clock() * 1e9)

    def _on_failed(self, error: ConnectFailed) -> None:
        for account in self._accounts.values():
            for entry in tuple(account.entries):
                entry.subscription.fail(error)
        self._wake.set()


def _recovered(fill: OwnFill) -> RecoveredTrade | RecoveredAllocation:
    return RecoveredTrade(trade=fill) if isinstance(fill, AccountTrade) else RecoveredAllocation(allocation=fill)
