"""A client that trades on the local exchange, joined in memory on one virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptotrader.base_operations import Environment
from cryptotrader.client import Binance
from cryptotrader.errors import ConnectFailed
from cryptotrader.protocol.api_session import Key
from cryptotrader.simulator import LocalExchange
from cryptotrader.transport.base import FrameHandler, FrameTransport
from cryptotrader.user_stream import UserStream
from paired import machine
from virtual_clock import running_loop

SYMBOL = "BTCUSDT"


class Line:
    """A machine's way to the exchange, which a test may cut."""

    def __init__(self) -> None:
        self.is_cut = False
        self.transports: list[FrameTransport] = []

    def cut(self) -> None:
        """End all connections and let none be opened until ``mend``."""
        self.is_cut = True
        for transport in self.transports:
            transport.abort()
        self.transports.clear()

    def mend(self) -> None:
        """Let connections be opened again."""
        self.is_cut = False


class Desk:
    """An exchange, its accounts' keys, and clients of them.

    Attributes:
        dials: Connections that clients have opened.
    """

    def __init__(self, symbols: tuple[str, ...], **options: Any) -> None:
        self.exchange = LocalExchange(symbols, port=None, **{"clock": running_loop().wall_us, **options})
        self.keys = self.exchange.demo_keys
        self.dials = 0

    def stranger(self, *, ahead: float = 0.0, **options: Any) -> Binance:
        """A client without a key."""
        return Binance(self.exchange.endpoint, environment=self._machine(ahead), **options)

    def client(self, account: int = 0, key: str = "ed25519", *, ahead: float = 0.0, **options: Any) -> Binance:
        """A client of one account on another machine, whose clock is so many seconds ahead of the exchange's."""
        environment = self._machine(ahead)
        return Binance(self.exchange.endpoint, getattr(self.keys[account], key), environment=environment, **options)

    def user_stream(self, *keys: Key, line: Line | None = None) -> UserStream:
        """A user stream of several accounts, on a machine of its own."""
        return UserStream(self.exchange.endpoint, *keys, environment=self._machine(line=line))

    def _machine(self, ahead: float = 0.0, line: Line | None = None) -> Environment:
        way = line or Line()

        async def dial(url: str, handler: FrameHandler, **how: Any) -> FrameTransport:
            self.dials += 1
            if way.is_cut:
                raise ConnectFailed("the line is cut", url=url)
            transport = await self.exchange.dial(url, _OtherClock(handler, ahead), **how)
            way.transports.append(transport)
            return transport

        return machine(dial, ahead=ahead)


class _OtherClock:
    """A client's end on a machine of its own, whose clock is ahead of the loop's: ``received_ns`` is by another."""

    def __init__(self, handler: FrameHandler, ahead: float) -> None:
        self._handler = handler
        self._ahead = ahead
        self._loop = running_loop()
        self.on_ping = handler.on_ping
        self.on_pong = handler.on_pong
        self.on_closed = handler.on_closed

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        self._handler.on_frame(payload, round((self._loop.wall_seconds() + self._ahead) * 1e9))


@asynccontextmanager
async def desk(*symbols: str, rate: float = 20.0, seed: int = 1, **options: Any) -> AsyncIterator[Desk]:
    """A running exchange."""
    made = Desk(symbols or (SYMBOL,), rate=rate, seed=seed, **options)
    async with made.exchange:
        yield made
