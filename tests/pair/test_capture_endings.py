"""How capture ends when it cannot go on, what it leaves behind, and what the next one makes of that."""

from __future__ import annotations

import asyncio
import logging

import pytest

from capturing import MemorySink, assert_ledger_tells_the_rows, failing, market, numbers, outcome, run_for
from cryptotrader.config import Backoff
from cryptotrader.errors import (
    ConfigurationError,
    ConnectFailed,
    ConsumerTooSlow,
    IngestionError,
    SinkFailed,
    SinkLocked,
)
from cryptotrader.ingestion.backfill import Backfill
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.ledger import Ledger
from virtual_clock import Gate, running_loop

FULL = SinkFailed("memory", "full")


def lose_some_and_refuse_to_tell(exchange):
    """A hole that cannot be filled."""
    exchange.fault("refuse", seconds=10_000.0)
    exchange.fault("drop", connection="api")
    exchange.fault("skip", stream="btcusdt@trade", count=20)


# the sink


@pytest.mark.parametrize("write", [1, 2, 5])
async def test_a_sink_that_fails_ends_capture_and_what_was_committed_stands(write):
    async with market(rate=100) as pair:
        sink = MemorySink(before_write=failing(FULL, write))
        with pytest.raises(SinkFailed, match="memory: full"):
            await run_for(pair.capture(sink), 60)

        assert running_loop().time() == pytest.approx(write, abs=0.2)  # at once
        assert (sink.writes, sink.closed) == (write, 1)  # not tried again while ending
        assert len(sink.batches) == write - 1
        assert_ledger_tells_the_rows(sink)
        assert pair.exchange.connections == 0

        ledger = await run_for(pair.capture(sink), 3)  # the next one fetches what the failed one had in hand
        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, ledger)
        assert ledger.of("BTCUSDT").unresolved() == []


async def test_a_sink_that_fails_in_the_last_commit_is_told():
    async with market(rate=100) as pair:
        sink = MemorySink(before_write=failing(FULL, 4))
        with pytest.raises(SinkFailed, match="memory: full"):
            await run_for(pair.capture(sink), 3.5)

        assert (sink.writes, sink.closed) == (4, 1)
        assert_ledger_tells_the_rows(sink)
        assert len(sink.batches) == 3


async def test_a_sink_that_fails_while_holes_are_still_open_is_told():
    async with market(rate=100) as pair:
        sink = MemorySink(before_write=failing(FULL, 4))
        capture = pair.capture(sink, drain_seconds=8.0)
        during = [(1.5, lambda: lose_some_and_refuse_to_tell(pair.exchange))]
        with pytest.raises(SinkFailed, match="memory: full"):
            await run_for(capture, 3.5, during=during)

        assert (sink.writes, sink.closed) == (4, 1)
        assert_ledger_tells_the_rows(sink)


def holding_the_second(gate, *, fails):
    """The second write waits at the gate, and then fails or not."""

    def before_write(number):
        if number == 2:
            gate.wait()
            if fails:
                raise FULL

    return before_write


@pytest.mark.parametrize("fails", [False, True])
async def test_a_signal_in_the_middle_of_a_commit_waits_for_it(fails):
    async with market(rate=100) as pair:
        gate = Gate(running_loop())
        sink, stop = MemorySink(before_write=holding_the_second(gate, fails=fails)), asyncio.Event()
        capture = pair.capture(sink)
        running = asyncio.ensure_future(capture.run(stop))
        await gate.reached.wait()
        await asyncio.sleep(2)
        stop.set()
        await asyncio.sleep(60)
        assert not running.done()
        assert capture.progress().rows_waiting > 0
        gate.open()
        ended = await outcome(running)

        assert_ledger_tells_the_rows(sink)
        assert sink.closed == 1
        if fails:
            assert ended is FULL
            assert (sink.writes, capture.progress().commits) == (2, 1)
        else:
            assert ended == sink.ledger
            assert (sink.writes, capture.progress().commits) == (3, 3)
            assert capture.progress().rows_waiting == 0
            pair.assert_stored(sink.events, ended)


