"""The pytest plugin: a running exchange for sync and async tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from cryptotrader.errors import ConfigurationError, UnknownSymbol
from cryptotrader.testing import RunningExchange
from cryptotrader.transport.picows import dial


class Ended:
    def __init__(self):
        self.reason = asyncio.get_running_loop().create_future()
        self.frames = 0

    def on_frame(self, payload, received_ns):
        self.frames += 1

    def on_ping(self, payload):
        raise AssertionError("too early for a ping")

    on_pong = on_ping

    def on_closed(self, reason):
        self.reason.set_result(reason)


async def is_dropped(exchange):
    handler = Ended()
    await dial(f"{exchange.endpoint.stream_url}/ws/btcusdt@trade", handler, timeout=5, tls=None)
    exchange.fault("drop", connection="stream")
    await asyncio.wait_for(handler.reason, 5)
    return True


def test_sync_tests_use_it(exchange):
    assert asyncio.run(is_dropped(exchange))
    assert exchange.connections == 0


async def test_async_tests_use_it(exchange):
    assert await is_dropped(exchange)
    with pytest.raises(ConfigurationError, match="explode"):
        exchange.fault("explode")


def test_it_starts_and_stops_quickly(exchange_factory):
    began = time.monotonic()
    first, second = exchange_factory(), exchange_factory(symbols=["SOLUSDT"], rate=1_000, control_port=0)
    assert time.monotonic() - began < 2
    assert first.port != second.port != second.control_port
    deadline = time.monotonic() + 5
    while second.trades < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    second.stop()
    second.stop()
    assert time.monotonic() - began < 1
    assert sum(thread.name == "local exchange" for thread in threading.enumerate()) == 1


def test_wrong_settings_are_raised_where_it_is_made(exchange_factory):
    with pytest.raises(UnknownSymbol):
        exchange_factory(symbols=["QQQQQQ"])
    with pytest.raises(ConfigurationError):
        exchange_factory(time_scale=0)


def test_a_failure_of_the_exchange_is_raised_where_it_is_stopped():
    exchange = RunningExchange()
    inner = exchange._exchange
    inner._loop.call_soon_threadsafe(lambda: inner.venue.trade_listeners.append(lambda trade: 1 / 0))
    exchange._thread.join(5)
    with pytest.raises(ZeroDivisionError):
        exchange.stop()


def test_users_need_no_pytest_asyncio(tmp_path):
    (tmp_path / "test_users_own.py").write_text(
        "def test_exchange(exchange):\n    assert exchange.endpoint.stream_url.endswith(str(exchange.port))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_an_exchange_is_running_in_under_a_second(exchange_factory):
    started = time.perf_counter()
    exchange = exchange_factory()

    assert exchange.port > 0
    assert time.perf_counter() - started < 1
