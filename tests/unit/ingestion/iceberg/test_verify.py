"""What the verification finds: the ids of the files held against the ledger."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptotrader.errors import SinkFailed
from cryptotrader.ingestion.iceberg import read_candles, verify_table
from cryptotrader.ingestion.iceberg.rows import to_arrow
from cryptotrader.ingestion.iceberg.table import DEAD_LETTER_FILE, LEDGER_PROPERTY, open_table
from cryptotrader.ingestion.iceberg.verify import _runs
from cryptotrader.ingestion.ledger import Absence, Ledger
from cryptotrader.ingestion.pipeline import Batch, DeadLetter
from cryptotrader.models.base_models import KlineInterval
from cryptotrader.models.market_models import TradeEvent
from trade_tables import PAIRS, TableWriter, batch_of, small_trade


def test_duplicates_are_found_even_across_files_and_out_of_order(table):
    table.commit(batch_of(*(small_trade(number) for number in range(1, 11))))
    table.commit(batch_of(small_trade(4), small_trade(12), small_trade(11)))
    (report,) = verify_table(table.folder).symbols

    assert (report.trades, report.duplicates, report.is_complete) == (12, 1, False)


def test_files_and_ledger_are_held_against_each_other(table):
    table.commit(batch_of(small_trade(1), small_trade(2)))
    ledger = table.ledger.copy()
    ledger.of("BTCUSDT").stream.add(3)
    table.sink.write(Batch(), ledger, PAIRS)
    (report,) = verify_table(table.folder).symbols
    assert (report.not_in_files, report.is_complete) == (1, False)

    table.sink.write(batch_of(small_trade(3), small_trade(4)), ledger, PAIRS)
    (report,) = verify_table(table.folder).symbols
    assert (report.not_in_files, report.not_in_ledger, report.is_complete) == (0, 1, False)


def test_a_symbol_of_the_ledger_without_any_row_has_no_duplicates(table):
    """A table whose only trades were rejected, or whose rows are all gone."""
    batch = Batch(rejected=[DeadLetter(small_trade(7, "ETHUSDT"), 7, "price 0 is not positive")])
    batch.absent.append(("ETHUSDT", Absence(8, 9, "trades.historical fromId=8 limit=3", 10, 1)))
    table.commit(batch)
    ledger = table.ledger.copy()
    ledger.of("BTCUSDT").stream.add_range(3, 4)
    table.sink.write(Batch(), ledger, PAIRS)
    gone, rejected = verify_table(table.folder).symbols

    assert (gone.symbol, gone.first, gone.last, gone.trades, gone.duplicates) == ("BTCUSDT", 3, 4, 0, 0)
    assert (gone.not_in_files, gone.missing, gone.is_complete) == (2, ((3, 4),), False)
    assert (rejected.symbol, rejected.first, rejected.last, rejected.trades, rejected.duplicates) == (
        "ETHUSDT", 7, 9, 0, 0,
    )  # fmt: skip
    assert (rejected.rejected, rejected.absent, rejected.is_complete) == (1, 2, True)


def test_the_report_adds_up_over_the_symbols(table):
    table.commit(
        batch_of(small_trade(1), small_trade(4), small_trade(4), small_trade(8, "ETHUSDT"), small_trade(8, "ETHUSDT"))
    )
    ledger = table.ledger.copy()
    ledger.of("ETHUSDT").stream.add(9)
    table.sink.write(Batch(), ledger, PAIRS)
    report = verify_table(table.folder)

    assert (report.trades, report.missing, report.duplicates, report.is_complete) == (3, 4, 2, False)
    assert [str(each) for each in report.symbols] == [
        "BTCUSDT 1–4: 2 trades, 2 missing, 1 duplicates",  # noqa: RUF001
        "ETHUSDT 8–9: 1 trades, 1 missing, 1 duplicates (1 in the ledger but not in the files)",  # noqa: RUF001
    ]


def test_ids_begin_with_zero(table):
    table.commit(batch_of(small_trade(0), small_trade(0, "ETHUSDT"), small_trade(1, "ETHUSDT")))
    reports = verify_table(table.folder).symbols

    assert [(each.first, each.last, each.trades, each.missing) for each in reports] == [(0, 0, 1, ()), (0, 1, 2, ())]


def test_a_file_without_rows_is_read(table):
    table.commit(batch_of(small_trade(1)))
    (file,) = table.files()
    empty = pq.read_table(file).slice(0, 0)
    pq.write_table(empty, file)
    (report,) = verify_table(table.folder).symbols
    assert (report.trades, report.not_in_files) == (0, 1)
    assert list(_runs(pa.RecordBatch.from_pylist([], schema=empty.schema))) == []


def test_rejected_and_absent_ids_explain_holes(table):
    batch = batch_of(small_trade(1), small_trade(2), small_trade(6))
    bad = small_trade(3, price=Decimal(0))
    batch.rejected.append(DeadLetter(bad, 7, "price 0 is not positive"))
    batch.absent.append(("BTCUSDT", Absence(4, 5, "trades.historical fromId=4 limit=3", 6, 1)))
    table.commit(batch)
    (report,) = verify_table(table.folder).symbols

    assert report.is_complete
    assert str(report).endswith("3 trades, 0 missing, 0 duplicates (1 rejected, 2 absent at source)")
    (line,) = (table.folder / DEAD_LETTER_FILE).read_bytes().splitlines()
    letter = msgspec.json.decode(line)
    assert letter["why"] == "price 0 is not positive"
    assert TradeEvent.from_json(msgspec.json.encode(letter["event"])) == bad


def one_minute_candles(folder):
    return list(read_candles(folder, KlineInterval.MINUTE_1))


def test_an_empty_table_verifies(table):
    report = verify_table(table.folder)

    assert (report.symbols, report.is_complete, report.trades) == ((), True, 0)
    assert one_minute_candles(table.folder) == []


@pytest.mark.parametrize("kind", ["data", "manifest", "manifest list", "metadata"])
@pytest.mark.parametrize("damage", ["torn", "gone"])
def test_a_file_of_the_table_that_cannot_be_read_is_told(table, kind, damage):
    table.commit_ids(1, 2)
    table.close()
    for file in table.files(kind):
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:40])

    for read in (verify_table, one_minute_candles):
        with pytest.raises(SinkFailed, match=r"cannot be (read|opened)"):
            read(table.folder)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(sorted(PAIRS)), st.integers(1, 12)), min_size=1, max_size=24))
def test_rows_in_any_order_and_number_are_counted_exactly(tmp_path_factory, rows):
    """Written past the sink, which would sort them."""
    writer = TableWriter(tmp_path_factory.mktemp("unsorted"))
    batch = batch_of(*(small_trade(number, symbol) for symbol, number in rows))
    sorted_rows = next(to_arrow(batch, PAIRS))
    ledger = Ledger()
    batch.enter(ledger)
    place = {}
    for index, each in enumerate(sorted(rows)):
        place.setdefault(each, []).append(index)
    with open_table(writer.folder).transaction() as transaction:
        transaction.append(sorted_rows.take([place[each].pop() for each in rows]))
        transaction.set_properties({LEDGER_PROPERTY: ledger.to_json()})
    (file,) = writer.files()
    writer.close()
    stored = pq.read_table(file, columns=["symbol", "source_sequence"]).to_pylist()
    assert [(row["symbol"], row["source_sequence"]) for row in stored] == rows

    reports = verify_table(writer.folder).symbols
    assert reports
    for report in reports:
        numbers = [number for symbol, number in rows if symbol == report.symbol]
        absent = set(range(min(numbers), max(numbers) + 1)) - set(numbers)
        assert (report.first, report.last) == (min(numbers), max(numbers))
        assert (report.trades, report.duplicates) == (len(set(numbers)), len(numbers) - len(set(numbers)))
        assert {number for first, last in report.missing for number in range(first, last + 1)} == absent
        assert (report.not_in_files, report.not_in_ledger) == (0, 0)
        assert report.is_complete == (not absent and report.duplicates == 0)
