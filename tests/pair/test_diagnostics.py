"""What the diagnostics find at an exchange where all is well, on one virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.diagnostics import (
    binance_websocket_diagnostic,
    market_diagnostic,
    market_stream_diagnostic,
    order_stream_diagnostic,
    session_diagnostic,
    user_stream_diagnostic,
)
from cryptotrader.diagnostics.trial import Outcome
from cryptotrader.simulator import ExchangeLimits
from diagnosed import diagnose, exchange_in_memory

BASE, STREAMS, REQUESTS = binance_websocket_diagnostic.SCRIPT, market_stream_diagnostic.SCRIPT, market_diagnostic.SCRIPT
ORDERS, USER = order_stream_diagnostic.SCRIPT, user_stream_diagnostic.SCRIPT
SESSION = session_diagnostic.SCRIPT
SCRIPTS = [BASE, STREAMS, REQUESTS, ORDERS, USER]


def may_be_quiet(record):
    """Block trades are rare: the market may have one or not."""
    return record.name == "block_trade" and record.outcome is Outcome.QUIET


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.feature)
async def test_all_is_well(script):
    async with exchange_in_memory(rate=100, limits=ExchangeLimits(ping_interval=0.5)) as exchange:
        await asyncio.sleep(3)  # for candles and trades of the past
        run = await diagnose(exchange, script, key=exchange.demo_keys[0].ed25519)

        assert [record.name for record in run.records] == list(script.tests)
        assert not [
            record for record in run.records if record.outcome is not Outcome.PASSED and not may_be_quiet(record)
        ]
        assert not [record for record in run.records if record.remarks]
        assert run.exit_code == 0
        assert exchange.connections == 0


async def test_what_is_quiet_by_nature_is_told():
    async with exchange_in_memory(rate=1) as exchange:
        exchange.fault("skip", stream="btcusdt@blockTrade")
        (stream,) = (await diagnose(exchange, STREAMS, "block_trade", timeout=60)).records
        (request,) = (await diagnose(exchange, REQUESTS, "blockTrades.historical")).records

    assert (stream.outcome, stream.seconds) == (Outcome.QUIET, 5.0)
    assert stream.detail == "btcusdt@blockTrade: confirmed, and no event within 5 s"
    assert request.outcome is Outcome.QUIET


@pytest.mark.parametrize(
    ("script", "test", "ahead", "text"),
    [
        (BASE, "clock", 1.1, "the exchange is -1100.0 ms ahead, known to 0.0 ms"),
        (BASE, "clock", -1.1, "the exchange is +1100.0 ms ahead, known to 0.0 ms"),
        (SESSION, "session.status", 1.1, "the exchange is -1100 ms ahead"),
        (STREAMS, "trade", 2.1, "late: the event is 2.1"),
        (STREAMS, "trade", -2.1, "late: the event is -2."),
    ],
)
async def test_a_clock_that_is_off_is_told(script, test, ahead, text):
    async with exchange_in_memory(rate=100) as exchange:
        right = await diagnose(exchange, script, test, ahead=ahead * 0.9)
        (record,) = (await diagnose(exchange, script, test, ahead=ahead)).records

    assert [each.outcome for each in right.records] == [Outcome.PASSED]
    assert record.outcome is Outcome.FAILED
    assert text in record.detail


async def test_slow_answers_are_told():
    async with exchange_in_memory() as exchange:
        exchange.fault("delay", connection="api", seconds=0.95, count=11)
        (right,) = (await diagnose(exchange, BASE, "round_trip")).records
        exchange.fault("delay", connection="api", seconds=1.05)
        (slow,) = (await diagnose(exchange, BASE, "round_trip")).records

    assert (right.outcome, right.detail[:9]) == (Outcome.PASSED, "median 95")
    assert (slow.outcome, slow.detail[:16]) == (Outcome.FAILED, "slow: median 105")