@pytest.mark.parametrize("fails", [False, True])
async def test_cancelling_in_the_middle_of_a_commit_waits_for_it_and_commits_the_rest(fails):
    async with market(rate=100) as pair:
        gate = Gate(running_loop())
        sink = MemorySink(before_write=holding_the_second(gate, fails=fails))
        running = asyncio.ensure_future(run_for(pair.capture(sink), 1000))
        await gate.reached.wait()
        await asyncio.sleep(2)
        running.cancel()
        await asyncio.sleep(60)
        assert not running.done()
        gate.open()
        ended = await outcome(running)

        assert ended is FULL if fails else isinstance(ended, asyncio.CancelledError)
        assert (sink.writes, sink.closed) == ((2, 1) if fails else (3, 1))
        assert_ledger_tells_the_rows(sink)
        assert pair.exchange.connections == 0


async def test_a_slow_sink_holds_nothing_up():
    async with market(rate=100) as pair:
        loop = running_loop()
        sink = MemorySink(before_write=lambda number: loop.sleep_in_thread(3.0))
        capture = pair.capture(sink)
        ledger = await run_for(capture, 20)

        assert capture.progress().reconnects == 0
        assert ledger.of("BTCUSDT").backfill.count == 0
        assert ledger.of("BTCUSDT").unresolved() == []
        assert 6 <= sink.writes <= 7  # one every second of waiting and three of writing
        pair.assert_stored(sink.events, ledger)
        assert_ledger_tells_the_rows(sink)


async def test_a_sink_that_hangs_ends_capture_before_memory_fills_and_nothing_is_lost():
    async with market(rate=100) as pair:
        gate = Gate(running_loop())
        sink = MemorySink(before_write=lambda number: gate.wait())
        capture = pair.capture(sink, most_rows_waiting=500)
        running = asyncio.ensure_future(run_for(capture, 1000))
        await gate.reached.wait()
        await asyncio.sleep(60)
        assert capture.progress().rows_waiting == 500
        assert pair.exchange.connections < 2  # the stream is closed
        assert not running.done()
        gate.open()
        error = await outcome(running)

        assert isinstance(error, ConsumerTooSlow)
        assert 1e9 < error.lag_ns < 10e9
        assert (len(sink.events), sink.closed) == (500, 1)
        assert sink.ledger.of("BTCUSDT").unresolved() == []
        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, sink.ledger)


async def test_rejected_trades_fill_memory_as_well():
    async with market(rate=100, clock_ahead=3600.0) as pair:
        gate = Gate(running_loop())
        sink = MemorySink(before_write=lambda number: gate.wait())
        capture = pair.capture(sink, most_rows_waiting=500)
        running = asyncio.ensure_future(run_for(capture, 1000))
        await gate.reached.wait()
        await asyncio.sleep(60)
        assert capture.progress().rows_waiting == 500
        gate.open()

        assert isinstance(await outcome(running), ConsumerTooSlow)
        assert (sink.ledger.of("BTCUSDT").rejected.count, sink.closed) == (500, 1)
        assert_ledger_tells_the_rows(sink)


@pytest.mark.parametrize(
    "error", [SinkLocked("memory", "another process is writing here"), SinkFailed("memory", "read-only")]
)
async def test_a_sink_that_cannot_be_opened_is_told_before_anything_is_subscribed(error):
    async with market() as pair:
        sink = MemorySink(opening=error)
        with pytest.raises(type(error), match=str(error)):
            await run_for(pair.capture(sink), 60)

        assert (sink.opened, sink.closed, sink.writes) == (0, 0, 0)
        assert pair.dials.times["stream"] == []
        assert pair.exchange.connections == 0


