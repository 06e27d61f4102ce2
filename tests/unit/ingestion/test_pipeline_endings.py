"""How the pipeline ends when its sink does not do what it should."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

from cryptotrader.errors import ConsumerTooSlow, SinkFailed, SinkLocked
from cryptotrader.ingestion import CaptureConfig, ParsedSymbol
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch, Pipeline
from cryptotrader.models.market_models import TradeEvent
from waiting import PATIENCE

PAIRS = {"X": ParsedSymbol("A", "B")}


def event(number, symbol="X", time=1):
    return TradeEvent(
        event_time=1, symbol=symbol, trade_id=number, price=Decimal(1), quantity=Decimal(1), trade_time=time,
        is_buyer_maker=True,
    )  # fmt: skip


class GatedSink:
    """Writes wait for ``gate`` and then raise ``error``, if there is one."""

    name = "gated"

    def __init__(self, *, opening=None, error=None):
        self.opening, self.error = opening, error
        self.gate = threading.Event()
        self.gate.set()
        self.writing, self.loop = asyncio.Event(), asyncio.get_running_loop()
        self.written, self.closed = [], 0

    def open(self):
        if self.opening is not None:
            raise self.opening
        return Ledger()

    def write(self, batch, ledger, pairs):
        self.loop.call_soon_threadsafe(self.writing.set)
        assert self.gate.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        self.written.append([event.trade_id for event in batch.streamed])

    def close(self):
        self.closed += 1


def add(pipeline, *numbers):
    for number in numbers:
        pipeline.batch.streamed.append(event(number))
        pipeline.batch.streamed_ns.append(number * 1000)
        pipeline.added()


async def begun(sink, pipeline):
    """A commit that is being written."""
    sink.gate.clear()
    committing = asyncio.ensure_future(pipeline.commit())
    await sink.writing.wait()
    return committing


def sink_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("sink gated")]


async def test_a_failure_ends_the_run():
    sink = GatedSink(error=SinkFailed("gated", "full"))
    pipeline = Pipeline(sink, PAIRS, CaptureConfig(commit_rows=1))
    await pipeline.open()
    add(pipeline, 1)
    with pytest.raises(SinkFailed, match="full"):
        async with asyncio.timeout(5):
            await pipeline.run()
    await pipeline.close()

    assert pipeline.commits == 0
    assert pipeline.ledger == Ledger()
    assert pipeline.waiting == 0


async def test_a_failure_is_told_even_when_the_commit_was_cancelled():
    sink = GatedSink(error=SinkFailed("gated", "full"))
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    add(pipeline, 1)
    committing = await begun(sink, pipeline)
    committing.cancel()
    await asyncio.sleep(0)
    sink.gate.set()
    with pytest.raises(SinkFailed, match="full"):
        await committing
    await pipeline.close()


async def test_a_cancelled_commit_waits_for_its_write():
    sink = GatedSink()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    add(pipeline, 1, 2)
    committing = await begun(sink, pipeline)
    committing.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not committing.done()
    sink.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await committing

    assert sink.written == [[1, 2]]
    assert list(pipeline.ledger.of("X").stream) == [(1, 2)]
    await pipeline.close()


async def test_a_sink_that_cannot_be_opened_is_not_closed_and_leaves_no_thread():
    sink = GatedSink(opening=SinkLocked("gated", "another process is writing here"))
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    with pytest.raises(SinkLocked, match="another process is writing here"):
        await pipeline.open()
    await pipeline.close()

    assert sink.closed == 0
    assert sink_threads() == []


async def test_closing_twice_closes_the_sink_once():
    sink = GatedSink()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    assert len(sink_threads()) == 1
    await pipeline.close()
    await pipeline.close()

    assert sink.closed == 1
    assert sink_threads() == []


async def test_rows_of_a_running_commit_count_against_the_limit_and_the_error_says_how_far_behind():
    sink = GatedSink()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig(commit_rows=1000, most_rows_waiting=6))
    await pipeline.open()
    add(pipeline, 1, 2, 3)
    committing = await begun(sink, pipeline)
    add(pipeline, 4, 5)
    assert pipeline.waiting == 5
    with pytest.raises(ConsumerTooSlow, match="0 events discarded") as raised:
        add(pipeline, 6)
    assert raised.value.lag_ns == 2000
    sink.gate.set()
    await committing

    assert pipeline.waiting == 3
    add(pipeline, 7)  # there is room again
    await pipeline.close()


async def test_rows_that_come_while_one_batch_is_written_go_into_the_next():
    sink = GatedSink()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    add(pipeline, 1, 2)
    committing = await begun(sink, pipeline)
    add(pipeline, 3)
    sink.gate.set()
    await committing
    await pipeline.commit()
    await pipeline.close()

    assert sink.written == [[1, 2], [3]]
    assert pipeline.ledger.of("X").newest == (3, 1000)


def test_the_limit_follows_the_size_of_a_commit():
    assert CaptureConfig().waiting_limit == 1_000_000
    assert CaptureConfig(commit_rows=500_000).waiting_limit == 2_000_000
    assert CaptureConfig(commit_rows=500_000, most_rows_waiting=7).waiting_limit == 7


def test_a_batch_enters_the_newest_live_trade_of_each_symbol_only():
    ledger = Ledger()
    batch = Batch()
    batch.streamed += [event(5, time=1_700_000_000_000), event(9, "Y", time=3), event(6, time=1_700_000_000_001_000)]
    batch.backfilled.append(event(8, "Z"))
    batch.enter(ledger)

    assert ledger.of("X").newest == (6, 1_700_000_000_001_000)
    assert ledger.of("Y").newest == (9, 3000)
    assert ledger.of("Z").newest is None
    assert Ledger.from_json(ledger.to_json()).of("X").newest == (6, 1_700_000_000_001_000)


def test_a_copy_of_a_ledger_is_its_own():
    ledger = Ledger()
    ledger.of("X").stream.add_range(1, 3)
    copy = ledger.copy()
    copy.of("X").stream.add(4)
    copy.of("Y").backfill.add(1)

    assert list(ledger.of("X").stream) == [(1, 3)]
    assert list(ledger.symbols) == ["X"]
    assert ledger != copy
