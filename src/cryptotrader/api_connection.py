"""A connection to the WebSocket API.

It logs its session on, keeps an eye on the exchange's clock, and sends no request before weight and order budgets
allow it.

Source: Binance Spot documentation, "Request security", "Timing security" and "Session authentication".
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptotrader.config import get_logger
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
from cryptotrader.protocol.request import Request, SecurityType
from cryptotrader.protocol.signing import window_on_wire
from cryptotrader.requests import SessionLogonRequest, TimeRequest

logger = get_logger(__name__)
R = TypeVar("R")

_OUT_OF_TIME = -1021
_LOG_ON_TRIES = 2  # the second after a look at the exchange's clock
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
        if recv_window is not None:
            window_on_wire(recv_window)
        self._recv_window = recv_window
        self._needs_clock = key is not None
        self._look_at = 0.0
        self._looks = 0
        self._looking = asyncio.Lock()
        self._log_on_tries = 0
        self._log_on_after_look = False
        self._log_on_due = key is not None and key.can_log_on
        self._log_on_error: BinanceError | None = None

    async def call(
        self,
        request: Request[R],
        *,
        key: Key | None = None,
        recv_window: float | None = None,
        timeout: float | None = None,
        patience: float = 60.0,
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
            ConfigurationError: The request needs a key; nothing was sent.
            ConnectFailed: No connection; nothing was sent.
            RequestRejected: The exchange refused; ``RateLimited`` and ``Banned`` say when to try again.
            OutcomeUnknown: Sent, and no answer.
        """
        identity = self._identity_for(request, key)
        params = request.params()
        window = self._recv_window if recv_window is None else recv_window
        limit = self._timeouts.request if timeout is None else timeout
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

    async def wait_logged_on(self) -> None:
        """Open the connection and wait until its session is logged on.

        Raises:
            ConfigurationError: The connection's key cannot log on; only Ed25519 keys can.
            ConnectFailed: No connection.
            RequestRejected: The exchange refused the log-on.
        """
        if self._identity is None or not self._identity.key.can_log_on:
            raise ConfigurationError("a session is logged on with an Ed25519 key")
        self.open()
        while not self._api.logged_on:
            await self.wait_open()
            if self._log_on_error is not None:
                raise self._log_on_error
            self._changed.clear()
            await self._changed.wait()

    @property
    def recv_window(self) -> float | None:
        """Milliseconds for which signed requests are good; ``None`` for Binance's 5,000."""
        return self._recv_window

    @property
    def logged_on(self) -> bool:
        """Whether the session is logged on."""
        return self._api.logged_on

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
        await self._permission(_TIME, 60.0, None)
        sent = self._loop.time()
        answer = await self._exchange(_TIME, {}, self._timeouts.request, None, None)
        self._observe(sent, answer)

    def work(self) -> None:
        """Do what is due, the look at the exchange's clock and the log-on among it."""
        if self._transport is not None and self._api.accepts_requests:
            self._tend(self._loop.time())
        super().work()

    # ------------------------------------------------------------------------------------------------------ requests

    def _identity_for(self, request: Request[Any], key: Key | None) -> Identity | None:
        if request.api.security is SecurityType.NONE:
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

    def _delay_of(self, request: Request[Any], identity: Identity | None) -> float:
        """Seconds until a request may be sent, 0 for now; infinite while nothing can be sent."""
        if not self._is_ready():
            return float("inf")
        return self._api.wait(request, self._loop.time(), identity, own=request is _TIME)

    async def _permission(self, request: Request[Any], patience: float, identity: Identity | None) -> None:
        """Wait until the connection is open and weight and orders may be spent."""
        latest = self._loop.time() + patience
        while True:
            await self.wait_open()
            delay = self._delay_of(request, identity)
            if delay <= 0:
                return
            if self._loop.time() + delay > latest:
                until = int((self._environment.wall_clock() + delay) * 1000)
                why = "request weight or order budget is used up"
                raise RateLimited(request.api.name, 429, -1003, why, {"retryAfter": until})
            await asyncio.sleep(delay)

    # ------------------------------------------------------------------------------------------------ clock and log-on

    def _tend(self, now: float) -> None:
        """Look at the clock and log on, as soon as each is due and its weight may be spent."""
        if self._needs_clock and now >= self._look_at and self._api.wait(_TIME, now, own=True) <= 0:
            self._look_at = now + LOOK_SECONDS
            self._send_aside(_TIME, None, lambda answer: self._looked(now, answer), _say)
        if self._log_on_due and self._api.wait(_LOG_ON, now, own=True) <= 0:
            self._log_on_due = False
            self._log_on_tries += 1
            self._send_aside(_LOG_ON, self._identity, self._logged_on, self._not_logged_on)

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
        if self._log_on_after_look:
            self._log_on_after_look, self._log_on_due = False, True
            self.work()

    def _logged_on(self, answer: object) -> None:  # noqa: ARG002 - what it says is known
        self._api.logged_on = True
        self._changed.set()

    def _not_logged_on(self, error: BinanceError) -> None:
        late = isinstance(error, RequestRejected) and error.code == _OUT_OF_TIME
        if isinstance(error, OutcomeUnknown) and self._log_on_tries < _LOG_ON_TRIES:
            self._log_on_due = True  # logging on twice does no harm
            self._loop.call_soon(self.work)
            return
        if late and self._log_on_tries < _LOG_ON_TRIES:
            self._api.clock.forget()
            self._look_at, self._log_on_after_look = 0.0, True
            self._loop.call_soon(self.work)
            return
        logger.warning("%s: the session was not logged on: %s", self._base_url, error)
        self._log_on_error = error
        self._changed.set()

    def _end(self, reason: str) -> None:
        super()._end(reason)
        self._look_at = 0.0
        self._log_on_tries = 0
        self._log_on_after_look = False
        self._log_on_error = None
        self._log_on_due = self._identity is not None and self._identity.key.can_log_on


def _say(error: BinanceError) -> None:
    logger.debug("a look at the exchange's clock failed: %s", error)


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