async def test_a_second_capture_into_the_same_table_is_refused_and_the_first_goes_on(tmp_path):
    async with market(rate=100) as pair:
        url, refusals = f"iceberg://{tmp_path}/table", []

        async def intrude():
            refusals.append(await outcome(run_for(pair.capture(IcebergSink(url)), 1)))

        tasks = []
        ledger = await run_for(
            pair.capture(IcebergSink(url)), 4, during=[(1.5, lambda: tasks.append(asyncio.ensure_future(intrude())))]
        )
        await asyncio.gather(*tasks)

        assert [(type(each), "another process is writing here" in str(each)) for each in refusals] == [
            (SinkLocked, True)
        ]
        (report,) = verify_table(tmp_path / "table").symbols
        assert report.is_complete
        assert report.trades == ledger.of("BTCUSDT").stored().count > 200


async def test_a_table_that_fails_in_a_commit_keeps_what_it_had_and_the_next_capture_completes_it(
    tmp_path, monkeypatch
):
    async with market(rate=100) as pair:
        url, write = f"iceberg://{tmp_path}/table", IcebergSink._write_dead_letters
        writes = []

        def fail_the_third(sink, batch):
            writes.append(batch.rows)
            if len(writes) == 3:
                raise OSError(28, "No space left on device")
            write(sink, batch)

        monkeypatch.setattr(IcebergSink, "_write_dead_letters", fail_the_third)
        with pytest.raises(SinkFailed, match="No space left on device"):
            await run_for(pair.capture(IcebergSink(url)), 60)
        report = verify_table(tmp_path / "table")
        assert (report.trades, report.is_complete) == (sum(writes[:2]), True)

        ledger = await run_for(pair.capture(IcebergSink(url)), 3)
        (report,) = verify_table(tmp_path / "table").symbols
        assert report.is_complete
        assert report.trades == ledger.of("BTCUSDT").stored().count
        assert report.backfilled >= writes[2]


# the exchange


async def test_what_came_is_committed_when_the_exchange_is_gone_for_good():
    async with market(rate=100) as pair:
        sink = MemorySink()
        running = asyncio.ensure_future(run_for(pair.capture(sink, commit_seconds=1000.0), 1000))
        await asyncio.sleep(5)
        await pair.exchange.stop()
        with pytest.raises(ConnectFailed, match="gave up after 20 attempts"):
            await running

        assert (sink.writes, sink.closed) == (1, 1)
        assert sink.ledger.of("BTCUSDT").stream.count > 300
        pair.assert_stored(sink.events, sink.ledger)
        assert_ledger_tells_the_rows(sink)


async def test_the_announcement_of_a_shutdown_is_handed_on():
    async with market(rate=50) as pair:
        stop, told = asyncio.Event(), []

        def shut_down():
            told.append(running_loop().time())
            stop.set()

        capture = pair.capture(MemorySink(), on_shutdown=shut_down)
        await capture.run(
            stop, on_ready=lambda: pair.exchange.fault("server_shutdown", connection="stream", seconds=30.0)
        )
        assert len(told) == 1
        assert told[0] < 1.0


async def test_an_announced_shutdown_that_nobody_waits_for_is_survived():
    async with market(rate=50) as pair:
        sink = MemorySink()
        capture = pair.capture(sink)
        during = [(1, lambda: pair.exchange.fault("server_shutdown", connection="stream", seconds=3.0))]
        ledger = await run_for(capture, 10, during=during)

        pair.assert_stored(sink.events, ledger)
        assert ledger.of("BTCUSDT").unresolved() == []
        assert len(pair.dials.times["stream"]) == 2


async def test_a_signal_before_the_stream_is_there_ends_it():
    async with market(rate=1) as pair:
        sink, stop, ready = MemorySink(), asyncio.Event(), []
        capture = pair.capture(sink, backoff=Backoff(initial=1.0, attempts=None))
        pair.exchange.fault("refuse", connection="stream", seconds=10_000.0)
        running = asyncio.ensure_future(capture.run(stop, on_ready=lambda: ready.append(True)))
        await asyncio.sleep(30)
        assert not running.done()
        assert len(pair.dials.times["stream"]) > 3
        stop.set()
        ledger = await running

        assert running_loop().time() == pytest.approx(30, abs=1.0)
        assert (ledger, sink.writes, sink.closed, ready) == (Ledger(), 0, 1, [])


