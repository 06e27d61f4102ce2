"""``BinanceWebSocketClient`` against the exchange on the virtual clock."""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.errors import ConfigurationError, ConnectFailed, ConsumerTooSlow
from cryptotrader.ingestion import BinanceConfig, BinanceWebSocketClient, binance_client
from cryptotrader.simulator import LocalExchange
from paired import Dials
from virtual_clock import running_loop


@asynccontextmanager
async def connected(rate=20.0, **options):
    """A client and its exchange; ``connect()`` is running."""
    loop = running_loop()
    budgets = AddressBudgets()
    async with LocalExchange(["BTCUSDT", "ETHUSDT"], port=None, rate=rate, clock=loop.wall_us) as exchange:
        dials = Dials(exchange)
        environment = Environment(dial=dials, budgets=lambda url: budgets, clock_ns=loop.wall_ns)
        client = BinanceWebSocketClient(url="ws://exchange:1/stream", environment=environment, **options)
        running = asyncio.ensure_future(client.connect())
        try:
            yield client, exchange, dials, running
        finally:
            await client.disconnect()
            await asyncio.gather(running, return_exceptions=True)


def test_the_signature_is_that_of_the_seed():
    parameters = inspect.signature(BinanceWebSocketClient).parameters
    client = BinanceWebSocketClient()

    assert list(parameters)[:3] == ["symbols", "on_message", "url"]
    assert parameters["url"].default == "wss://stream.binance.com:9443/stream"
    assert client.symbols == ["BTCUSDT", "ETHUSDT"]
    client.symbols.append("X")
    assert BinanceWebSocketClient().symbols == ["BTCUSDT", "ETHUSDT"]
    with pytest.raises(ConfigurationError, match="give either config or symbols and url"):
        BinanceWebSocketClient(["BTCUSDT"], config=BinanceConfig())


async def test_messages_are_parsed_and_handed_on_in_order():
    messages = []

    async def take(message):
        messages.append(message)

    async with connected(on_message=take):
        await asyncio.sleep(20)
    assert len(messages) > 200
    assert set(messages[0]) == {"stream", "data"}
    assert {message["stream"] for message in messages} == {"btcusdt@trade", "ethusdt@trade"}
    numbers = [message["data"]["t"] for message in messages if message["stream"] == "btcusdt@trade"]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_typed_trades_and_the_log():
    trades = []
    with capture_logs() as logs:
        async with connected(symbols=["BTCUSDT"], on_trade=trades.append):
            await asyncio.sleep(10)
    assert {trade.symbol for trade in trades} == {"BTCUSDT"}
    (entry,) = [entry for entry in logs if entry["event"] == "Connected to Binance WebSocket"]
    assert entry["symbols"] == ["BTCUSDT"]


async def test_a_slow_callback_never_stops_the_connection():
    count = 0

    async def slow(message):
        nonlocal count
        count += 1
        await asyncio.sleep(40)

    async with connected(rate=1.0, on_message=slow) as (_, exchange, dials, _):
        await asyncio.sleep(600)
        assert len(dials.times["stream"]) == 1
        assert exchange.connections == 1
    assert 10 <= count <= 20


async def test_falling_too_far_behind_is_raised(monkeypatch):
    monkeypatch.setattr(binance_client, "MOST_MESSAGES_WAITING", 50)

    async def stuck(message):
        await asyncio.sleep(10_000)

    async with connected(on_message=stuck) as (_, _, _, running):
        await asyncio.sleep(60)
        with pytest.raises(ConsumerTooSlow, match="1 events discarded"):
            await running


async def test_a_callback_that_raises_gets_the_next_message():
    seen = []

    async def faulty(message):
        seen.append(message)
        raise ZeroDivisionError

    with capture_logs() as logs:
        async with connected(on_message=faulty):
            await asyncio.sleep(5)
    assert len(seen) > 20
    assert any(entry["event"] == "binance_on_message_failed" for entry in logs)


async def test_delays_double_up_to_a_minute_and_start_anew_with_the_first_data():
    async with connected(on_trade=lambda trade: None) as (_, exchange, dials, _):
        await asyncio.sleep(5)
        for _ in range(2):
            dials.times["stream"].clear()
            started = running_loop().time()
            exchange.fault("refuse", seconds=300.0)
            exchange.fault("drop", connection="stream")
            await asyncio.sleep(320)
            times = [started, *dials.times["stream"]]
            delays = [after - before for before, after in pairwise(times)]
            assert [round(delay) for delay in delays[:6]] == [5, 10, 20, 40, 60, 60]
            await asyncio.sleep(70)


async def test_exhausted_attempts_are_raised():
    async with connected(on_trade=lambda trade: None) as (_, exchange, _, running):
        await asyncio.sleep(5)
        exchange.fault("refuse", seconds=100_000.0)
        exchange.fault("drop", connection="stream")
        with pytest.raises(ConnectFailed, match="gave up after 10 attempts"):
            await running


async def test_disconnecting_takes_under_a_second_in_any_state_and_connecting_again_works():
    loop = running_loop()
    trades = []
    async with connected(on_trade=trades.append) as (client, exchange, _, first):
        running = first
        for wait, fault in ((0.0, None), (5.0, None), (5.0, "drop")):
            await asyncio.sleep(wait)
            if fault:
                exchange.fault("refuse", seconds=1.0)
                exchange.fault(fault)
                await asyncio.sleep(0.5)
            started = loop.time()
            await client.disconnect()
            await client.disconnect()
            assert loop.time() - started < 1
            await running
            seen = len(trades)
            await asyncio.sleep(5)
            assert len(trades) == seen
            running = asyncio.ensure_future(client.connect())
            await asyncio.sleep(10)
            assert len(trades) > seen
        await client.disconnect()
        await running


async def test_a_synchronous_callback_runs_on_one_thread_and_may_be_slow():
    loop, numbers, threads = running_loop(), [], set()

    def take(message):
        threads.add(threading.current_thread().name)
        if message["stream"] == "btcusdt@trade":
            numbers.append(message["data"]["t"])
        loop.sleep_in_thread(0.02)

    async with connected(rate=100, on_message=take):
        await asyncio.sleep(3)

    assert len(numbers) > 50
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    (name,) = threads
    assert name.startswith("binance on_message")
