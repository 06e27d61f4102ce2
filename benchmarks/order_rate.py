#!/usr/bin/env python3
"""How many orders a second the local exchange takes on one session that is logged on.

python benchmarks/order_rate.py --orders 20000
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from cryptotrader.credentials import Ed25519Key
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.simulator import ExchangeLimits, LocalExchange
from harness import Section, serving, versions

IN_FLIGHT = 100
MOST_OPEN = 125  # a symbol takes 200 open orders of one account
ROUNDS = 3
TARGET = 5_000
NO_LIMIT = 10**9


def serve(pipe: Any, folder: Path) -> None:
    """A local exchange without limits and without other trades, whose own participants quote a book."""

    async def main() -> None:
        limits = ExchangeLimits(orders=NO_LIMIT, orders_a_day=NO_LIMIT, weight=NO_LIMIT)
        async with LocalExchange(["BTCUSDT"], rate=0, limits=limits) as exchange:
            _, api_key, path = exchange.demo_keys[0].write(folder)[0]  # the Ed25519 key
            pipe.send((exchange.port, api_key, path))
            await exchange.wait_ended()

    asyncio.run(main())


Params = dict[str, Any]


def resting() -> Iterator[tuple[str, Params]]:
    """Orders far from the market, and all of them cancelled before there are too many."""
    for number in count():
        if number % MOST_OPEN == MOST_OPEN - 1:
            yield "openOrders.cancelAll", {"symbol": "BTCUSDT"}
        else:
            price = {"timeInForce": "GTC", "price": f"{50_000 + number % MOST_OPEN}"}
            yield "order.place", {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", **price}


def filled() -> Iterator[tuple[str, Params]]:
    """Market orders that the book fills, bought and sold in turn."""
    for number in count():
        side = "SELL" if number % 2 else "BUY"
        yield "order.place", {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.0001"}


class Session(WSListener):
    """One connection that keeps a hundred requests in flight."""

    def __init__(self) -> None:
        self._transport: WSTransport | None = None
        self._requests: Iterator[tuple[str, Params]] = iter(())
        self._left = self._waiting = self.events = 0
        self._done = asyncio.Event()
        self.refused: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Remember the socket."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a reply, and send the next request."""
        if frame.msg_type is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
            return
        payload = frame.get_payload_as_bytes()
        if not payload.startswith(b'{"id"'):
            self.events += 1
            return
        if b'"status":200' not in payload[:40]:
            self.refused.append(payload)
        self._waiting -= 1
        if self._left:
            self._send_next()
        elif not self._waiting:
            self._done.set()

    def _send_next(self) -> None:
        self._left -= 1
        self._waiting += 1
        method, params = next(self._requests)
        params.setdefault("timestamp", time.time_ns() // 1_000_000)
        if self._transport is not None:
            request = {"id": self._left, "method": method, "params": params}
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(request))

    async def run(self, requests: Iterator[tuple[str, Params]], number: int, at_once: int = IN_FLIGHT) -> float:
        """Send so many requests; returns seconds."""
        self._requests, self._left = requests, number
        self._done.clear()
        started = time.perf_counter()
        for _ in range(min(at_once, number)):
            self._send_next()
        await self._done.wait()
        if self.refused:
            raise RuntimeError(f"refused: {self.refused[0].decode()}")
        return time.perf_counter() - started


def log_on(key: Ed25519Key) -> Iterator[tuple[str, Params]]:
    """The log-on of a session."""
    params: Params = {"apiKey": key.api_key, "timestamp": time.time_ns() // 1_000_000}
    yield "session.logon", {**params, "signature": key.sign(signature_payload(params))}


async def measured(port: int, key: Ed25519Key, orders: int, *, user_data: bool) -> dict[str, float]:
    """Orders a second, by kind."""
    _, session = await ws_connect(Session, f"ws://127.0.0.1:{port}/ws-api/v3")
    if not isinstance(session, Session):
        raise TypeError("picows gave another listener")
    await session.run(log_on(key), 1)
    if user_data:
        await session.run(iter([("userDataStream.subscribe", {})]), 1)
    rates = {}
    kinds: dict[str, Callable[[], Iterator[tuple[str, Params]]]] = {"resting": resting, "filled": filled}
    for name, requests in kinds.items():
        rates[name] = orders / await session.run(requests(), orders)
    return rates


def run(orders: int = 20_000) -> Section:
    """Measure with and without user data, in turns; the number is rounded down so that nothing rests in the end."""
    orders -= orders % MOST_OPEN
    section = Section(
        "Orders a second",
        f"python benchmarks/order_rate.py --orders {orders}",
        f"`order.place` on one session that is logged on, {IN_FLIGHT} in flight, full answers, the exchange in a "
        "process of its own and the client a bare picows listener: limit orders that rest and are cancelled together, "
        f"and market orders that are filled. {versions('picows')}; medians of {ROUNDS} interleaved rounds of "
        f"{orders:,}.",
        ("orders", "user data on the session", "orders/s", "target"),
    )
    rates: dict[tuple[str, bool], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, serving(serve, Path(folder)) as (port, api_key, path):
        key = Ed25519Key.from_file(path, api_key=api_key)
        for _ in range(ROUNDS):
            for user_data in (False, True):
                for kind, rate in asyncio.run(measured(port, key, orders, user_data=user_data)).items():
                    rates.setdefault((kind, user_data), []).append(rate)
    for (kind, user_data), values in rates.items():
        rate = statistics.median(values)
        name = f"{kind}{', with user data' if user_data else ''}: orders/s"
        target = section.expect(name, rate, TARGET, at_least=True)
        section.rows.append((kind, "yes" if user_data else "no", f"{rate:,.0f}", target))
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    run(**vars(parser.parse_args())).print()