async def test_the_exchange_that_never_takes_the_subscription_is_given_up():
    async with market(rate=50) as pair:
        pair.exchange.fault("refuse", connection="stream", seconds=10_000.0)
        sink = MemorySink()
        with pytest.raises(ConnectFailed, match="gave up after 3 attempts"):
            await run_for(pair.capture(sink, backoff=Backoff(initial=0.1, attempts=3)), 1000)
        assert (sink.opened, sink.closed, sink.writes) == (1, 1, 0)


async def test_nothing_answers_at_all():
    async with market() as pair:
        await pair.exchange.stop()
        sink = MemorySink()
        with pytest.raises(ConnectFailed, match=r"gave up after 1 attempts.*connection refused"):
            await run_for(pair.capture(sink), 1000)
        assert sink.opened == 0


# errors of our own


async def test_an_error_of_our_own_in_the_backfill_ends_capture_and_what_came_is_committed(monkeypatch):
    async with market(rate=100) as pair:
        sink = MemorySink()

        def fail(*_):
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(Backfill, "_judge", fail)
        during = [(3, lambda: pair.exchange.fault("skip", stream="btcusdt@trade", count=3))]
        with pytest.raises(ZeroDivisionError, match="ours"):
            await run_for(pair.capture(sink, commit_seconds=1000.0), 1000, during=during)

        assert (sink.writes, sink.closed) == (1, 1)
        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, sink.ledger)
        assert running_loop().time() < 5


async def test_an_error_of_our_own_while_holes_are_still_open_is_told_too(monkeypatch):
    async with market(rate=100) as pair:
        sink = MemorySink()

        def fail(*_):
            raise ZeroDivisionError("ours")

        def lose():
            pair.exchange.fault("rate_limit", seconds=2.0, duration=4.0)
            pair.exchange.fault("skip", stream="btcusdt@trade", count=3)

        monkeypatch.setattr(Backfill, "_judge", fail)
        with pytest.raises(ZeroDivisionError, match="ours"):
            await run_for(pair.capture(sink), 3, during=[(2, lose)])

        assert sink.closed == 1
        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, sink.ledger)


async def test_a_frame_that_cannot_be_decoded_is_told_and_its_trade_is_fetched(caplog):
    async with market(rate=100) as pair:
        sink = MemorySink()
        capture = pair.capture(sink)
        with caplog.at_level(logging.WARNING, logger="cryptotrader"):
            ledger = await run_for(capture, 5, during=[(2, lambda: pair.spoil_trades(1))])

        assert numbers(list(ledger.of("BTCUSDT").backfill)) == pair.spoilt
        assert len(pair.spoilt) == 1
        assert [text for text in caplog.messages if "btcusdt@trade" in text or "decode" in text]
        pair.assert_stored(sink.events, ledger)


async def test_no_symbols_are_refused():
    async with market() as pair:
        with pytest.raises(ConfigurationError, match="at least one symbol"):
            pair.capture(MemorySink(), [])


async def test_a_trade_outside_of_a_run_is_an_error():
    async with market() as pair:
        with pytest.raises(RuntimeError, match="capture is not running"):
            _ = pair.capture(MemorySink())._running


async def test_the_defaults_are_those_of_the_settings():
    async with market() as pair:
        capture = type(pair.capture(MemorySink()))(pair.exchange.endpoint, ["BTCUSDT"], MemorySink())
        assert capture._backoff == Backoff(attempts=10)
        assert capture._config.commit_seconds == 10.0


async def test_the_ledger_of_a_later_version_is_left_alone():
    class Later(MemorySink):
        def open(self):
            return Ledger.from_json('{"format":2,"symbols":{}}')

    async with market() as pair:
        with pytest.raises(IngestionError, match="has format 2; this version reads 1"):
            await run_for(pair.capture(Later()), 10)
        assert pair.exchange.connections == 0
