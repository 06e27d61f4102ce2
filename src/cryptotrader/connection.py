"""A connection that stays: the one place where sessions meet sockets, tasks and clocks.

``BinanceWebSocketConnection`` dials, redials with back-off, feeds its session and carries out what the session asks.

Source of the limits: Binance Spot documentation, "General connection information".
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from cryptotrader.config import Backoff, Endpoint, Timeouts, get_logger
from cryptotrader.environment import Environment
from cryptotrader.errors import ConfigurationError, ConnectFailed
from cryptotrader.transport.base import FrameTransport

logger = get_logger(__name__)

_NO_FAILURE_SECONDS = 60.0  # a connection that lived so long was one, even if nothing was said on it


class ConnectionState(StrEnum):
    """Where a connection is in its life."""

    CLOSED = "closed"  # not begun, closed by its owner, or given up
    CONNECTING = "connecting"  # dialling
    OPEN = "open"  # frames go both ways
    WAITING = "waiting"  # lost or refused; the next attempt follows after the back-off
    CLOSING = "closing"  # its owner closes it


class Session(Protocol):
    """What a connection needs of its Sans-I/O half."""

    outbox: deque[tuple[str, bytes]]
    dead: str | None
    redial_at_once: bool

    def url(self, base: str) -> str:
        """The address to dial."""

    def opened(self, now: float, wall: float) -> None:
        """The connection is open."""

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""

    def ping(self, payload: bytes, now: float) -> None:
        """A ping came."""

    def tick(self, now: float) -> float:
        """Do what is due; returns when to be called again."""


class BinanceWebSocketConnection(ABC):
    """One connection that is kept up until ``close()``; a ``FrameHandler``.

    Args:
        base_url: What the session builds its address on.
        session: The Sans-I/O half.
        endpoint: For the private certificate authority, if any.
        backoff: Delays between attempts.
        timeouts: Deadlines.
        environment: Dialer, budgets, randomness and clock.
        on_lost: Told when an open connection ends, and why.
        on_failed: Told when the attempts are exhausted.

    Raises:
        ConfigurationError: The endpoint's certificate authority cannot be read, or no event loop is running.
    """

    def __init__(
        self,
        base_url: str,
        session: Session,
        *,
        endpoint: Endpoint,
        backoff: Backoff | None = None,
        timeouts: Timeouts | None = None,
        environment: Environment | None = None,
        on_lost: Callable[[str], None] | None = None,
        on_failed: Callable[[ConnectFailed], None] | None = None,
    ) -> None:
        self._base_url = base_url
        self._session = session
        self._tls = tls_context(endpoint) if base_url.startswith("wss:") else None
        self._backoff = backoff or Backoff()
        self._timeouts = timeouts or Timeouts()
        self._environment = environment or Environment()
        self._on_lost = on_lost
        self._on_failed = on_failed
        self._budgets = self._environment.budgets(base_url)
        self._loop = running_loop()
        self._transport: FrameTransport | None = None
        self._lost: asyncio.Future[str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._received = False
        self._refused: ConnectFailed | None = None
        self._is_shut = False
        self._last_failure: ConnectFailed | None = None
        self.state = ConnectionState.CLOSED

    @property
    def url(self) -> str:
        """Where to, without query."""
        return self._base_url

    # ------------------------------------------------------------------------------------------------------- life

    def open(self) -> None:
        """Begin to connect and stay connected; does nothing when begun already.

        Raises:
            ConnectFailed: Its owner closed it: that is final.
        """
        if self._is_shut:
            self._raise_if_ended()
        if self._task is None or self._task.done():
            self._refused = None
            self._turn(ConnectionState.CONNECTING)
            self._task = self._loop.create_task(self._run(), name=f"connection to {self._base_url}")

    async def wait_open(self, timeout: float | None = None) -> None:
        """Wait until the connection is open.

        Raises:
            ConnectFailed: The attempts are exhausted, ``timeout`` seconds passed, or the connection was closed.
        """
        if self._is_ready():
            return
        limit = self._timeouts.open if timeout is None else timeout
        try:
            async with asyncio.timeout(limit):
                while not self._is_ready():
                    self._raise_if_ended()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise self._late(limit) from error

    def _late(self, limit: float) -> ConnectFailed:
        """The error of who waited in vain, with what the last attempt met."""
        late, last = f"{self._base_url}: not connected within {limit:g} s", self._last_failure
        if last is None:
            return ConnectFailed(late, url=self._base_url)
        return ConnectFailed(f"{late}: {last}", url=self._base_url, status=last.status, retry_after=last.retry_after)

    def _is_ready(self) -> bool:
        return self.state is ConnectionState.OPEN

    def _raise_if_ended(self) -> None:
        if self._is_shut:
            raise ConnectFailed(f"{self._base_url}: the connection was closed by its owner", url=self._base_url)
        if self._refused is not None:
            raise self._refused
        if self._task is None:
            raise ConnectFailed(f"{self._base_url}: the connection is closed", url=self._base_url)

    def reconnect(self, reason: str) -> None:
        """Give up the connection that is open, if any, for a new one."""
        self._session.dead = reason
        self.work()

    @property
    def is_shut(self) -> bool:
        """Whether its owner has closed it, or is about to."""
        return self._is_shut

    def shut(self) -> None:
        """From now on nothing is opened and nothing sent, for good; ``close()`` follows."""
        self._turn(ConnectionState.CLOSING)
        self._is_shut = True

    async def close(self) -> None:
        """Close for good: the task ends and the socket closes, in any state, within the closing timeout."""
        self.shut()
        transport, task = self._transport, self._task
        try:
            if transport is not None and self._lost is not None:
                transport.close()
                await asyncio.wait([self._lost], timeout=self._timeouts.close)
        finally:  # also when who closes is cancelled
            if transport is not None:
                transport.abort()
            if task is not None:
                task.cancel()
            self._end("closed by this side")
            self.state = ConnectionState.CLOSED  # who waited was told by shut()
        if task is not None:
            await asyncio.wait([task])

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except Exception as error:
            # without this an error in our own code would leave everyone waiting
            logger.exception("%s: the connection's task failed", self._base_url)
            transport = self._transport
            self._end(repr(error))
            self._give_up(ConnectFailed(f"internal error: {error!r}", url=self._base_url), error)
            if transport is not None:
                transport.abort()  # nobody would read it, nor close it, any more

    async def _stay_connected(self) -> None:
        tries = failures = 0  # connections since the last healthy one; those of them, in a row, that brought nothing
        delay = 0.0
        while True:
            await self._wait(delay)
            try:
                opened_at = await self._connect()
            except ConnectFailed as error:
                tries, failures, self._last_failure = tries + 1, failures + 1, error
                logger.warning("connect attempt %d failed: %s", failures, error)
                if self._is_exhausted(failures, error):
                    return
                delay = max(self._delay(tries), error.retry_after or 0.0)
                continue
            reason = await self._until_lost()
            if self._is_shut:
                return
            lived = self._loop.time() - opened_at
            if self._received and lived >= self._backoff.healthy_after:
                tries = 0
            at_once = self._session.redial_at_once and tries == 0
            self._end(reason)
            tries, failures = tries + 1, 0 if self._received or lived >= _NO_FAILURE_SECONDS else failures + 1
            if self._is_exhausted(failures, ConnectFailed(f"{self._base_url}: {reason}", url=self._base_url)):
                return
            delay = 0.0 if at_once else self._delay(tries)
            logger.info("%s: %s; next attempt in %.3f s", self._base_url, reason, delay)

    async def _wait(self, delay: float) -> None:
        """Wait between attempts, for the back-off and for the budget of connections."""
        while (delay := max(delay, self._budgets.connections.wait(self._loop.time()))) > 0:
            self._turn(ConnectionState.WAITING)
            await asyncio.sleep(delay)
            delay = 0.0

    def _is_exhausted(self, failures: int, error: ConnectFailed) -> bool:
        """Whether the attempts are used up; if so everyone is told.

        Who limits the attempts is not made to wait for the end of a ban either.
        """
        if self._backoff.attempts is None:
            return False
        if failures < self._backoff.attempts and (error.retry_after or 0.0) <= self._timeouts.open:
            return False
        gave_up = f"gave up after {failures} attempts: {error}"
        self._give_up(
            ConnectFailed(
                gave_up, url=error.url, attempts=failures, status=error.status, retry_after=error.retry_after
            ),
            error,
        )
        return True

    def _delay(self, tries: int) -> float:
        bound = self._backoff.bound(tries)
        return bound * self._environment.random() if self._backoff.jitter else bound

    async def _connect(self) -> float:
        self._turn(ConnectionState.CONNECTING)
        self._budgets.connections.spend(self._loop.time())
        self._received = False
        self._lost = self._loop.create_future()
        self._transport = await self._environment.dial(
            self._session.url(self._base_url),
            self,
            timeout=self._timeouts.open,
            tls=self._tls,
        )
        now, self._last_failure = self._loop.time(), None
        self._session.opened(now, self._environment.clock_ns() / 1e9)
        self._turn(ConnectionState.OPEN)
        self.work()
        return now

    async def _until_lost(self) -> str:
        if self._lost is None:
            raise RuntimeError("no connection to wait for")
        return await self._lost

    def _end(self, reason: str) -> None:
        """Forget the connection that was."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is None:
            return
        self._transport = None
        self._session.lost(reason, self._loop.time())
        if self._on_lost is not None:
            self._on_lost(reason)

    def _give_up(self, error: ConnectFailed, cause: Exception) -> None:
        error.__cause__ = cause
        self._refused = error
        self._turn(ConnectionState.CLOSED)
        if self._on_failed is not None:
            self._on_failed(error)

    def _turn(self, state: ConnectionState) -> None:
        if state is not self.state:
            logger.debug("%s: %s -> %s", self._base_url, self.state, state)
        if not self._is_shut:
            self.state = state
        self._changed.set()

    # ------------------------------------------------------------------------------------------------------- frames

    @abstractmethod
    def on_frame(self, payload: bytes, received_ns: int) -> None:
        """One message came: hand it to the session, and let it work when that left something to do."""

    def on_ping(self, payload: bytes) -> None:
        """A ping came."""
        self._session.ping(payload, self._loop.time())
        self.work()

    def on_pong(self, payload: bytes) -> None:  # noqa: B027 - no connection has anything to do with it
        """A pong came; none is ever asked for."""

    def on_closed(self, reason: str) -> None:
        """The socket is closed."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(self._session.dead or reason)

    def work(self) -> None:
        """Let the session do what is due, carry out what it asks, and see to it that the one timer is early enough."""
        transport = self._transport
        if transport is None:
            return
        next_tick = self._session.tick(self._loop.time())
        self._empty_outbox(transport)
        if self._session.dead is not None:
            transport.abort()
            return
        if self._timer is not None and self._timer.when() <= next_tick:
            return  # too early costs one turn; a timer set anew for each request would cost more
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(next_tick, self._on_timer)

    def send_out(self, due: float) -> None:
        """Send what the session has ready, and nothing else; ``due`` is when it has to be looked at at the latest."""
        if self._transport is not None and self._timer is not None and self._timer.when() <= due:
            self._empty_outbox(self._transport)
        else:
            self.work()

    def _empty_outbox(self, transport: FrameTransport) -> None:
        outbox = self._session.outbox
        while outbox:
            kind, payload = outbox.popleft()
            if kind == "send":
                transport.send(payload)
            else:
                transport.pong(payload)

    def _on_timer(self) -> None:
        self._timer = None
        self.work()


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop that runs.

    Raises:
        ConfigurationError: None does.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        how = "make it in a coroutine, such as one that asyncio.run() runs: async with Binance(...) as binance"
        raise ConfigurationError(f"no event loop is running: {how}") from error


@lru_cache(maxsize=16)
def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Verification against the system's authorities, or against the endpoint's own; there is no off switch.

    Raises:
        ConfigurationError: The endpoint's authority cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=endpoint.ca)
    except OSError as error:
        raise ConfigurationError(f"certificate authority {endpoint.ca} cannot be read: {error}") from error
