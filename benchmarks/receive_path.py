#!/usr/bin/env python3
"""Receive path: combined trade frames over loopback, beside a bare picows listener that decodes the same frames.

python benchmarks/receive_path.py --frames 300000 --rounds 5
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import socket
import struct
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from cryptotrader.config import Endpoint
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.market_models import TradeEvent
from harness import Section, cpu_of, interleaved, medians, serving, versions

SYMBOLS = 100
WS_ACCEPT_BYTES = 4096


def frames(count: int) -> bytes:
    """Server frames, ready to send: trades of a hundred symbols with dense ids."""
    parts = []
    for number in range(count):
        symbol = f"COIN{number % SYMBOLS}USDT"
        payload = (
            f'{{"stream":"{symbol.lower()}@trade","data":{{"e":"trade","E":1723161255343,"s":"{symbol}",'
            f'"t":{number // SYMBOLS},"p":"{61000 + number % 997}.63000000","q":"0.{number % 9973:04d}0000",'
            f'"T":1723161255342,"m":true,"M":true}}}}'
        ).encode()
        size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
        header = b"\x81" + size
        parts.append(header + payload)
    return b"".join(parts)


def serve(port_to: Any, count: int) -> None:
    """Accept clients one after another and send each everything at once."""
    data = frames(count)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port_to.send(server.getsockname()[1])
        while True:
            client, _ = server.accept()
            with client:
                request = client.recv(WS_ACCEPT_BYTES).decode("latin-1")
                fields = (line.split(": ", 1) for line in request.split("\r\n") if ": " in line)
                key = next(value for name, value in fields if name.lower() == "sec-websocket-key")
                digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False)
                accept = base64.b64encode(digest.digest()).decode()
                client.sendall(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
                )
                time.sleep(0.3)  # the client has its wishes sent by now
                try:
                    client.sendall(data)
                    while client.recv(WS_ACCEPT_BYTES):
                        pass
                except OSError:
                    continue


class _Data(msgspec.Struct, gc=False):
    E: int
    s: str
    t: int
    p: Decimal
    q: Decimal
    T: int
    m: bool


class _Frame(msgspec.Struct, gc=False):
    stream: str
    data: _Data


async def bare(port: int, count: int) -> None:
    """The floor: a picows listener and a msgspec decoder."""
    done = asyncio.Event()
    decode = msgspec.json.Decoder(_Frame).decode

    class Listener(WSListener):
        def __init__(self) -> None:
            self.left = count

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002
            if frame.msg_type is WSMsgType.TEXT:
                event = decode(frame.get_payload_as_memoryview())
                take(event.data.p, event.data.q)
                self.left -= 1
                if self.left == 0:
                    done.set()

    transport, _ = await ws_connect(Listener, f"ws://127.0.0.1:{port}/stream")
    await done.wait()
    transport.disconnect()


def take(price: Decimal, quantity: Decimal) -> None:
    """What the consumer does with a trade."""


async def callback(port: int, count: int) -> None:
    """This library, callback form."""
    done, left = asyncio.Event(), count

    def on_trade(event: TradeEvent, received_ns: int) -> None:  # noqa: ARG001
        nonlocal left
        take(event.price, event.quantity)
        left -= 1
        if left == 0:
            done.set()

    market = subscribed(port, callback=on_trade)[0]
    await done.wait()
    await market.close()


async def iterator(port: int, count: int) -> None:
    """This library, ``async for``."""
    market, subscription = subscribed(port, buffer=count)
    left = count
    async for event in subscription:
        take(event.price, event.quantity)
        left -= 1
        if left == 0:
            break
    await market.close()


async def batches(port: int, count: int) -> None:
    """This library, ``batches()``."""
    market, subscription = subscribed(port, buffer=count)
    left = count
    async for batch in subscription.batches():
        for event in batch:
            take(event.price, event.quantity)
        left -= len(batch)
        if left == 0:
            break
    await market.close()


def subscribed(port: int, **options: Any) -> tuple[MarketStream, Any]:
    """A market stream with all symbols; without healing, since there is nobody to ask for past trades."""
    market = MarketStream(Endpoint.local(port))
    names = [f"COIN{number}USDT" for number in range(SYMBOLS)]
    return market, market.trades(*names, heal=options.pop("heal", False), **options)


async def healed(port: int, count: int) -> None:
    """This library, ``async for`` over trades that are checked for holes."""
    market, subscription = subscribed(port, buffer=count, heal=True)
    left = count
    async for event in subscription:
        take(event.price, event.quantity)
        left -= 1
        if left == 0:
            break
    await market.close()


Way = Callable[[int, int], Coroutine[Any, Any, None]]

BARE = "bare picows + msgspec"
WAYS: dict[str, Way] = {
    BARE: bare,
    "callback": callback,
    "async for": iterator,
    "batches": batches,
    "async for, healed": healed,
}
TARGETS = {"callback": 0.60, "async for": 0.45, "batches": 0.55}


def run(frames: int = 300_000, rounds: int = 5) -> Section:
    """Measure all ways in turns."""
    section = Section(
        "Receive path",
        f"python benchmarks/receive_path.py --frames {frames} --rounds {rounds}",
        f"Combined `trade` frames of {SYMBOLS} symbols in a burst over loopback, price and quantity read as Decimal; "
        "CPU time of the client process per frame, median, beside a bare picows listener that decodes the same frames "
        f"into a msgspec Struct with Decimals. {versions('picows', 'msgspec')}; {frames:,} frames, {rounds} rounds, "
        "interleaved.",
        ("way", "µs CPU a frame", "of the bare rate", "target"),
    )
    with serving(serve, frames) as port:

        def measured(way: Way) -> Callable[[], float]:
            return lambda: cpu_of(lambda: asyncio.run(way(port, frames))) / frames * 1e6

        costs = medians(interleaved({name: measured(way) for name, way in WAYS.items()}, rounds))
    floor = costs[BARE]
    for name, cost in costs.items():
        ratio = floor / cost
        target = section.expect(name, ratio, TARGETS[name], at_least=True) if name in TARGETS else ""
        section.rows.append((name, f"{cost:.2f}", f"{ratio:.2f}", target))
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    run(**vars(parser.parse_args())).print()
