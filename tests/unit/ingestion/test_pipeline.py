from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from pydantic import ValidationError

from capturing import MemorySink, failing
from cryptotrader.errors import ConsumerTooSlow, SinkFailed
from cryptotrader.ingestion import BinanceConfig, CaptureConfig, ParsedSymbol
from cryptotrader.ingestion.ledger import Absence
from cryptotrader.ingestion.pipeline import DeadLetter, Pipeline
from cryptotrader.models.market_models import TradeEvent
from virtual_clock import Gate, running_loop

PAIRS = {"X": ParsedSymbol("A", "B")}


def event(number):
    return TradeEvent(
        event_time=1, symbol="X", trade_id=number, price=Decimal(1), quantity=Decimal(1), trade_time=1,
        is_buyer_maker=True,
    )  # fmt: skip


async def make(**config):
    sink = MemorySink()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig(**config))
    await pipeline.open()
    return pipeline, sink


def add(pipeline, *numbers):
    for number in numbers:
        pipeline.batch.streamed.append(event(number))
        pipeline.batch.streamed_ns.append(number)
        pipeline.added()


async def test_a_commit_stores_rows_and_ledger_together_on_one_thread():
    pipeline, sink = await make()
    add(pipeline, 1, 2, 5)
    pipeline.batch.backfilled.append(event(3))
    pipeline.batch.backfilled_ns.append(9)
    pipeline.batch.rejected.append(DeadLetter(event(4), 9, "why"))
    pipeline.batch.absent.append(("X", Absence(6, 6, "asked", 7, 1)))
    assert pipeline.waiting == 5
    await pipeline.commit()
    await pipeline.commit()  # nothing new
    await pipeline.close()

    entry = sink.ledger.of("X")
    assert len(sink.batches) == pipeline.commits == 1
    assert (list(entry.stream), list(entry.backfill), list(entry.rejected)) == ([(1, 2), (5, 5)], [(3, 3)], [(4, 4)])
    assert entry.absent == [Absence(6, 6, "asked", 7, 1)]
    assert entry.unresolved() == []
    assert sink.closed == 1
    assert len(sink.threads) == 1
    assert sink.threads.pop().startswith("sink memory")


async def stopped(running):
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_many_rows_make_a_commit_due_at_once():
    pipeline, sink = await make(commit_rows=3, commit_seconds=1000)
    running = asyncio.ensure_future(pipeline.run())
    add(pipeline, 1, 2)
    await asyncio.sleep(999)
    assert sink.batches == []
    add(pipeline, 3)
    await asyncio.sleep(0.001)
    assert sink.ids == [[1, 2, 3]]
    await stopped(running)
    await pipeline.close()


async def test_time_makes_a_commit_due():
    pipeline, sink = await make(commit_seconds=7.0)
    running = asyncio.ensure_future(pipeline.run())
    add(pipeline, 1)
    await asyncio.sleep(6.999)
    assert sink.ids == []
    await asyncio.sleep(0.002)
    assert sink.ids == [[1]]
    add(pipeline, 2)
    await asyncio.sleep(6.997)
    assert sink.ids == [[1]]
    await asyncio.sleep(0.003)
    assert sink.ids == [[1], [2]]
    await asyncio.sleep(100)  # with nothing new nothing is written
    assert sink.writes == pipeline.commits == 2
    await stopped(running)
    await pipeline.close()


async def test_after_a_commit_for_many_rows_the_time_counts_anew():
    pipeline, sink = await make(commit_rows=2, commit_seconds=10.0)
    running = asyncio.ensure_future(pipeline.run())
    await asyncio.sleep(6)
    add(pipeline, 1, 2)
    await asyncio.sleep(1)
    add(pipeline, 3)
    await asyncio.sleep(8.9)
    assert sink.ids == [[1, 2]]
    await asyncio.sleep(0.2)
    assert sink.ids == [[1, 2], [3]]
    await stopped(running)
    await pipeline.close()


