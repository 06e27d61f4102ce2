"""Connections in memory whose far end does what a test says: no exchange stands behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.transport.base import FrameHandler
from cryptotrader.transport.memory import MemoryTransport, memory_pair
from virtual_clock import running_loop

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


class FarEnd:
    """The other end of one connection.

    Attributes:
        transport: Sends, closes and drops.
        answer: Makes the reply to a message; ``None`` gives none.
        received: The messages that came.
        pongs: The pongs that came.
        ended: Why the connection ended, once it has.
    """

    def __init__(self, answer: Answer) -> None:
        self.transport: MemoryTransport
        self.answer = answer
        self.received: list[dict[str, Any]] = []
        self.pongs: list[bytes] = []
        self.ended: str | None = None

    def say(self, message: dict[str, Any] | str) -> None:
        """Send a message."""
        self.transport.send((message if isinstance(message, str) else json.dumps(message)).encode())

    def on_frame(self, payload: bytes, received_ns: int) -> None:
        message = json.loads(payload)
        self.received.append(message)
        reply = self.answer(message)
        if reply is not None:
            self.say({"id": message["id"]} | reply)

    def on_ping(self, payload: bytes) -> None:
        self.transport.pong(payload)

    def on_pong(self, payload: bytes) -> None:
        self.pongs.append(payload)

    def on_closed(self, reason: str) -> None:
        self.ended = reason


class ScriptedDialer:
    """A dialer that plays one act for each attempt, and the last one again and again.

    Args:
        acts: An error to raise, or what the far end does in the turn after the connection is open.
        answer: Makes the replies of all far ends.

    Attributes:
        times: When it was asked.
        urls: For what.
        ends: The far ends of the connections that were opened.
    """

    def __init__(
        self, *acts: Exception | Callable[[FarEnd], object], answer: Answer = lambda _: {"result": None}
    ) -> None:
        self._acts = acts or (lambda _: None,)
        self._answer = answer
        self.times: list[float] = []
        self.urls: list[str] = []
        self.ends: list[FarEnd] = []

    async def __call__(self, url: str, handler: FrameHandler, *, timeout: float, tls: object = None) -> MemoryTransport:
        loop = running_loop()
        self.times.append(loop.time())
        self.urls.append(url)
        act = self._acts[min(len(self.times), len(self._acts)) - 1]
        if isinstance(act, Exception):
            raise act
        end = FarEnd(self._answer)
        near, end.transport = memory_pair(handler, end, clock_ns=loop.wall_ns)
        self.ends.append(end)
        loop.call_soon(act, end)
        return near

    def environment(
        self, *, budgets: AddressBudgets | None = None, random: Callable[[], float] = lambda: 1.0
    ) -> Environment:
        """What connections take from outside, by default with budgets that nobody else spends and no luck."""
        own = budgets or AddressBudgets()
        return Environment(dial=self, budgets=lambda _: own, random=random, clock_ns=running_loop().wall_ns)


async def comes(look: Callable[[], object]) -> None:
    """Let virtual time go on by steps of a second until the answer is true.

    Raises:
        AssertionError: It was not within a day.
    """
    for _ in range(86_400):
        if look():
            return
        await asyncio.sleep(1.0)
    raise AssertionError("it never came")
