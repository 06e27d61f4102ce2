"""The pytest plugin: a running exchange for sync and async tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from cryptotrader.errors import ConfigurationError, UnknownSymbol
from cryptotrader.testing import RunningExchange
from cryptotrader.transport.picows import dial
from waiting import PATIENCE, eventually, soon


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
    await dial(f"{exchange.endpoint.stream_url}/ws/btcusdt@trade", handler, timeout=PATIENCE, tls=None)
    exchange.fault("drop", connection="stream")
    await soon(handler.reason)
    return True


def test_sync_tests_use_it(exchange):
    assert asyncio.run(is_dropped(exchange))
    eventually(lambda: exchange.connections == 0)


async def test_async_tests_use_it(exchange):
    assert await is_dropped(exchange)
    with pytest.raises(ConfigurationError, match="explode"):
        exchange.fault("explode")


def test_several_run_beside_one_another_and_may_be_stopped_twice(exchange_factory):
    first, second = exchange_factory(), exchange_factory(symbols=["SOLUSDT"], rate=1_000, control_port=0)
    assert len({first.port, second.port, second.control_port}) == 3
    eventually(lambda: second.trades >= 10)
    second.stop()
    second.stop()
    assert sum(thread.name == "local exchange" for thread in threading.enumerate()) == 1


def test_wrong_settings_are_raised_where_it_is_made(exchange_factory):
    with pytest.raises(UnknownSymbol, match="QQQQQQ"):
        exchange_factory(symbols=["QQQQQQ"])
    with pytest.raises(ConfigurationError, match="time_scale must be positive"):
        exchange_factory(time_scale=0)


def test_a_failure_of_the_exchange_is_raised_where_it_is_stopped():
    exchange = RunningExchange()
    inner = exchange._exchange
    inner._loop.call_soon_threadsafe(lambda: inner.venue.trade_listeners.append(lambda trade: 1 / 0))
    exchange._thread.join(PATIENCE)
    assert not exchange._thread.is_alive()
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        exchange.stop()


def test_users_need_no_pytest_asyncio(tmp_path):
    (tmp_path / "test_users_own.py").write_text(
        "def test_exchange(exchange):\n    assert exchange.endpoint.stream_url.endswith(str(exchange.port))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=PATIENCE, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
