"""How capture ends when it cannot go on, what it leaves behind, and what the next one makes of that."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from cryptotrader.config import Backoff
from cryptotrader.errors import ConfigurationError, ConsumerTooSlow, IngestionError, SinkFailed, SinkLocked
from cryptotrader.ingestion import Capture, CaptureConfig
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.iceberg.table import open_table
from cryptotrader.ingestion.ledger import Ledger

QUICK = Backoff(initial=0.05, maximum=0.2, attempts=20)


class MemorySink:
    """Keeps what is written; ``before_write(number of the write)`` may wait or raise."""

    name = "memory"

    def __init__(self, ledger=None, before_write=lambda number: None):
        self.ledger = ledger or Ledger()
        self.before_write = before_write
        self.writes = 0
        self.rows, self.is_closed = [], False

    def open(self):
        return self.ledger.copy()

    def write(self, batch, ledger, pairs):
        self.writes += 1
        self.before_write(self.writes)
        self.rows += [(event.symbol, event.trade_id) for event in (*batch.streamed, *batch.backfilled)]
        self.ledger = ledger

    def close(self):
        self.is_closed = True


def make(exchange, sink, symbols=("BTCUSDT",), *, on_shutdown=None, **config):
    settings = CaptureConfig(**({"commit_seconds": 0.1} | config))
    return Capture(exchange.endpoint, symbols, sink, config=settings, backoff=QUICK, on_shutdown=on_shutdown)


async def run_for(capture, seconds, *, during=()):
    """Run until ``seconds`` after live trades began to come; each of ``during`` is a delay and what to do then."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ready():
        loop.call_later(seconds, stop.set)
        for delay, work in during:
            loop.call_later(delay, work)

    async with asyncio.timeout(30):
        return await capture.run(stop, on_ready=ready)


async def run_until_it_fails(capture, error, match=None):
    async with asyncio.timeout(10):
        with pytest.raises(error, match=match) as raised:
            await capture.run(asyncio.Event())
    return raised.value


def assert_ledger_tells_the_rows(sink):
    stored = {
        (symbol, number)
        for symbol, entry in sink.ledger.symbols.items()
        for first, last in entry.stored()
        for number in range(first, last + 1)
    }
    assert len(sink.rows) == len(set(sink.rows))
    assert set(sink.rows) == stored


async def test_a_sink_that_fails_ends_capture_and_what_was_committed_stands(exchange_factory):
    def fail_the_third(number):
        if number == 3:
            raise SinkFailed("memory", "full")

    sink = MemorySink(before_write=fail_the_third)
    await run_until_it_fails(make(exchange_factory(rate=500), sink), SinkFailed, "full")

    assert sink.writes == 3  # not tried again while ending
    assert sink.is_closed
    assert sink.rows
    assert_ledger_tells_the_rows(sink)


async def test_a_sink_that_hangs_ends_capture_before_memory_fills_and_nothing_is_lost(exchange_factory):
    gate = threading.Event()
    sink = MemorySink(before_write=lambda number: gate.wait(10))
    capture = make(exchange_factory(rate=1000), sink, most_rows_waiting=150)
    ending = asyncio.ensure_future(run_until_it_fails(capture, ConsumerTooSlow))
    async with asyncio.timeout(8):
        while capture.progress().rows_waiting < 150 and not ending.done():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    gate.set()
    error = await ending

    assert error.lag_ns > 0
    assert sink.is_closed
    assert len(sink.rows) >= 150
    assert sink.ledger.of("BTCUSDT").unresolved() == []
    assert_ledger_tells_the_rows(sink)


