"""Capture through everything that can go wrong on the way: what is stored is what was traded, each trade once."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from itertools import chain

import pytest

from capturing import (
    QUICK,
    MemorySink,
    assert_ledger_tells_the_rows,
    known_range,
    market,
    numbers,
    run_for,
)
from cryptotrader.config import Backoff
from cryptotrader.errors import IngestionError, UnknownSymbol
from cryptotrader.ingestion.backfill import CONFIRMATION_SECONDS, CONFIRMATIONS
from cryptotrader.ingestion.capture import _check_numbering, _Feed
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.iceberg.table import open_table
from cryptotrader.ingestion.ledger import Ledger, SymbolLedger
from cryptotrader.models.market_models import TradeEvent
from storms import storm
from virtual_clock import START_US, running_loop
from volume import rounds

SYMBOLS = ("BTCUSDT", "ETHUSDT")

FAULTS = {
    "drop": [("refuse", {"seconds": 0.5}), ("drop", {"connection": "stream"})],
    "drop of everything": [("refuse", {"seconds": 0.5}), ("drop", {})],
    "torn": [("refuse", {"seconds": 0.5}), ("torn", {"connection": "stream"})],
    "skip": [("skip", {"stream": "btcusdt@trade", "count": 40})],
    "skip beside a cut": [("skip", {"stream": "btcusdt@trade", "count": 5}), ("drop", {"connection": "api"})],
    "duplicate": [("duplicate", {"stream": "ethusdt@trade", "count": 40})],
    "reorder": [("reorder", {"stream": "btcusdt@trade", "count": 40})],
    "delay": [("delay", {"stream": "btcusdt@trade", "count": 30, "seconds": 0.2})],
    "garbage": [("garbage", {"connection": "stream"}), ("garbage", {"connection": "stream", "binary": True})],
    "refused": [("refuse", {"seconds": 1.5}), ("drop", {})],
    "shutdown": [("server_shutdown", {"connection": "stream", "seconds": 0.2})],
    "rate limit": [("rate_limit", {"count": 3, "seconds": 2.0}), ("skip", {"stream": "btcusdt@trade", "count": 5})],
    "ban": [("ban", {"seconds": 1.5}), ("skip", {"stream": "btcusdt@trade", "count": 5})],
    "no reply": [("skip", {"connection": "api", "count": 2}), ("skip", {"stream": "btcusdt@trade", "count": 5})],
    "stall": [("stall", {"connection": "stream", "seconds": 2.0})],
    "half open": [("half_open", {"connection": "stream"})],
    "half open requests": [("half_open", {"connection": "api"}), ("skip", {"stream": "btcusdt@trade", "count": 5})],
}
NO_HOLE = {"duplicate", "reorder", "garbage", "shutdown", "stall"}
"""The faults that leave no hole; all others make capture fetch something."""


@pytest.mark.parametrize("faults", FAULTS)
async def test_what_was_traded_is_stored_through(faults):
    async with market(*SYMBOLS, rate=100) as pair:
        sink = MemorySink()
        capture = pair.capture(sink, SYMBOLS, silence_seconds=3.0)
        during = [(2 + 0.1 * at, lambda kind=kind, where=where: pair.exchange.fault(kind, **where))
                  for at, (kind, where) in enumerate(FAULTS[faults])]  # fmt: skip
        ledger = await run_for(capture, 8, during=during)

        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, ledger)
        assert [entry.unresolved() for entry in ledger.symbols.values()] == [[], []]
        assert ledger == sink.ledger
        progress = capture.progress()
        assert (sum(each.backfilled for each in progress.symbols) > 0) is (faults not in NO_HOLE)
        assert [each.missing for each in progress.symbols] == [0, 0]
        assert progress.commits == sink.writes > 3
        assert sink.closed == 1


async def test_a_connection_is_replaced_after_so_much_silence_and_not_before():
    async with market(rate=100) as pair:
        capture = pair.capture(MemorySink(), silence_seconds=7.0)
        cut = []

        def freeze():
            cut.append(running_loop().time())
            pair.exchange.fault("half_open", connection="stream")

        await run_for(capture, 30, during=[(2, freeze)])
        first, second = pair.dials.times["stream"]
        assert capture.progress().reconnects == 1
        assert 7.0 <= second - cut[0] <= 7.0 * 1.4 + QUICK.maximum  # it looks every fifth of that time


FOREVER = Backoff(initial=0.1, maximum=1.0, attempts=None)


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(rounds(8, 400)))
async def test_nothing_is_lost_in_a_storm(seed):
    dice = random.Random(seed)
    async with market(*SYMBOLS, rate=dice.choice([20, 100]), seed=seed) as pair:
        sink = MemorySink()
        capture = pair.capture(
            sink, SYMBOLS, backoff=FOREVER, silence_seconds=6.0, drain_seconds=300.0,
            commit_seconds=dice.uniform(0.2, 4), commit_rows=dice.choice([50, 10_000]),
        )  # fmt: skip
        during = [*storm(dice, pair.exchange, 0.5, 25, 12), (25, pair.exchange.clear_faults)]
        ledger = await run_for(capture, 30, during=during)

        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, ledger)
        assert [entry.unresolved() for entry in ledger.symbols.values()] == [[], []]
        assert [known_range(ledger.of(symbol)).stop > 50 for symbol in SYMBOLS] == [True, True]


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(rounds(6, 200)))
async def test_captures_that_end_in_a_storm_tell_what_is_missing_and_the_last_one_fetches_it(seed, caplog):
    dice = random.Random(1000 + seed)
    async with market(*SYMBOLS, rate=100, seed=seed) as pair:
        sink = MemorySink()
        for _ in range(3):
            caplog.clear()
            capture = pair.capture(sink, SYMBOLS, backoff=FOREVER, silence_seconds=6.0, drain_seconds=0.2)
            with caplog.at_level(logging.WARNING, logger="cryptotrader"):
                seconds = dice.uniform(2, 8)
                ledger = await run_for(capture, seconds, during=storm(dice, pair.exchange, 0.5, seconds, 8))
            pair.exchange.clear_faults()
            await asyncio.sleep(dice.uniform(0, 2))

            assert_ledger_tells_the_rows(sink)
            pair.assert_stored(sink.events, ledger)
            told = {match[1]: int(match[2]) for text in caplog.messages
                    if (match := re.match(r"(\w+): (\d+) trades stay unresolved", text))}  # fmt: skip
            left = {symbol: len(numbers(entry.unresolved())) for symbol, entry in ledger.symbols.items()}
            assert told == {symbol: count for symbol, count in left.items() if count}
        ledger = await run_for(pair.capture(sink, SYMBOLS, drain_seconds=300.0), 2)

        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, ledger)
        assert [entry.unresolved() for entry in ledger.symbols.values()] == [[], []]
        assert sink.opened == sink.closed == 4


async def test_a_restart_fills_what_was_traded_meanwhile():
    async with market(*SYMBOLS, rate=200) as pair:
        sink = MemorySink()
        before = await run_for(pair.capture(sink, SYMBOLS), 3)
        await asyncio.sleep(20)
        capture = pair.capture(sink, SYMBOLS)
        ledger = await run_for(capture, 3)

        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, ledger)
        assert [entry.backfill.count > 500 for entry in ledger.symbols.values()] == [True, True]
        assert [before.of(symbol).stream.first for symbol in SYMBOLS] == [
            ledger.of(symbol).stream.first for symbol in SYMBOLS
        ]
        assert [each.backfilled for each in capture.progress().symbols] == [
            ledger.of(symbol).backfill.count for symbol in SYMBOLS
        ]


async def test_a_hole_of_the_ledger_is_filled_even_where_no_new_one_comes():
    async with market(rate=50) as pair:
        sink = MemorySink()
        await run_for(pair.capture(sink), 3)
        entry = sink.ledger.of("BTCUSDT")
        first, last = entry.stream.first, entry.stream.last
        entry.stream = type(entry.stream)([(first, first + 9), (first + 20, last)])
        for batch in sink.batches:
            batch.streamed = [event for event in batch.streamed if not first + 9 < event.trade_id < first + 20]
        await run_for(pair.capture(sink), 3)

        assert_ledger_tells_the_rows(sink)
        pair.assert_stored(sink.events, sink.ledger)
        assert numbers(list(sink.ledger.of("BTCUSDT").backfill))[:10] == list(range(first + 10, first + 20))
        assert sink.ledger.of("BTCUSDT").unresolved() == []


async def test_a_hole_that_could_not_be_filled_stays_in_the_ledger_and_the_next_capture_fills_it(caplog):
    async with market(rate=100) as pair:
        sink = MemorySink()

        def lose_some_and_refuse_to_tell():
            pair.exchange.fault("refuse", seconds=600.0)
            pair.exchange.fault("drop", connection="api")
            pair.exchange.fault("skip", stream="btcusdt@trade", count=20)

        began = running_loop().time()
        with caplog.at_level(logging.WARNING, logger="cryptotrader"):
            first = pair.capture(sink, drain_seconds=4.0)
            ledger = await run_for(first, 5, during=[(1, lose_some_and_refuse_to_tell)])
        assert running_loop().time() - began == pytest.approx(5 + 4, abs=0.1)
        missing = ledger.of("BTCUSDT").unresolved()
        assert len(numbers(missing)) == 20
        assert first.progress().symbols[0].missing == 20
        assert [text for text in caplog.messages if re.match(r"BTCUSDT: 20 trades stay unresolved \(.*503", text)]
        pair.assert_stored(sink.events, ledger)

        pair.exchange.clear_faults()
        ledger = await run_for(pair.capture(sink), 2)
        assert ledger.of("BTCUSDT").unresolved() == []
        assert set(numbers(missing)) <= set(numbers(list(ledger.of("BTCUSDT").backfill)))
        pair.assert_stored(sink.events, ledger)


async def test_ids_that_the_exchange_has_not_are_told_with_their_evidence_and_count_as_known():
    async with market(rate=100) as pair:
        sink = MemorySink()
        log = pair.exchange.venue.markets["BTCUSDT"].log
        honest = log.trades
        gone = set()

        def without_some(first, count):
            return [trade for trade in honest(first, count + len(gone)) if trade.id not in gone][:count]

        log.trades = without_some

        def lose():
            gone.update(range(log.next_id, log.next_id + 3))
            pair.exchange.fault("skip", stream="btcusdt@trade", count=3)

        ledger = await run_for(pair.capture(sink), 8, during=[(2, lose)])
        (absence,) = ledger.of("BTCUSDT").absent

        assert set(range(absence.first, absence.last + 1)) == gone
        assert absence.next_id == absence.last + 1
        assert absence.request == f"trades.historical fromId={absence.first} limit=4"
        earliest = START_US + 2_000_000 + (CONFIRMATIONS - 1) * CONFIRMATION_SECONDS * 1e6
        assert earliest <= absence.checked_us <= START_US + 20_000_000
        assert ledger.of("BTCUSDT").unresolved() == []
        assert_ledger_tells_the_rows(sink)
        stored = {event.trade_id for event in sink.events}
        assert stored == set(known_range(ledger.of("BTCUSDT"))) - gone


async def test_trades_too_far_ahead_are_dead_letters_and_their_ids_stay_known():
    async with market(rate=50, clock_ahead=3600.0) as pair:
        sink = MemorySink()
        during = [(1, lambda: pair.exchange.fault("skip", stream="btcusdt@trade", count=4))]
        capture = pair.capture(sink)
        ledger = await run_for(capture, 5, during=during)
        entry = ledger.of("BTCUSDT")
        (progress,) = capture.progress().symbols

        assert (entry.stored().count, entry.unresolved()) == (0, [])
        assert entry.rejected.count == progress.rejected == progress.trades + progress.backfilled > 100
        assert progress.backfilled == 4  # those that were fetched are looked at, too
        letters = list(chain.from_iterable(batch.rejected for batch in sink.batches))
        assert {letter.why for letter in letters} == {"trade time lies 3600 s ahead of the receive clock"}
        assert sorted(letter.event.trade_id for letter in letters) == list(known_range(entry))
        assert_ledger_tells_the_rows(sink)


async def test_trades_as_far_ahead_as_is_tolerated_are_stored():
    async with market(rate=50, clock_ahead=300.0) as pair:
        sink = MemorySink()
        capture = pair.capture(sink)
        await run_for(capture, 3)

        assert capture.progress().symbols[0].rejected == 0
        pair.assert_stored(sink.events, sink.ledger)


@pytest.mark.parametrize("given", [["BTCUSDT", "NOPEUSDT"], ["NOPEUSDT"]])
async def test_an_unknown_symbol_is_refused_before_anything_is_opened(given):
    async with market(*SYMBOLS) as pair:
        sink = MemorySink()
        with pytest.raises(UnknownSymbol, match=r"NOPEUSDT.*does not trade it"):
            await run_for(pair.capture(sink, given), 1)
        assert (sink.opened, sink.closed, sink.threads) == (0, 0, set())


def ledger_up_to(number, seconds):
    """A ledger that knows everything up to an id, whose time lies some seconds after the clock's start."""
    ledger = Ledger()
    ledger.of("BTCUSDT").stream.add_range(1, number)
    ledger.of("BTCUSDT").newest = (number, START_US + round(seconds * 1e6))
    return ledger


