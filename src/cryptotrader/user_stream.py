"""The account as it happens: every user data event, and what was missed read back after each interruption.

Source: Binance Spot documentation, "User Data Streams" and "User Data Stream requests".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, overload

from cryptotrader.account_recovery import AccountReader
from cryptotrader.account_subscribers import Consumer
from cryptotrader.base_operations import ApiConnection, ConnectionState, Environment, api_connection
from cryptotrader.config import Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.errors import (
    BinanceError,
    ConfigurationError,
    ConnectFailed,
    RequestRejected,
    TooManySubscriptions,
)
from cryptotrader.followed_account import FollowedAccount
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import UserDataEvent
from cryptotrader.protocol.account_state import AccountState
from cryptotrader.protocol.api_session import Key
from cryptotrader.protocol.limits import MOST_SUBSCRIPTIONS
from cryptotrader.protocol.log_on import retry_delay
from cryptotrader.requests import (
    SessionSubscriptionsRequest,
    UserDataStreamSubscribeRequest,
    UserDataStreamSubscribeSignatureRequest,
    UserDataStreamUnsubscribeRequest,
)
from cryptotrader.subscription import DEFAULT_BUFFER, Subscription

logger = get_logger(__name__)

UserEvent = UserDataEvent | RecoveredTrade | RecoveredAllocation | RecoveredOrder
"""What a subscription yields; with ``control`` also ``Reconnected``."""

_EARLY_EVENTS = 10_000
_ALREADY_SUBSCRIBED = -2035


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
        self._environment = environment or Environment()
        self._accounts = {key.api_key: FollowedAccount(key, self._environment.clock_ns) for key in keys}
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
        self._by_number: dict[int, FollowedAccount] = {}
        self._early: list[tuple[int, bytes, int]] = []
        self._subscribing = 0
        self._backoff = Backoff()
        self._task: asyncio.Task[None] | None = None
        self._is_shut = False

    # ------------------------------------------------------------------------------------------------ for the consumer

    @overload
    def subscribe(
        self,
        key: Key | None = None,
        *,
        callback: Consumer | None = None,
        control: Literal[False] = False,
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[UserEvent]: ...
    @overload
    def subscribe(
        self,
        key: Key | None = None,
        *,
        callback: Consumer | None = None,
        control: Literal[True],
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[UserEvent | Reconnected]: ...
    def subscribe(
        self,
        key: Key | None = None,
        *,
        callback: Consumer | None = None,
        control: bool = False,
        buffer: int = DEFAULT_BUFFER,
        on_error: Callable[[Exception], None] | None = None,
    ) -> Subscription[Any]:
        """The events of one account, from now on.

        A subscription that is iterated ends with ``close()``, as in ``async with user.subscribe() as events``, or when
        nobody keeps it any more; one with a callback only with ``close()``. While the exchange refuses the key, a new
        subscription raises that refusal, or tells it to ``on_error``.

        Args:
            key: Whose; the first by default.
            callback: Called with each event and its receive time in nanoseconds, in the event loop; must not block.
            control: Let ``Reconnected`` appear among the events.
            buffer: Events that an iterating consumer may be behind.
            on_error: For callbacks: told of errors, which are logged otherwise.

        Raises:
            ConfigurationError: The stream has no such key.
            ConnectFailed: The stream was closed.
        """
        account = self._account(key)
        self.open()
        return account.subscribers.add(callback, control=control, buffer=buffer, on_error=on_error)

    def __aiter__(self) -> Subscription[UserEvent]:
        """The events of the first account, from now on, for as long as they are iterated."""
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

    def up_since(self, key: Key | None = None) -> float | None:
        """Since when an account's events have come without an interruption, by the event loop's clock.

        ``None`` while they do not come, or what was missed has not been read back yet.

        Raises:
            ConfigurationError: The stream has no such key.
        """
        return self._account(key).up_since

    async def wait_subscribed(self, timeout: float = 10.0, *, key: Key | None = None) -> None:
        """Open the stream and wait until every account, or one, is subscribed and read.

        Raises:
            ConfigurationError: The stream has no such key.
            ConnectFailed: Not within ``timeout`` seconds, or the connection was given up or closed.
            RequestRejected: The exchange refuses a key; the other accounts have been waited for. Or it refused to the
                last what passes otherwise.
        """
        accounts = [self._account(key)] if key is not None else [*self._accounts.values()]
        self.open()
        waiting = [each.subscribers.add(None, control=False, buffer=1, on_error=None) for each in accounts]
        try:
            async with asyncio.timeout(timeout):
                ends = await asyncio.gather(*(each.confirmed(None) for each in waiting), return_exceptions=True)
        except TimeoutError as error:
            refusals = [each.trouble for each in accounts if isinstance(each.trouble, RequestRejected)]
            if refusals:
                raise refusals[0] from error
            troubles = "".join(f"; {each.name}: {each.trouble}" for each in accounts if each.trouble is not None)
            raise ConnectFailed(f"no user data within {timeout:g} s{troubles}") from error
        finally:
            for each in waiting:
                each.close()
        for end in ends:
            if end is not None:
                raise end

    def open(self) -> None:
        """Begin to connect and stay subscribed; does nothing when begun already.

        Raises:
            ConnectFailed: Its owner closed it: that is final.
        """
        if self._is_shut:
            raise ConnectFailed("the user stream was closed by its owner")
        if self._task is None or self._task.done():
            self._api.open()
            self._task = asyncio.get_running_loop().create_task(self._stay_subscribed(), name="user stream")

    def shut(self) -> None:
        """From now on nothing is opened, for good; ``close()`` follows."""
        self._is_shut = True
        self._api.shut()

    async def close(self) -> None:
        """Close the connection, in under a second; iterations end. May be called twice."""
        self.shut()
        for account in self._accounts.values():
            account.subscribers.close()
        try:
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait([self._task])
        finally:
            await self._api.close()

    def _account(self, key: Key | None) -> FollowedAccount:
        account = self._accounts.get((key or self._first).api_key)
        if account is None:
            raise ConfigurationError("the user stream was not given this key")
        return account

    # ---------------------------------------------------------------------------------------------- staying subscribed

    async def _stay_subscribed(self) -> None:
        async with asyncio.TaskGroup() as group:
            for account in self._accounts.values():
                group.create_task(self._stay_up(account), name=account.name)

    async def _stay_up(self, account: FollowedAccount) -> None:
        """Keep one account subscribed and read, until the connection is given up or closed."""
        loop, failures = asyncio.get_running_loop(), 0
        while await self._is_connected():
            account.wake.clear()
            pause = account.pause(loop.time())
            if pause == 0:
                account.trouble = await self._bring_up(account)
                failures = 0 if account.trouble is None else failures + 1
                pause = account.pause(loop.time())
                if account.trouble is not None and pause == 0:
                    pause = self._pause_after(account.trouble, failures)
                    logger.info("%s: %s; tried again in %.1f s", account.name, account.trouble, pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await account.wake.wait()

    async def _is_connected(self) -> bool:
        """Wait for the connection; ``False`` when it was given up or closed, of which everyone was told."""
        while True:
            try:
                await self._api.wait_open()
            except ConnectFailed:
                if self._api.state in {ConnectionState.CLOSED, ConnectionState.CLOSING}:
                    return False
            else:
                return True

    def _pause_after(self, error: Exception, failures: int) -> float:
        exchange_time = to_micros(self._api.now_on_exchange()) / 1e6
        return retry_delay(error, failures, exchange_time, self._backoff, self._environment.random)

    async def _bring_up(self, account: FollowedAccount) -> Exception | None:
        """Subscribe one account, read what it missed and deliver it; returns why that failed."""
        held = account.begin_reading(asyncio.get_running_loop().time())
        try:
            if account.number is None:
                await self._subscribe(account)
            first, has_gap = not account.was_up, account.has_gap
            missed = await self._reader.read(account.key, account.state, held, first=first, has_gap=has_gap)
            account.deliver(missed)
        except BinanceError as error:
            if isinstance(error, RequestRejected) and error.is_lasting:
                account.refuse(error)
            if isinstance(error, TooManySubscriptions) and error.are_used_up:
                self._api.reconnect(str(error))
            return error
        except Exception as error:
            # without this an error in our own code would leave everyone waiting
            logger.exception("%s could not be read", account.name)
            account.subscribers.fail(error)
            return error
        return None

    async def _subscribe(self, account: FollowedAccount) -> None:
        self._subscribing += 1
        try:
            if account.key is self._first and account.key.can_log_on:
                answer = await self._api.call(UserDataStreamSubscribeRequest())
            else:
                answer = await self._api.call(UserDataStreamSubscribeSignatureRequest(), key=account.key)
        except RequestRejected as error:
            if error.code == _ALREADY_SUBSCRIBED and self._subscribing == 1:
                await self._end_strays()
            raise
        finally:
            self._subscribing -= 1
        account.number = answer.subscription_id
        self._by_number[answer.subscription_id] = account
        early, self._early = self._early, []
        for number, event, received_ns in early:
            self._on_event(number, event, received_ns)

    async def _end_strays(self) -> None:
        """End the subscriptions whose answers were lost, so that they can be made again."""
        for stray in await self._api.call(SessionSubscriptionsRequest()):
            if stray.subscription_id not in self._by_number:
                await self._api.call(UserDataStreamUnsubscribeRequest(subscription_id=stray.subscription_id))

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
        account.take(payload, received_ns)

    def _on_lost(self, reason: str) -> None:
        self._early.clear()
        self._by_number.clear()
        for account in self._accounts.values():
            account.interrupt(reason)

    def _on_failed(self, error: ConnectFailed) -> None:
        for account in self._accounts.values():
            account.subscribers.fail(error)
            account.wake.set()
