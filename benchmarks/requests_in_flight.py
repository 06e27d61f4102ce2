#!/usr/bin/env python3
"""Requests over loopback against a fast echo server: single round trips, and a hundred in flight.

python benchmarks/requests_in_flight.py --requests 20000 --rounds 5
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine
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
from cryptotrader.protocol.limits import WeightBudget
from cryptotrader.requests import TimeRequest
from harness import Section, cpu_seconds, interleaved, serving, versions

IN_FLIGHT = 100


def serve(port_to: Any) -> None:
    """Answer each request at once with a server time."""

    class Echo(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type is WSMsgType.TEXT:
                payload = frame.get_payload_as_bytes()
                number = payload[payload.index(b":") + 1 : payload.index(b",")]
                reply = b'{"id":%b,"status":200,"result":{"serverTime":1723161255343}}' % number
                transport.send(WSMsgType.TEXT, reply)
            elif frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()

    def listener(request: WSUpgradeRequest) -> WSListener:  # noqa: ARG001 - picows' signature
        return Echo()

    async def main() -> None:
        server = await ws_create_server(listener, "127.0.0.1", 0)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - Binance's name


class _Reply(msgspec.Struct):
    id: int
    result: _Time


Call = Callable[[], Coroutine[Any, Any, Any]]
Way = Callable[[int, Callable[[Call], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]


async def bare(port: int, work: Callable[[Call], Coroutine[Any, Any, None]]) -> None:
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

    await work(call)
    transport.disconnect()


async def library(port: int, work: Callable[[Call], Coroutine[Any, Any, None]]) -> None:
    """This library: checked, typed, with deadlines and weights."""
    unlimited = AddressBudgets(weights=WeightBudget(limit=10**12))
    api = api_connection(Endpoint.local(port), environment=Environment(budgets=lambda _: unlimited))
    request = TimeRequest()
    await api.call(request)
    await work(lambda: api.call(request))
    await api.close()


WAYS: dict[str, Way] = {"bare picows + msgspec": bare, "cryptotrader": library}


def round_trips(way: Way, port: int, count: int) -> list[float]:
    """Microseconds of single requests, one after another."""
    times: list[float] = []

    async def work(call: Call) -> None:
        for _ in range(count):
            started = time.perf_counter_ns()
            await call()
            times.append((time.perf_counter_ns() - started) / 1e3)

    asyncio.run(way(port, work))
    return times


def in_flight(way: Way, port: int, count: int) -> tuple[float, float]:
    """Requests a second and CPU microseconds a request with a hundred in flight."""
    figures: list[tuple[float, float]] = []

    async def work(call: Call) -> None:
        async def one_after_another() -> None:
            for _ in range(count // IN_FLIGHT):
                await call()

        started, cpu = time.perf_counter(), cpu_seconds()
        await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))
        figures.append((count / (time.perf_counter() - started), (cpu_seconds() - cpu) / count * 1e6))

    asyncio.run(way(port, work))
    return figures[0]


def run(requests: int = 20_000, rounds: int = 5) -> Section:
    """Measure all ways in turns."""
    section = Section(
        "Requests",
        f"python benchmarks/requests_in_flight.py --requests {requests} --rounds {rounds}",
        "`time` requests over loopback against a server that answers at once: single round trips, then "
        f"{IN_FLIGHT} in flight. {versions('picows', 'msgspec')}; medians of {rounds} interleaved "
        f"rounds of {requests:,}.",
        ("way", "p50 µs", "p99 µs", "requests/s", "µs CPU a request"),
    )
    with serving(serve) as port:
        trips: dict[str, list[float]] = {name: [] for name in WAYS}
        costs: dict[str, list[float]] = {name: [] for name in WAYS}

        def measured(name: str, way: Way) -> Callable[[], float]:
            def measure() -> float:
                trips[name] += round_trips(way, port, requests // 10)
                rate, cost = in_flight(way, port, requests)
                costs[name].append(cost)
                return rate

            return measure

        rates = interleaved({name: measured(name, way) for name, way in WAYS.items()}, rounds)
    for name, values in rates.items():
        trip = statistics.quantiles(trips[name], n=100)
        rate, cost = statistics.median(values), statistics.median(costs[name])
        section.rows.append((name, f"{trip[49]:.0f}", f"{trip[98]:.0f}", f"{rate:,.0f}", f"{cost:.1f}"))
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    run(**vars(parser.parse_args())).print()
