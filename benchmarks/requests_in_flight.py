#!/usr/bin/env python3
"""Requests over loopback against a fast echo server, beside the official SDK: single round trips, and 100 in flight.

python benchmarks/requests_in_flight.py --requests 20000 --rounds 5
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_connect,
    ws_create_server,
)

from cryptotrader.base_operations import AddressBudgets, Environment, api_connection
from cryptotrader.config import Endpoint
from cryptotrader.credentials import HmacKey
from cryptotrader.models.base_models import (
    OrderType,
    RateLimit,
    RateLimitInterval,
    RateLimitType,
    Side,
    TimeInForce,
)
from cryptotrader.protocol.limits import WeightBudget
from cryptotrader.requests import OrderPlaceRequest, TimeRequest
from harness import Section, serving, versions
from measuring import IN_FLIGHT, Call, in_flight, round_trips

HERE = Path(__file__).parent
FOREIGN_ENVIRONMENT = HERE.parent / "conformance" / "environment.py"
KEY, SECRET = "measured", "no-secret"
METHODS = ("time", "order.place")
RATE_RATIO = CPU_RATIO = 6.0
REST_ROUND_TRIPS = 500

TIME_RESULT = b'{"serverTime":1723161255343}'
ORDER_RESULT = (
    b'{"symbol":"BTCUSDT","orderId":81273645501,"orderListId":-1,"clientOrderId":"x-7d1fe3a0c95b4c7f8a","transactTime":'
    b'1723161255347,"price":"50000.50000000","origQty":"0.00100000","executedQty":"0.00100000","origQuoteOrderQty":'
    b'"0.00000000","cummulativeQuoteQty":"49.99930000","status":"FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY",'
    b'"workingTime":1723161255347,"fills":[{"price":"49999.10000000","qty":"0.00080000","commission":"0.00000080",'
    b'"commissionAsset":"BTC","tradeId":412345678},{"price":"50000.10000000","qty":"0.00020000","commission":"0.00000020",'
    b'"commissionAsset":"BTC","tradeId":412345679}],"selfTradePreventionMode":"NONE"}'
)
"""A full answer, which is what Binance gives to limit and market orders."""

RATE_LIMITS = (
    b'[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100000000,"count":1},'
    b'{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":100000000,"count":1},'
    b'{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":100000000,"count":1}]'
)
"""As Binance sends them with each reply; nobody is to be slowed down by them here."""


# ---------------------------------------------------------------------------------------------------------- the servers


def serve(port_to: Any) -> None:
    """Answer each request at once."""

    class Echo(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type is WSMsgType.TEXT:
                payload = frame.get_payload_as_bytes()
                begin = payload.index(b'"id":') + 5
                number = payload[begin : payload.find(b",", begin)]  # up to the last brace where it comes last
                result = ORDER_RESULT if b'"order.place"' in payload else TIME_RESULT
                reply = b'{"id":%b,"status":200,"result":%b,"rateLimits":%b}' % (number, result, RATE_LIMITS)
                transport.send(WSMsgType.TEXT, reply)
            elif frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()

    def listener(request: WSUpgradeRequest) -> WSListener:  # noqa: ARG001 - picows' signature
        return Echo()

    async def main() -> None:
        server = await ws_create_server(listener, "127.0.0.1", 0)
        port_to.send(server.sockets[0].getsockname()[1])
        while server.is_serving():  # noqa: ASYNC110 - never asleep: waking it would be part of every figure
            await asyncio.sleep(0)

    asyncio.run(main())


def serve_rest(port_to: Any) -> None:
    """Answer each HTTP request at once and close."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"

    class Rest(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            if data.endswith(b"\r\n\r\n") and isinstance(self.transport, asyncio.WriteTransport):
                self.transport.write(head % len(TIME_RESULT) + TIME_RESULT)
                self.transport.close()

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Rest, "127.0.0.1", 0)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