async def test_ids_that_begin_anew_are_told_and_not_taken_for_doubles():
    async with market(rate=100) as pair:
        before = ledger_up_to(10**12, -1)
        sink = MemorySink(before)
        with pytest.raises(
            IngestionError, match=r"BTCUSDT: ids began anew at \d+ after 1000000000000; use a new table"
        ):
            await run_for(pair.capture(sink), 60)

        assert (sink.batches, sink.closed) == ([], 1)
        assert sink.ledger == before


async def test_ids_that_begin_anew_while_capture_runs_are_told_and_what_came_is_committed():
    async with market(rate=100) as pair:
        sink = MemorySink()
        log = pair.exchange.venue.markets["BTCUSDT"].log

        def begin_anew():
            log.__init__("BTCUSDT", 7, 3)

        running = run_for(pair.capture(sink, commit_seconds=1000.0), 60, during=[(3, begin_anew)])
        with pytest.raises(IngestionError, match=r"ids began anew at 7 after \d+; use a new table"):
            await running

        assert_ledger_tells_the_rows(sink)
        assert sink.ledger.of("BTCUSDT").stream.count > 200
        assert sink.ledger.of("BTCUSDT").stream.first > 7
        assert (sink.writes, sink.closed) == (1, 1)


async def test_trades_that_are_known_already_are_not_stored_again():
    async with market(rate=100) as pair:
        before = ledger_up_to(10**12, 1000)
        sink = MemorySink(before)
        capture = pair.capture(sink)
        await run_for(capture, 5)

        assert (sink.batches, sink.ledger) == ([], before)
        assert (capture.progress().symbols[0].trades, capture.progress().commits) == (0, 0)


