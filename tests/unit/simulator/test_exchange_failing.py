"""What becomes of the exchange, and of who waits for it, when its own code fails; and settings that cannot be."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.errors import ConfigurationError, ConnectFailed
from cryptotrader.simulator import LocalExchange
from cryptotrader.simulator.accounts import DEMO_ACCOUNTS
from exchange_client import RecordingClient
from virtual_clock import running_loop


def made(**options):
    return LocalExchange(["BTCUSDT"], port=None, rate=10, clock=running_loop().wall_us, **options)


def fails(*_):
    raise ZeroDivisionError("our own")


async def test_a_market_that_fails_ends_the_exchange_and_is_told_by_stop(caplog):
    exchange = made()
    await exchange.start()
    client = await RecordingClient().dial(exchange, "/stream?streams=btcusdt@trade")
    await asyncio.sleep(1.0)
    exchange.venue.trade_listeners.append(fails)
    await exchange.wait_ended()
    await asyncio.sleep(0.1)

    assert client.closed is not None
    assert exchange.connections == 0
    assert "the local exchange failed" in caplog.text
    with pytest.raises(ConnectFailed, match="connection refused"):
        await RecordingClient().dial(exchange, "/stream")
    with pytest.raises(ZeroDivisionError, match="our own"):
        await exchange.stop()
    with pytest.raises(ZeroDivisionError, match="our own"):  # and again, as often as it is asked
        await exchange.stop()


async def test_an_exchange_that_cannot_end_in_order_says_so_and_keeps_nobody_waiting(tmp_path, caplog):
    exchange = made(truth=tmp_path / "truth")
    await exchange.start()
    waiting = asyncio.ensure_future(exchange.wait_ended())
    truth = exchange._truth
    exchange._truth = type("Failing", (), {"close": fails, "flush": lambda self: None, "take": truth.take})()
    with pytest.raises(ZeroDivisionError, match="our own"):
        await exchange.stop()
    truth.close()
    await waiting

    assert "the local exchange could not end in order" in caplog.text


async def test_a_state_that_cannot_be_saved_is_told_by_stop(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    exchange = made(state=folder / "state")
    await exchange.start()
    folder.rmdir()
    with pytest.raises(ConfigurationError, match="state"):
        await exchange.stop()


async def test_a_state_is_not_saved_after_a_failure(tmp_path):
    exchange = made(state=tmp_path / "state")
    await exchange.start()
    exchange.venue.trade_listeners.append(fails)
    await exchange.wait_ended()
    with pytest.raises(ZeroDivisionError, match="our own"):
        await exchange.stop()

    assert not (tmp_path / "state").exists()


async def test_an_exchange_is_started_once_and_one_that_never_was_is_stopped_without_more():
    exchange = made()
    await exchange.stop()
    await exchange.start()
    with pytest.raises(ConfigurationError, match="an exchange is started once"):
        await exchange.start()
    await exchange.stop()
    await exchange.stop()


async def test_a_truth_file_that_cannot_be_written_keeps_the_exchange_from_starting(tmp_path):
    exchange = made(truth=tmp_path / "missing" / "truth")
    with pytest.raises(ConfigurationError, match="truth: cannot write"):
        await exchange.start()
    await exchange.wait_ended()


async def test_an_exchange_without_sockets_has_no_port():
    exchange = made()
    with pytest.raises(ConfigurationError, match="this exchange has no port; use dial"):
        _ = exchange.port

    assert (exchange.control_port, exchange.status()["port"]) == (None, None)
    assert exchange.endpoint.stream_url == "ws://127.0.0.1:9443"


async def test_settings_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="a replay needs a speed above 0"):
        made(speed=0.0)
    with pytest.raises(ConfigurationError, match="neither accounts nor state"):
        made(replay=tmp_path, accounts=DEMO_ACCOUNTS)
    with pytest.raises(ConfigurationError, match="neither accounts nor state"):
        made(replay=tmp_path, state=tmp_path / "state")


async def test_nobody_connects_to_an_exchange_that_does_not_run():
    exchange = made()
    with pytest.raises(ConnectFailed, match="connection refused"):
        await RecordingClient().dial(exchange, "/stream")


async def test_a_client_that_agrees_to_no_end_is_dropped():
    exchange = made()
    async with exchange:
        client = await RecordingClient().dial(exchange, "/stream?streams=btcusdt@trade")
        client.transport.freeze()
        exchange.fault("server_shutdown", seconds=1.0)
        await asyncio.sleep(5.0)
        assert exchange.connections == 0