async def test_a_new_numbering_is_told_and_not_taken_for_doubles(exchange_factory):
    ledger = Ledger()
    ledger.of("BTCUSDT").stream.add_range(1, 10**12)
    ledger.of("BTCUSDT").newest = (10**12, (time.time_ns() - 10**9) // 1000)
    sink = MemorySink(ledger)
    await run_until_it_fails(make(exchange_factory(rate=300), sink), IngestionError, "ids began anew at .* new table")

    assert sink.rows == []
    assert sink.ledger == ledger
    assert sink.is_closed


async def test_trades_that_are_known_already_are_not_stored_again(exchange_factory):
    ledger = Ledger()
    ledger.of("BTCUSDT").stream.add_range(1, 10**12)
    ledger.of("BTCUSDT").newest = (10**12, (time.time_ns() + 10**12) // 1000)
    sink = MemorySink(ledger)
    await run_for(make(exchange_factory(rate=300), sink), 0.3)

    assert sink.rows == []


async def test_a_second_capture_into_the_same_table_is_refused_and_the_first_goes_on(exchange_factory, tmp_path):
    exchange = exchange_factory(rate=300)
    url = f"iceberg://{tmp_path}/table"
    refusals = []

    async def intrude():
        refusals.append(await run_until_it_fails(make(exchange, IcebergSink(url)), SinkLocked, "another process"))

    tasks = []
    ledger = await run_for(
        make(exchange, IcebergSink(url)), 0.8, during=[(0.3, lambda: tasks.append(asyncio.ensure_future(intrude())))]
    )
    await asyncio.gather(*tasks)

    assert len(refusals) == 1
    assert ledger.of("BTCUSDT").stored().count > 50
    assert verify_table(tmp_path / "table").is_complete


async def test_a_hole_that_could_not_be_filled_stays_in_the_ledger_and_the_next_capture_fills_it(
    exchange_factory, tmp_path
):
    truth = tmp_path / "truth.jsonl"
    exchange = exchange_factory(rate=600, symbols=["BTCUSDT"], truth=truth)
    url = f"iceberg://{tmp_path}/table"

    def lose_some_and_refuse_to_tell():
        exchange.fault("refuse", seconds=60.0)
        exchange.fault("drop", connection="api")
        exchange.fault("skip", stream="btcusdt@trade", count=20)

    first = make(exchange, IcebergSink(url), drain_seconds=0.2)
    ledger = await run_for(first, 0.5, during=[(0.1, lose_some_and_refuse_to_tell)])
    missing = ledger.of("BTCUSDT").unresolved()
    assert sum(high - low + 1 for low, high in missing) == 20
    report = verify_table(tmp_path / "table")
    assert (report.is_complete, report.missing, report.symbols[0].missing) == (False, 20, tuple(missing))

    exchange.clear_faults()
    ledger = await run_for(make(exchange, IcebergSink(url)), 0.3)
    exchange.stop()
    assert ledger.of("BTCUSDT").unresolved() == []
    for low, high in missing:
        assert all(number in ledger.of("BTCUSDT").backfill for number in range(low, high + 1))
    assert_table_equals(tmp_path / "table", truth)


def assert_table_equals(folder, truth):
    """Every field that the exchange tells of a trade, exactly, for all ids between the first and the last."""
    (report,) = verify_table(folder).symbols
    assert report.is_complete, str(report)
    made = {}
    for line in truth.read_text().splitlines():
        trade = json.loads(line)
        if report.first <= trade["trade_id"] <= report.last:
            made[trade["trade_id"]] = (
                trade["price"], trade["quantity"], trade["trade_time_us"] // 1000, trade["is_buyer_maker"],
            )  # fmt: skip
    names = ("source_sequence", "price", "quantity", "timestamp", "side", "message_id")
    rows = open_table(folder).scan(selected_fields=names).to_arrow().to_pylist()
    stored = {
        row["source_sequence"]: (
            f"{row['price']:.8f}",
            f"{row['quantity']:.8f}",
            round(row["timestamp"].timestamp() * 1000),
            row["side"] == "SELL",
        )
        for row in rows
    }
    assert stored == made
    assert len({row["message_id"] for row in rows}) == len(rows) == len(made)


@pytest.mark.parametrize(
    ("fault", "where", "reconnects"),
    [
        ("stall", {"connection": "stream", "seconds": 0.3}, False),
        ("delay", {"stream": "btcusdt@trade", "count": 30, "seconds": 0.2}, False),
        ("half_open", {"connection": "stream"}, True),
        ("half_open", {"connection": "api"}, False),
    ],
)
async def test_silence_and_lateness_lose_nothing(fault, where, reconnects, exchange_factory, tmp_path):
    truth = tmp_path / "truth.jsonl"
    exchange = exchange_factory(rate=600, symbols=["BTCUSDT"], truth=truth)
    capture = make(exchange, IcebergSink(f"iceberg://{tmp_path}/table"), silence_seconds=0.5)
    await run_for(capture, 1.4, during=[(0.1, lambda: exchange.fault(fault, **where))])
    exchange.stop()

    assert (capture.progress().reconnects > 0) is reconnects
    assert_table_equals(tmp_path / "table", truth)


async def test_progress_tells_where_it_stands(exchange_factory):
    sink = MemorySink()
    capture = make(exchange_factory(rate=500), sink, ["btcusdt", "ETHUSDT", "BTCUSDT"])
    before, shown = capture.progress(), []
    await run_for(capture, 0.6, during=[(0.5, lambda: shown.append(capture.progress()))])

    assert (before.symbols, before.commits, before.rows_waiting, before.reconnects) == ((), 0, 0, 0)
    assert [each.symbol for each in shown[0].symbols] == ["BTCUSDT", "ETHUSDT"]
    for each in shown[0].symbols:
        assert each.trades > 20
        assert each.last_price > 0
        assert -1000 < each.lag_ms < 2000
        assert (each.backfilled, each.rejected, each.missing) == (0, 0, 0)
    after = capture.progress()
    assert sum(each.trades for each in after.symbols) == len(sink.rows)
    assert after.commits == sink.writes >= 2
    assert after.rows_waiting == 0


async def test_the_announcement_of_a_shutdown_is_handed_on(exchange_factory):
    exchange = exchange_factory(rate=200)
    stop, told = asyncio.Event(), []

    def shut_down():
        told.append(True)
        stop.set()

    capture = make(exchange, MemorySink(), on_shutdown=shut_down)
    async with asyncio.timeout(10):
        await capture.run(stop, on_ready=lambda: exchange.fault("server_shutdown", connection="stream", seconds=30.0))

    assert told == [True]


def test_no_symbols_are_refused(exchange):
    with pytest.raises(ConfigurationError, match="at least one symbol"):
        make(exchange, MemorySink(), [])
