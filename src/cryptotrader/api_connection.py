"""A connection to the WebSocket API.

It logs its session on, keeps an eye on the exchange's clock, and sends no request before weight and order budgets
allow it.

Source: Binance Spot documentation, "Request security", "Timing security" and "Session authentication".
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptotrader.config import PATIENCE_SECONDS, Backoff, checked_recv_window, get_logger
from cryptotrader.connection import BinanceWebSocketConnection
from cryptotrader.errors import (
    BinanceError,
    ConfigurationError,
    ConnectFailed,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
)
from cryptotrader.models.market_models import ServerTime
from cryptotrader.protocol.api_session import ApiSession, Identity, Key
from cryptotrader.protocol.clock import LOOK_SECONDS
from cryptotrader.protocol.log_on import LogOn
from cryptotrader.protocol.request import Request, SecurityType, Signing
from cryptotrader.requests import SessionLogonRequest, TimeRequest

logger = get_logger(__name__)
R = TypeVar("R")

_OUT_OF_TIME = -1021
_LOOK_AGAIN_SECONDS = 5.0
_PUBLIC, _NEVER_SIGNED = SecurityType.NONE, Signing.NEVER
_TIME, _LOG_ON = TimeRequest(), SessionLogonRequest()


class ApiConnection(BinanceWebSocketConnection):
    """A connection to the WebSocket API.

    Args:
        base_url: The API's address.
        session: Its Sans-I/O half.
        key: Signs requests that need it, and logs the session on where it can (Ed25519).
        recv_window: Milliseconds for which signed requests are good, 60,000 at most; Binance's 5,000 by default.
        options: As for ``BinanceWebSocketConnection``.

    Raises:
        RequestInvalid: ``recv_window`` is none that can be sent.
    """

    def __init__(
        self,
        base_url: str,
        session: ApiSession,
        *,
        key: Key | None = None,
        recv_window: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(base_url, session, **options)
        self._api = session
        self._identity = None if key is None else Identity(key, self._budgets.orders[key.api_key])
        self._recv_window = checked_recv_window(recv_window)
        self._needs_clock = key is not None
        self._look_at = 0.0
        self._looks = 0
        self._looking = asyncio.Lock()
        self._tending: asyncio.TimerHandle | None = None
        self._log_on = None
        if key is not None and key.can_log_on:
            self._log_on = LogOn(Backoff(), self._environment.random)
        session.on_signed_off = self._on_signed_off

    async def call(
        self,
        request: Request[R],
        *,
        key: Key | None = None,
        recv_window: float | None = None,
        timeout: float | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> R:
        """Send a request and wait for its result; opens the connection when needed.

        A request that is refused for its timestamp is sent once more after a look at the exchange's clock: such a
        refusal says that nothing took effect.

        Args:
            request: What to ask.
            key: Sign this request with another key than the connection's.
            recv_window: Milliseconds for which this request is good.
            timeout: Seconds for the reply once sent; by default that of the connection.
            patience: Seconds to wait for request weight and order budget before ``RateLimited`` is raised.

        Raises:
            RequestInvalid: The request breaks a documented rule, or needs a logged-on session; nothing was sent.
            ConfigurationError: The request needs a key, or ``recv_window`` is none; nothing was sent.
            ConnectFailed: No connection, or it was closed by its owner; nothing was sent.
            RequestRejected: The exchange refused; ``RateLimited`` and ``Banned`` say when to try again.
            OutcomeUnknown: Sent, and no answer.
        """
        identity = self._identity_for(request, key)
        params = request.params()
        window = self._recv_window if recv_window is None else checked_recv_window(recv_window)
        limit = self._timeouts.request if timeout is None else timeout
        if request.api.signing is _NEVER_SIGNED and identity is self._identity and self._log_on is not None:
            await self.wait_logged_on(timeout)
        if self._delay_of(request, identity) > 0:
            self.open()
            await self._permission(request, patience, identity)
        looks = self._looks
        try:
            return await self._exchange(request, params, limit, identity, window)
        except RequestRejected as error:
            if error.code != _OUT_OF_TIME:
                raise
            await self._look_again(error, looks)
        await self._permission(request, patience, identity)
        return await self._exchange(request, params, limit, identity, window)

    async def _look_again(self, refusal: RequestRejected, looks: int) -> None:
        """Look at the exchange's clock, once for all requests that were refused together.

        Without an answer the refusal stands: it says that nothing took effect.
        """
        try:
            async with self._looking:
                if self._looks == looks:
                    await self.synchronise_clock()
        except BinanceError as error:
            logger.debug("a look at the exchange's clock failed: %s", error)
            raise refusal from error

    async def wait_clock(self) -> None:
        """Have looked at the exchange's clock at least once.

        Raises:
            ConnectFailed: No connection, or no answer.
        """
        if self._api.clock.is_known:
            return
        self.open()
        try:
            await self.synchronise_clock()
        except OutcomeUnknown as error:
            raise ConnectFailed(f"{self._base_url}: the exchange does not tell its time", url=self._base_url) from error

    async def wait_logged_on(self, timeout: float | None = None) -> None:
        """Open the connection and wait until its session is logged on with its key.

        Raises:
            ConfigurationError: The connection's key cannot log on; only Ed25519 keys can.
            ConnectFailed: No connection, or no log-on within ``timeout`` seconds; what failed for a while is tried on.
            RequestRejected: The exchange refused the key.
        """
        if self._log_on is None:
            raise ConfigurationError("a session is logged on with an Ed25519 key")
        self.open()
        limit = self._timeouts.open if timeout is None else timeout
        await self.wait_open(limit)
        try:
            async with asyncio.timeout(limit):
                while not self.logged_on:
                    await self.wait_open(limit)
                    if self._log_on.refusal is not None:
                        raise self._log_on.refusal
                    self._log_on.want(self._loop.time())
                    self.work()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            why = f"not logged on within {limit:g} s ({self._log_on.trouble or 'no answer yet'})"
            raise ConnectFailed(f"{self._base_url}: {why}", url=self._base_url) from error

    @property
    def recv_window(self) -> float | None:
        """Milliseconds for which signed requests are good; ``None`` for Binance's 5,000."""
        return self._recv_window

    @property
    def logged_on(self) -> bool:
        """Whether the session is logged on with the connection's key."""
        return self._identity is not None and self._api.logged_on_as == self._identity.key.api_key

    def now_on_exchange(self) -> int:
        """The exchange's time, in the connection's unit."""
        return self._api.timestamp(self._loop.time())

    async def synchronise_clock(self) -> None:
        """Look at the exchange's clock anew, trusting no earlier look.

        Raises:
            ConnectFailed: No connection.
            OutcomeUnknown: No answer.
        """
        self._api.clock.forget()
        await self._permission(_TIME, PATIENCE_SECONDS, None, urgent=True)
        sent = self._loop.time()
        answer = await self._exchange(_TIME, {}, self._timeouts.request, None, None)
        self._observe(sent, answer)

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        """One message came."""
        self._received = True
        session = self._api
        session.receive(payload, received_ns, self._loop.time())
        if session.outbox or session.dead is not None:
            self.work()

    def work(self) -> None:
        """Do what is due, the look at the exchange's clock and the log-on among it."""
        if self._transport is not None and self._api.accepts_requests:
            self._tend(self._loop.time())
        super().work()

    # ------------------------------------------------------------------------------------------------------ requests

    def _identity_for(self, request: Request[Any], key: Key | None) -> Identity | None:
        if request.api.security is _PUBLIC:
            return None
        if key is not None:
            refuse_in_clear(self._base_url)
            return Identity(key, self._budgets.orders[key.api_key], ad_hoc=True)
        if self._identity is None:
            raise ConfigurationError(f"{request.api.name} needs a key; give one to the client")
        return self._identity

    async def _exchange(
        self,
        request: Request[R],
        params: dict[str, Any],
        timeout: float,
        identity: Identity | None,
        recv_window: float | None,
    ) -> R:
        """Send and wait."""
        now = self._loop.time()
        reply: asyncio.Future[R] = self._loop.create_future()
        number = self._api.send(
            request,
            params,
            now=now,
            timeout=timeout,
            resolve=lambda result: None if reply.done() else reply.set_result(result),
            reject=lambda error: None if reply.done() else reply.set_exception(error),
            identity=identity,
            recv_window=recv_window,
        )
        self.send_out(now + timeout)
        if not self._needs_clock and (identity is not None or self._budgets.weights.is_scarce):
            self._needs_clock = True  # to sign with it, or because the exchange counts weight by its own minutes
            self.work()
        try:
            return await reply
        except asyncio.CancelledError:
            self._api.forget(number, self._loop.time())
            raise

    def _is_ready(self) -> bool:
        return super()._is_ready() and self._api.accepts_requests

    def _delay_of(self, request: Request[Any], identity: Identity | None, *, urgent: bool = False) -> float:
        """Seconds until a request may be sent, 0 for now; infinite while nothing can be sent."""
        if not self._is_ready():
            return float("inf")
        return self._api.wait(request, self._loop.time(), identity, urgent=urgent)

    async def _permission(
        self, request: Request[Any], patience: float, identity: Identity | None, *, urgent: bool = False
    ) -> None:
        """Wait until the connection is open and weight and orders may be spent."""
        latest = self._loop.time() + patience
        while True:
            await self.wait_open()
            delay = self._delay_of(request, identity, urgent=urgent)
            if delay <= 0:
                return
            if self._loop.time() + delay > latest:
                raise self._used_up(request, identity, delay)
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._changed.wait()

    def _used_up(self, request: Request[Any], identity: Identity | None, delay: float) -> RateLimited:
        """What is raised for a budget of this library's own."""
        now = self._loop.time()
        code, what = self._api.shortage(request, now, identity)
        until = self._api.exchange_time(now) + delay
        moment = datetime.fromtimestamp(until, UTC).strftime("%H:%M:%S UTC")
        why = f"by this library's own count {what} used up until {moment}; nothing was sent"
        return RateLimited(request.api.name, 429, code, why, {"retryAfter": int(until * 1000)})

    # ------------------------------------------------------------------------------------------------ clock and log-on

    def _tend(self, now: float) -> None:
        """Look at the clock and log on, as soon as each is due and its weight may be spent."""
        if self._needs_clock and now >= self._look_at and self._api.wait(_TIME, now, urgent=True) <= 0:
            self._look_at = now + LOOK_SECONDS
            self._send_aside(_TIME, None, lambda answer: self._looked(now, answer), self._not_looked)
        log_on = self._log_on
        if log_on is None or now < log_on.due_at or (log_on.needs_clock and not self._api.clock.is_known):
            return
        delay = self._api.wait(_LOG_ON, now, urgent=True)
        if delay > 0:
            self._tend_at(now + delay)
        else:
            log_on.sent()
            self._send_aside(_LOG_ON, self._identity, self._logged_on, self._not_logged_on)

    def _tend_at(self, moment: float) -> None:
        if self._tending is not None:
            self._tending.cancel()
        self._tending = self._loop.call_at(moment, self.work)

    def _send_aside(
        self,
        request: Request[R],
        identity: Identity | None,
        resolve: Callable[[R], None],
        reject: Callable[[BinanceError], None],
    ) -> None:
        now, limit = self._loop.time(), self._timeouts.request
        self._api.send(
            request,
            {},
            now=now,
            timeout=limit,
            resolve=resolve,
            reject=reject,
            identity=identity,
            recv_window=self._recv_window if identity is not None else None,
        )

    def _observe(self, sent: float, answer: ServerTime) -> None:
        now = self._loop.time()
        self._looks += 1
        self._api.observe_time(sent, answer.server_time, now)
        self._look_at = now + self._api.clock.good_for

    def _looked(self, sent: float, answer: ServerTime) -> None:
        self._observe(sent, answer)
        self._loop.call_soon(self.work)  # the log-on may have waited for it

    def _not_looked(self, error: BinanceError) -> None:
        logger.debug("a look at the exchange's clock failed: %s", error)
        if not self._api.clock.is_known:
            self._look_at = self._loop.time() + _LOOK_AGAIN_SECONDS

    def _logged_on(self, answer: object) -> None:  # noqa: ARG002 - what it says is known
        if self._log_on is not None:
            self._log_on.succeed()
        self._changed.set()

    def _not_logged_on(self, error: BinanceError) -> None:
        log_on, now = self._log_on, self._loop.time()
        if log_on is None or self._transport is None:
            return
        log_on.fail(error, now, self._api.exchange_time(now))
        if log_on.refusal is not None:
            logger.warning("%s: the session was not logged on: %s", self._base_url, error)
        else:
            logger.info("%s: the session was not logged on: %s; tried again", self._base_url, error)
            if log_on.needs_clock:
                self._api.clock.forget()
                self._look_at = 0.0
            self._tend_at(log_on.due_at)
        self._changed.set()

    def _on_signed_off(self, refusal: RequestRejected) -> None:
        logger.warning("%s: the session's key was refused: %s", self._base_url, refusal)
        if self._log_on is not None:
            self._log_on.revoke(self._loop.time())
            self._loop.call_soon(self.work)
        self._changed.set()

    def _end(self, reason: str) -> None:
        super()._end(reason)
        self._look_at = 0.0
        if self._log_on is not None:
            self._log_on.restart()
        if self._tending is not None:
            self._tending.cancel()
            self._tending = None


def refuse_in_clear(url: str) -> None:
    """Refuse to show a key on a connection that is neither encrypted nor on this machine.

    Raises:
        ConfigurationError: It is such a connection.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if parts.scheme != "wss" and not local:
        raise ConfigurationError(f"{url}: keys are used over wss:// only, except on this machine")
