"""Callbacks of ``BinanceWebSocketClient`` of every kind, and what it refuses."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from cryptotrader.errors import ConfigurationError
from cryptotrader.ingestion import BinanceWebSocketClient
from cryptotrader.ingestion.binance_client import _endpoint
from cryptotrader.ingestion.config import LIVE_STREAM_URL
from scripted_dialer import ScriptedDialer, comes


def trade(number):
    data = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": number, "p": "1", "q": "1", "T": number, "m": True, "M": True}
    return {"stream": "btcusdt@trade", "data": data}


@asynccontextmanager
async def connected(**options):
    """A client whose ``connect()`` runs, and the far end of its connection."""
    dialer = ScriptedDialer()
    client = BinanceWebSocketClient(
        ["BTCUSDT"], url="ws://exchange:1/stream", environment=dialer.environment(), **options
    )
    running = asyncio.ensure_future(client.connect())
    await comes(lambda: dialer.ends)
    yield client, dialer.ends[0]
    await client.disconnect()
    await running


async def test_who_is_connected_is_not_connected_twice():
    async with connected(on_message=lambda _: None) as (client, _):
        with pytest.raises(ConfigurationError, match="already connected"):
            await client.connect()


async def test_a_callable_that_returns_a_coroutine_is_awaited():
    taken, threads = [], set()

    async def take(message):
        await asyncio.sleep(0)
        taken.append(message["data"]["t"])

    def plain(message):
        threads.add(threading.current_thread().name)
        return take(message)

    async with connected(on_message=plain) as (_, end):
        end.say(trade(1))
        end.say(trade(2))
        await comes(lambda: len(taken) == 2)

    assert taken == [1, 2]
    assert len(threads) == 1
    assert threads.pop().startswith("binance on_message")


async def test_a_plain_callback_that_raises_is_logged_and_gets_the_next_message(caplog):
    taken = []

    def take(message):
        taken.append(message["data"]["t"])
        if len(taken) == 1:
            raise ZeroDivisionError("a user's own")

    async with connected(on_message=take) as (_, end):
        end.say(trade(1))
        end.say(trade(2))
        await comes(lambda: len(taken) == 2)

    assert taken == [1, 2]
    assert "binance_on_message_failed" in caplog.text


async def test_a_typed_callback_that_raises_is_logged_and_gets_the_next_trade(caplog):
    taken = []

    def take(event):
        taken.append(event.trade_id)
        raise ZeroDivisionError("a user's own")

    async with connected(on_trade=take) as (_, end):
        end.say(trade(1))
        end.say(trade(2))
        await comes(lambda: len(taken) == 2)

    assert taken == [1, 2]
    assert caplog.text.count("binance_stream_error") == 2


async def test_who_gives_no_callback_is_connected_all_the_same():
    async with connected() as (_, end):
        end.say(trade(1))
        await asyncio.sleep(1.0)
        assert end.ended is None


async def test_who_was_never_connected_is_disconnected_without_more():
    client = BinanceWebSocketClient()
    await client.disconnect()

    assert client.symbols == ["BTCUSDT", "ETHUSDT"]


def test_the_live_stream_is_the_live_endpoint():
    assert _endpoint(LIVE_STREAM_URL).name == "live"
    assert _endpoint("ws://exchange:1/stream").stream_url == "ws://exchange:1"