# ------------------------------------------------------------------------------------------------------------- the ways


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - Binance's name


class _Reply(msgspec.Struct):
    id: int
    result: _Time


@contextlib.asynccontextmanager
async def bare(port: int) -> AsyncIterator[dict[str, Call]]:
    """The floor: a picows listener, a msgspec decoder and a dictionary of futures."""
    decode, loop = msgspec.json.Decoder(_Reply).decode, asyncio.get_running_loop()
    waiting: dict[int, asyncio.Future[_Time]] = {}

    class Listener(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 - picows' signature
            if frame.msg_type is WSMsgType.TEXT:
                reply = decode(frame.get_payload_as_memoryview())
                waiting.pop(reply.id).set_result(reply.result)

    transport, _ = await ws_connect(Listener, f"ws://127.0.0.1:{port}/ws-api/v3")
    last = 0

    async def call() -> Any:
        nonlocal last
        last += 1
        reply = waiting[last] = loop.create_future()
        transport.send(WSMsgType.TEXT, b'{"id":%d,"method":"time"}' % last)
        return await reply

    yield {"time": call}
    transport.disconnect()


@contextlib.asynccontextmanager
async def library(port: int) -> AsyncIterator[dict[str, Call]]:
    """This library: checked, typed, signed, with deadlines, weights and order counts."""
    unlimited = AddressBudgets(weights=WeightBudget(limit=10**12))
    windows = {RateLimitInterval.SECOND: 10, RateLimitInterval.DAY: 1}
    unlimited.orders[KEY].learn(
        [
            RateLimit(rate_limit_type=RateLimitType.ORDERS, interval=unit, interval_num=length, limit=10**12)
            for unit, length in windows.items()
        ],
        0.0,
    )
    environment = Environment(budgets=lambda _: unlimited)
    api = api_connection(Endpoint.local(port), key=HmacKey(KEY, SECRET), environment=environment)
    await api.wait_clock()

    async def place_order() -> Any:
        request = OrderPlaceRequest(
            symbol="BTCUSDT",
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            quantity=Decimal("0.001"),
            price=Decimal("50000.5"),
        )
        return await api.call(request)

    yield {"time": lambda: api.call(TimeRequest()), "order.place": place_order}
    await api.close()


@dataclass
class Figures:
    """What was measured of one way and method: microseconds of round trips, rates and CPU of many in flight."""

    trips: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def quantiles(self) -> tuple[float, float]:
        """Half and 99 of 100 of the round trips took no longer."""
        cuts = statistics.quantiles(self.trips, n=100)
        return cuts[49], cuts[98]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return statistics.median(self.rates)

    @property
    def cost(self) -> float:
        """CPU microseconds a request."""
        return statistics.median(self.costs)


Measure = Callable[[str, str, int], list[float]]
"""Measures a method, ``single`` or in ``flight``, so many times."""


def own(way: Callable[[int], contextlib.AbstractAsyncContextManager[dict[str, Call]]], port: int) -> Measure:
    """Measures a way in this process."""

    async def measured(method: str, kind: str, count: int) -> list[float]:
        async with way(port) as calls:
            return await (round_trips if kind == "single" else in_flight)(calls[method], count)

    return lambda method, kind, count: asyncio.run(measured(method, kind, count))


@contextlib.contextmanager
def official_sdk(port: int) -> Iterator[Measure]:
    """Measures the official SDK in a process of its own, which stays between the rounds."""
    prepared = subprocess.run([sys.executable, FOREIGN_ENVIRONMENT], check=True, capture_output=True, text=True)
    command = [prepared.stdout.strip(), str(HERE / "official_sdk.py"), f"ws://127.0.0.1:{port}/ws-api/v3", KEY, SECRET]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        lines, answers = process.stdin, process.stdout
        if lines is None or answers is None:
            raise RuntimeError("the process of the SDK has no pipes")

        def measure(method: str, kind: str, count: int) -> list[float]:
            print(method, kind, count, file=lines, flush=True)
            return [float(value) for value in json.loads(answers.readline())]

        yield measure
        lines.close()


async def rest_time(port: int) -> None:
    """One `time` request over REST with a connection of its own, in as few steps as it takes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v3/time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    msgspec.json.decode(answer.split(b"\r\n\r\n", 1)[1], type=_Time)
    writer.close()
    await writer.wait_closed()


def measured_rest(rounds: int) -> tuple[float, float]:
    """Quantiles of REST requests."""

    async def measured(port: int) -> list[float]:
        return await round_trips(lambda: rest_time(port), REST_ROUND_TRIPS * rounds)

    with serving(serve_rest) as port:
        return Figures(trips=asyncio.run(measured(port))).quantiles


# -------------------------------------------------------------------------------------------------------------- the run


def measured(requests: int, rounds: int) -> dict[tuple[str, str], Figures]:
    """Figures by way and method, measured in turns."""
    with serving(serve) as port, official_sdk(port) as sdk:
        ways = {
            ("bare picows + msgspec", "time"): own(bare, port),
            **{("official SDK", method): sdk for method in METHODS},
            **{("cryptotrader", method): own(library, port) for method in METHODS},
        }
        figures = {way: Figures() for way in ways}
        for _ in range(rounds):
            for (name, method), measure in ways.items():
                each = figures[name, method]
                each.trips += measure(method, "single", requests // 10)
                rate, cost = measure(method, "flight", requests)
                each.rates.append(rate)
                each.costs.append(cost)
    return figures


def run(requests: int = 20_000, rounds: int = 5) -> Section:
    """Measure all ways in turns."""
    section = Section(
        "Requests",
        f"python benchmarks/requests_in_flight.py --requests {requests} --rounds {rounds}",
        "`time` requests and HMAC-signed `order.place` requests over loopback against a server that never sleeps and "
        f"answers at once: single round trips, then {IN_FLIGHT} in flight; checked, signed, decoded into typed "
        "results. The official SDK (binance-sdk-spot) runs in a process of its own against the same server. REST: one "
        f"new connection for each `time`, without TLS. {versions('picows', 'msgspec')}; medians of {rounds} "
        f"interleaved rounds of {requests:,}.",
        ("way", "request", "p50 µs", "p99 µs", "requests/s", "µs CPU a request", "target"),
    )
    figures, rest = measured(requests, rounds), measured_rest(rounds)
    for (name, method), each in figures.items():
        middle, most = each.quantiles
        target = ""
        if name == "cryptotrader":
            sdk = figures["official SDK", method]
            section.expect(f"{method}: requests/s of the SDK's", each.rate / sdk.rate, RATE_RATIO, at_least=True)
            section.expect(f"{method}: SDK's CPU of ours", sdk.cost / each.cost, CPU_RATIO, at_least=True)
            for quantile, ours, theirs in zip(("p50", "p99"), (middle, most), sdk.quantiles, strict=True):
                section.expect(f"{method}: {quantile} beside the SDK's", ours, theirs, at_least=False)
            target = f"≥ {RATE_RATIO:g} times the SDK: {each.rate / sdk.rate:.1f}; CPU {sdk.cost / each.cost:.1f}"
        section.rows.append(
            (name, method, f"{middle:.0f}", f"{most:.0f}", f"{each.rate:,.0f}", f"{each.cost:.1f}", target)
        )
    section.rows.append(("REST, new connection", "time", f"{rest[0]:.0f}", f"{rest[1]:.0f}", "", "", ""))
    for quantile, ours, theirs in zip(("p50", "p99"), figures["cryptotrader", "time"].quantiles, rest, strict=True):
        section.expect(f"time: {quantile} beside REST's", ours, theirs, at_least=False)
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    run(**vars(parser.parse_args())).print()
