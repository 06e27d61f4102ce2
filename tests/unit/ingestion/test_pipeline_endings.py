"""How the pipeline ends when its sink does not do what it should."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

from capturing import MemorySink, failing, outcome
from cryptotrader.errors import ConsumerTooSlow, SinkFailed, SinkLocked
from cryptotrader.ingestion import CaptureConfig, ParsedSymbol
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch, Pipeline
from cryptotrader.models.market_models import TradeEvent
from virtual_clock import Gate, running_loop

PAIRS = {"X": ParsedSymbol("A", "B")}


def event(number, symbol="X", time=1):
    return TradeEvent(
        event_time=1, symbol=symbol, trade_id=number, price=Decimal(1), quantity=Decimal(1), trade_time=time,
        is_buyer_maker=True,
    )  # fmt: skip


def add(pipeline, *numbers):
    for number in numbers:
        pipeline.batch.streamed.append(event(number))
        pipeline.batch.streamed_ns.append(number * 1000)
        pipeline.added()


def gated(error=None):
    """A sink whose writes wait at a gate and then raise ``error``, if there is one."""
    gate = Gate(running_loop())

    def wait(number):
        gate.wait()
        if error is not None:
            raise error

    return MemorySink(before_write=wait), gate


async def begun(pipeline, gate):
    """A commit that is being written."""
    committing = asyncio.ensure_future(pipeline.commit())
    await gate.reached.wait()
    return committing


def sink_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("sink memory")]


async def test_a_failure_ends_the_run():
    sink = MemorySink(before_write=failing(SinkFailed("memory", "full")))
    pipeline = Pipeline(sink, PAIRS, CaptureConfig(commit_rows=1))
    await pipeline.open()
    add(pipeline, 1)
    with pytest.raises(SinkFailed, match="full"):
        await pipeline.run()
    await pipeline.close()

    assert pipeline.commits == 0
    assert pipeline.ledger == Ledger()
    assert pipeline.waiting == 0


async def test_a_failure_is_told_even_when_the_commit_was_cancelled():
    sink, gate = gated(SinkFailed("memory", "full"))
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    add(pipeline, 1)
    committing = await begun(pipeline, gate)
    committing.cancel()
    await asyncio.sleep(1000)
    gate.open()
    with pytest.raises(SinkFailed, match="full"):
        await committing
    await pipeline.close()


async def test_a_cancelled_commit_waits_for_its_write():
    sink, gate = gated()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    add(pipeline, 1, 2)
    committing = await begun(pipeline, gate)
    committing.cancel()
    await asyncio.sleep(1000)
    assert not committing.done()
    gate.open()
    assert isinstance(await outcome(committing), asyncio.CancelledError)

    assert sink.ids == [[1, 2]]
    assert list(pipeline.ledger.of("X").stream) == [(1, 2)]
    await pipeline.close()


async def test_a_sink_that_cannot_be_opened_is_not_closed_and_leaves_no_thread():
    sink = MemorySink(opening=SinkLocked("memory", "another process is writing here"))
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    with pytest.raises(SinkLocked, match="another process is writing here"):
        await pipeline.open()
    await pipeline.close()

    assert sink.closed == 0
    assert sink_threads() == []


async def test_closing_twice_closes_the_sink_once():
    sink = MemorySink()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    assert len(sink_threads()) == 1
    await pipeline.close()
    await pipeline.close()

    assert sink.closed == 1
    assert sink_threads() == []


async def test_rows_of_a_running_commit_count_against_the_limit_and_the_error_says_how_far_behind():
    sink, gate = gated()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig(commit_rows=1000, most_rows_waiting=6))
    await pipeline.open()
    add(pipeline, 1, 2, 3)
    committing = await begun(pipeline, gate)
    add(pipeline, 4, 5)
    assert pipeline.waiting == 5
    with pytest.raises(ConsumerTooSlow, match="behind") as raised:
        add(pipeline, 6)
    assert raised.value.lag_ns == 2000
    gate.open()
    await committing

    assert pipeline.waiting == 3
    add(pipeline, 7)  # there is room again
    await pipeline.close()


async def test_two_commits_at_once_are_written_one_after_the_other():
    sink, gate = gated()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    assert (pipeline.waiting, pipeline.commits) == (0, 0)
    await pipeline.open()
    add(pipeline, 1, 2)
    first = await begun(pipeline, gate)
    add(pipeline, 3)
    second = asyncio.ensure_future(pipeline.commit())
    await asyncio.sleep(0)
    assert len(sink_threads()) == 1
    gate.open()
    await asyncio.gather(first, second)
    await pipeline.close()

    assert sink.ids == [[1, 2], [3]]
    assert list(pipeline.ledger.of("X").stream) == [(1, 3)]


async def test_too_many_rows_of_which_none_is_live_are_not_behind_by_any_time():
    sink, _ = gated()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig(commit_rows=10, most_rows_waiting=2))
    pipeline.batch.backfilled += [event(1), event(2)]
    with pytest.raises(ConsumerTooSlow, match="behind") as raised:
        pipeline.added()

    assert (raised.value.lag_ns, raised.value.lost) == (0, 0)
    await pipeline.close()


async def test_rows_that_come_while_one_batch_is_written_go_into_the_next():
    sink, gate = gated()
    pipeline = Pipeline(sink, PAIRS, CaptureConfig())
    await pipeline.open()
    add(pipeline, 1, 2)
    committing = await begun(pipeline, gate)
    add(pipeline, 3)
    gate.open()
    await committing
    await pipeline.commit()
    await pipeline.close()

    assert sink.ids == [[1, 2], [3]]
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