async def test_a_single_trade_between_the_ledger_and_the_first_live_one_is_fetched():
    async with market(rate=5) as pair:
        await asyncio.sleep(5)
        next_id = pair.exchange.venue.markets["BTCUSDT"].log.next_id
        before = ledger_up_to(next_id - 2, 5)
        ledger = await run_for(pair.capture(MemorySink(before)), 5)

        assert list(ledger.of("BTCUSDT").backfill) == [(next_id - 1, next_id - 1)]
        assert ledger.of("BTCUSDT").unresolved() == []


async def test_fetched_trades_make_a_commit_due_as_well():
    async with market(rate=200) as pair:
        sink = MemorySink()
        await run_for(pair.capture(sink), 1)
        before = sink.writes
        await asyncio.sleep(20)
        capture = pair.capture(sink, commit_rows=1500, commit_seconds=1000.0)
        await run_for(capture, 1)

        assert capture.progress().symbols[0].trades < 1500
        assert sink.writes - before > 1


def test_a_lower_id_of_the_same_time_is_a_double_and_one_of_a_later_time_begins_anew():
    milliseconds = 1_700_000_000_000
    feed = _Feed("BTCUSDT", SymbolLedger(newest=(100, milliseconds * 1000)))
    values = {"symbol": "BTCUSDT", "price": 1, "quantity": 1, "is_buyer_maker": True, "event_time": 1}
    assert _check_numbering(feed, TradeEvent(trade_id=99, trade_time=milliseconds, **values)) is None
    with pytest.raises(IngestionError, match="ids began anew at 99 after 100"):
        _check_numbering(feed, TradeEvent(trade_id=99, trade_time=milliseconds + 1, **values))