async def test_a_commit_that_is_cancelled_halfway_still_counts():
    pipeline, sink = await make()
    gate = Gate(running_loop())
    sink.before_write = lambda number: gate.wait()
    add(pipeline, 1, 2)
    committing = asyncio.ensure_future(pipeline.commit())
    await gate.reached.wait()
    committing.cancel()
    running_loop().call_later(60, gate.open)
    await asyncio.gather(committing, return_exceptions=True)
    add(pipeline, 3)
    await pipeline.commit()
    await pipeline.close()

    assert [batch.rows for batch in sink.batches] == [2, 1]
    assert list(sink.ledger.of("X").stream) == [(1, 3)]
    assert pipeline.commits == 2


async def test_what_was_rejected_or_is_absent_is_committed_without_any_row():
    pipeline, sink = await make()
    pipeline.batch.rejected.append(DeadLetter(event(4), 9, "why"))
    await pipeline.commit()
    pipeline.batch.absent.append(("X", Absence(6, 6, "asked", 7, 1)))
    await pipeline.commit()
    await pipeline.close()

    assert sink.writes == 2
    assert list(sink.ledger.of("X").known()) == [(4, 4), (6, 6)]


async def test_a_failing_sink_is_told_and_the_ledger_stays():
    pipeline, sink = await make()
    add(pipeline, 1)
    await pipeline.commit()
    sink.before_write = failing(SinkFailed("memory", "full"))
    add(pipeline, 2)
    with pytest.raises(SinkFailed, match="full"):
        await pipeline.commit()
    await pipeline.close()

    assert list(pipeline.ledger.of("X").stream) == [(1, 1)]


async def test_a_sink_that_does_not_keep_up_ends_capture_before_memory_fills():
    pipeline, sink = await make(commit_rows=2, most_rows_waiting=10)
    gate = Gate(running_loop())
    sink.before_write = lambda number: gate.wait()
    add(pipeline, 1, 2, 3)
    committing = asyncio.ensure_future(pipeline.commit())
    await gate.reached.wait()
    assert pipeline.waiting == 3
    with pytest.raises(ConsumerTooSlow, match="behind"):
        add(pipeline, *range(4, 20))
    assert pipeline.waiting == 10
    gate.open()
    await committing
    await pipeline.close()


def test_defaults_of_the_settings(monkeypatch):
    for name in ("ENABLED", "SYMBOLS", "WEBSOCKET_URL"):
        monkeypatch.delenv(f"BINANCE_{name}", raising=False)
    config = BinanceConfig()

    assert config.enabled is False
    assert config.websocket_url == "wss://stream.binance.com:9443/stream"
    assert config.symbols == ["BTCUSDT", "ETHUSDT"]
    assert (config.reconnect_delay, config.max_reconnect_attempts) == (5, 10)
    config.symbols.append("ETHBTC")
    assert BinanceConfig().symbols == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize("text", ["solusdt, BTCUSDT,SOLUSDT", '["SOLUSDT", "BTCUSDT"]'])
def test_settings_come_from_the_environment(monkeypatch, text):
    monkeypatch.setenv("BINANCE_SYMBOLS", text)
    monkeypatch.setenv("BINANCE_ENABLED", "true")
    monkeypatch.setenv("BINANCE_RECONNECT_DELAY", "1.5")
    config = BinanceConfig()

    assert config.symbols == ["SOLUSDT", "BTCUSDT"]
    assert (config.enabled, config.reconnect_delay) == (True, 1.5)


@pytest.mark.parametrize(
    "values",
    [
        {"websocket_url": "https://stream.binance.com"},
        {"websocket_url": "stream.binance.com"},
        {"symbols": []},
        {"symbols": ["BTC USDT"]},
        {"symbols": [""]},
        {"symbols": ["btcusdt@trade"]},
        {"reconnect_delay": 0},
        {"max_reconnect_attempts": 0},
        {"unknown": 1},
    ],
    ids=str,
)
def test_bad_settings_are_refused(values):
    with pytest.raises(ValidationError, match="1 validation error for BinanceConfig"):
        BinanceConfig(**values)


@pytest.mark.parametrize(
    "values", [{"commit_seconds": 0}, {"commit_rows": 0}, {"future_tolerance_seconds": -1}], ids=str
)
def test_bad_capture_settings_are_refused(values):
    with pytest.raises(ValidationError, match="1 validation error for CaptureConfig"):
        CaptureConfig(**values)
