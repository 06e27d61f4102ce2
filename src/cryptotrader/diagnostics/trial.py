"""What one test of a diagnostic is given: an endpoint, deadlines, and sockets that are watched while in use."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, TypedDict, TypeVar

import msgspec

from cryptotrader.base_operations import Environment
from cryptotrader.config import Backoff, Endpoint, Timeouts
from cryptotrader.credentials import Credentials
from cryptotrader.errors import ConfigurationError
from cryptotrader.transport.base import Dialer, FrameHandler, FrameTransport

T = TypeVar("T")

TEST_SYMBOL = "BTCUSDT"

_LOOK_SECONDS = 0.01


class Outcome(StrEnum):
    """How a test ended."""

    PASSED = "passed"
    HEALED = "healed"  # passed, after the library repaired something
    QUIET = "quiet"  # nothing was wrong and nothing came, where nothing need come
    SKIPPED = "skipped"
    FAILED = "failed"


class Finding(NamedTuple):
    """What a test found out."""

    outcome: Outcome
    detail: str


class ConnectionOptions(TypedDict):
    """What every connection of a test is made with."""

    backoff: Backoff
    timeouts: Timeouts
    environment: Environment


class WatchedSocket:
    """A socket between a connection and its transport: hands everything on, and notes what tests ask about.

    Attributes:
        handler: The connection.
        pings: What the server sent to be answered.
        pongs: What it was answered.
        unreadable: Frames that were not JSON.
        is_open: Whether its end has not been told yet.
    """

    def __init__(self, handler: FrameHandler) -> None:
        self.handler = handler
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.unreadable = 0
        self.is_open = True
        self._transport: FrameTransport | None = None

    def use(self, transport: FrameTransport) -> None:
        """Send through this transport."""
        self._transport = transport

    # FrameHandler

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        """One message came."""
        try:
            msgspec.json.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.unreadable += 1
        self.handler.on_frame(payload, received_ns)

    def on_ping(self, payload: bytes) -> None:
        """A ping came."""
        self.pings.append(payload)
        self.handler.on_ping(payload)

    def on_pong(self, payload: bytes) -> None:
        """A pong came."""
        self.handler.on_pong(payload)

    def on_closed(self, reason: str) -> None:
        """The socket is closed."""
        self.is_open = False
        self.handler.on_closed(reason)

    # FrameTransport

    def send(self, payload: bytes) -> None:
        """Send one text frame."""
        if self._transport is not None:
            self._transport.send(payload)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        if self._transport is not None:
            self._transport.ping(payload)

    def pong(self, payload: bytes = b"") -> None:
        """Send a pong."""
        self.pongs.append(payload)
        if self._transport is not None:
            self._transport.pong(payload)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake."""
        if self._transport is not None:
            self._transport.close(code, reason)

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()


class WatchedSockets:
    """Dials, and keeps what was opened.

    Args:
        dialer: What opens the connections.

    Attributes:
        opened: Every socket, in the order of opening.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self.opened: list[WatchedSocket] = []
        self._dropped = 0

    async def dial(
        self, url: str, handler: FrameHandler, *, timeout: float, tls: ssl.SSLContext | None
    ) -> FrameTransport:
        """Open a connection; a ``Dialer``.

        Raises:
            ConnectFailed: As the library's own dialer.
        """
        socket = WatchedSocket(handler)
        socket.use(await self._dialer(url, socket, timeout=timeout, tls=tls))
        self.opened.append(socket)
        return socket

    def drop(self) -> None:
        """End every open socket without a word, as a broken network does."""
        for socket in self.opened:
            if socket.is_open:
                self._dropped += 1
                socket.abort()

    @property
    def open(self) -> int:
        """How many are open."""
        return sum(socket.is_open for socket in self.opened)

    @property
    def reconnects(self) -> int:
        """How often a connection had to dial again for another reason than ``drop``."""
        return max(0, len(self.opened) - len({id(socket.handler) for socket in self.opened}) - self._dropped)

    @property
    def unreadable(self) -> int:
        """How many frames were not JSON."""
        return sum(socket.unreadable for socket in self.opened)


@dataclass(frozen=True)
class Trial:
    """What one test is given; nothing in it is shared with another test.

    Attributes:
        endpoint: Where to connect.
        timeout: Seconds to wait for each answer or event.
        may_order: Whether orders may be placed: never on a live exchange, unless its user said so.
        credentials: The key that the environment names, where the diagnostic needs one.
        environment: Sockets and clock.
    """

    endpoint: Endpoint
    timeout: float
    may_order: bool = False
    credentials: Credentials | None = None
    environment: Environment = field(default_factory=Environment)

    @cached_property
    def sockets(self) -> WatchedSockets:
        """What the test's connections opened."""
        return WatchedSockets(self.environment.dial)

    @property
    def key(self) -> Credentials:
        """The key of the account.

        Raises:
            ConfigurationError: The diagnostic did not ask for one.
        """
        if self.credentials is None:
            raise ConfigurationError("this diagnostic uses no key; its script needs needs_key=True")
        return self.credentials

    @property
    def options(self) -> ConnectionOptions:
        """For ``Binance``, ``MarketStream`` and the connection factories: three attempts, watched sockets."""
        return ConnectionOptions(
            backoff=Backoff(initial=0.1, maximum=1.0, attempts=3),
            timeouts=Timeouts(open=self.timeout, request=self.timeout),
            environment=dataclasses.replace(self.environment, dial=self.sockets.dial),
        )


Test = Callable[[Trial], Awaitable[str | Finding]]
"""A test: returns what it found, in a few words; fails by raising."""


def elapsed() -> float:
    """Seconds on the clock of the event loop, which never goes back: what durations are measured by."""
    return asyncio.get_running_loop().time()


async def within(seconds: float, what: str, wait: Awaitable[T]) -> T:
    """Wait for something.

    Raises:
        AssertionError: It did not come in time.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await wait
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise AssertionError(f"no {what} within {seconds:g} s") from error


async def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: It did not in time.
    """

    async def look() -> None:
        while not condition():  # noqa: ASYNC110 - what is looked at tells nobody of its changes
            await asyncio.sleep(_LOOK_SECONDS)

    await within(seconds, what, look())


async def take(events: AsyncIterator[Any], count: int, seconds: float) -> list[Any]:
    """The next ``count`` events, waiting up to ``seconds`` for each.

    Raises:
        AssertionError: One did not come in time.
    """
    return [await within(seconds, f"event ({number} of {count} came)", anext(events)) for number in range(count)]