async def test_progress_tells_where_it_stands():
    async with market(*SYMBOLS, rate=100) as pair:
        sink, shown = MemorySink(), []
        capture = pair.capture(sink, ["btcusdt", "ETHUSDT", "BTCUSDT"], commit_seconds=2.0)
        before = capture.progress()
        await run_for(capture, 5.5, during=[(5, lambda: shown.append(capture.progress()))])
        (during,), after = shown, capture.progress()

        assert (before.symbols, before.commits, before.rows_waiting, before.reconnects) == ((), 0, 0, 0)
        assert [each.symbol for each in during.symbols] == ["BTCUSDT", "ETHUSDT"]
        assert sum(each.trades for each in during.symbols) == during.rows_waiting + sum(
            batch.rows for batch in sink.batches[:2]
        )
        assert [(each.trades > 100, each.last_price > 0) for each in during.symbols] == [(True, True)] * 2
        assert [each.lag_ms for each in during.symbols] == pytest.approx([0, 0], abs=10)
        assert [(each.backfilled, each.rejected, each.missing) for each in during.symbols] == [(0, 0, 0)] * 2
        assert (during.commits, after.commits, after.rows_waiting) == (2, sink.writes, 0)
        assert sum(each.trades for each in after.symbols) == len(sink.events)


async def test_a_restart_in_a_real_table_after_a_hole_is_complete(tmp_path):
    async with market(*SYMBOLS, rate=100) as pair:
        folder = tmp_path / "table"

        def lose_some_and_refuse_to_tell():
            pair.exchange.fault("refuse", seconds=600.0)
            pair.exchange.fault("drop", connection="api")
            pair.exchange.fault("skip", stream="btcusdt@trade", count=20)

        capture = pair.capture(IcebergSink(f"iceberg://{folder}"), SYMBOLS, drain_seconds=1.0)
        ledger = await run_for(capture, 4, during=[(1, lose_some_and_refuse_to_tell)])
        report = verify_table(folder)
        assert (report.is_complete, report.missing, report.duplicates) == (False, 20, 0)
        assert report.symbols[0].missing == tuple(ledger.of("BTCUSDT").unresolved())

        pair.exchange.clear_faults()
        ledger = await run_for(pair.capture(IcebergSink(f"iceberg://{folder}"), SYMBOLS), 2)
        report = verify_table(folder)
        assert report.is_complete
        assert [(each.symbol, each.backfilled) for each in report.symbols] == [
            (symbol, ledger.of(symbol).backfill.count) for symbol in SYMBOLS
        ]
        names = ("symbol", "source_sequence", "price", "quantity", "timestamp", "side")
        rows = open_table(folder).scan(selected_fields=names).to_arrow().to_pylist()
        stored = {
            (row["symbol"], row["source_sequence"]): (
                row["price"] * 10**8, row["quantity"] * 10**8, round(row["timestamp"].timestamp() * 1000), row["side"],
            )
            for row in rows
        }  # fmt: skip
        assert len(stored) == len(rows)
        assert stored == {
            (trade.symbol, trade.id): (
                trade.price, trade.quantity, trade.time_us // 1000, "SELL" if trade.is_buyer_maker else "BUY",
            )
            for trade in pair.made.values()
            if trade.id in known_range(ledger.of(trade.symbol))
        }  # fmt: skip
