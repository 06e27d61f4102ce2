"""A table whose disk, catalog or files fail, and what its verification finds then."""

from __future__ import annotations

import errno
import logging
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException

from cryptotrader.errors import IngestionError, SinkFailed
from cryptotrader.ingestion import ParsedSymbol
from cryptotrader.ingestion.iceberg import IcebergSink, read_candles, verify_table
from cryptotrader.ingestion.iceberg.rows import to_arrow
from cryptotrader.ingestion.iceberg.sink import EXPIRE_EVERY, KEPT_SNAPSHOTS
from cryptotrader.ingestion.iceberg.table import DEAD_LETTER_FILE, LEDGER_PROPERTY, open_table
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch, DeadLetter
from cryptotrader.models.base_models import KlineInterval
from cryptotrader.models.market_models import TradeEvent

PAIRS = {"BTCUSDT": ParsedSymbol("BTC", "USDT"), "ETHUSDT": ParsedSymbol("ETH", "USDT")}
START_MS = 1_700_000_000_000


def event(number, symbol="BTCUSDT", **changes):
    values = {
        "event_time": START_MS, "symbol": symbol, "trade_id": number, "price": Decimal("1.5"), "quantity": Decimal(2),
        "trade_time": START_MS, "is_buyer_maker": True,
    }  # fmt: skip
    return TradeEvent(**(values | changes))


def batch_of(*events):
    return Batch(streamed=list(events), streamed_ns=[START_MS * 1_000_000] * len(events))


class Writer:
    """A sink and its ledger, driven as the pipeline does it."""

    def __init__(self, folder):
        self.folder = folder
        self.sink = IcebergSink(f"iceberg://{folder}")
        self.ledger = self.sink.open()

    def commit(self, batch):
        after = self.ledger.copy()
        batch.enter(after)
        self.sink.write(batch, after, PAIRS)
        self.ledger = after

    def commit_ids(self, *numbers):
        self.commit(batch_of(*(event(number) for number in numbers)))

    def close(self):
        self.sink.close()


@pytest.fixture
def writer(tmp_path):
    opened = Writer(tmp_path / "table")
    yield opened
    opened.close()


def raiser(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def data_files(folder):
    return [Path(task.file.file_path.removeprefix("file://")) for task in open_table(folder).scan().plan_files()]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        CommitFailedException("the table has changed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_neither_rows_nor_ledger_are_there_when_the_commit_itself_fails(writer, monkeypatch, error):
    writer.commit_ids(1, 2)
    before = open_table(writer.folder).properties[LEDGER_PROPERTY]
    with monkeypatch.context() as patched:
        patched.setattr(SqlCatalog, "commit_table", raiser(error))
        with pytest.raises(SinkFailed, match=r"No space left|has changed"):
            writer.commit_ids(3, 4)

    assert open_table(writer.folder).properties[LEDGER_PROPERTY] == before
    (report,) = verify_table(writer.folder).symbols
    assert (report.trades, report.is_complete) == (2, True)
    writer.commit_ids(3, 4)
    (report,) = verify_table(writer.folder).symbols
    assert (report.trades, report.is_complete) == (4, True)


def test_a_writer_that_ignores_the_lock_cannot_make_doubles(writer):
    """pyiceberg by itself would retry on top of the other's commit, and append the same ids once more."""
    writer.commit_ids(1, 2)
    other = open_table(writer.folder)
    with other.transaction() as transaction:
        for rows in to_arrow(batch_of(event(3)), PAIRS):
            transaction.append(rows)
    with pytest.raises(SinkFailed):
        writer.commit_ids(3, 4)

    assert verify_table(writer.folder).duplicates == 0


def test_a_dead_letter_is_written_before_the_commit_that_counts_it(writer, monkeypatch):
    batch = batch_of(event(1))
    batch.rejected.append(DeadLetter(event(2, price=Decimal(0)), 7, "price 0 is not positive"))
    with monkeypatch.context() as patched:
        patched.setattr(SqlCatalog, "commit_table", raiser(OSError("gone")))
        with pytest.raises(SinkFailed):
            writer.commit(batch)
    assert len((writer.folder / DEAD_LETTER_FILE).read_bytes().splitlines()) == 1
    writer.commit(batch)

    assert len((writer.folder / DEAD_LETTER_FILE).read_bytes().splitlines()) == 2
    assert verify_table(writer.folder).symbols[0].rejected == 1


def test_failing_to_clear_away_is_logged_and_made_up_for(writer, monkeypatch, caplog):
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, logger="cryptotrader"):
        patched.setattr(IcebergSink, "_delete_unreferenced", raiser(OSError("read-only")))
        for number in range(EXPIRE_EVERY):
            writer.commit_ids(number)
    assert [text for text in caplog.messages if "old snapshots were not cleared away: read-only" in text]
    writer.close()
    again = Writer(writer.folder)
    again.close()

    table = open_table(writer.folder)
    metadata = Path(table.location().removeprefix("file://")) / "metadata"
    lists = {Path(snapshot.manifest_list).name for snapshot in table.snapshots()}
    assert len(table.snapshots()) <= KEPT_SNAPSHOTS
    assert {file.name for file in metadata.glob("snap-*.avro")} == lists
    assert verify_table(writer.folder).is_complete


def test_what_a_killed_writer_left_half_done_is_cleared_away(writer):
    writer.commit_ids(1)
    writer.close()
    metadata = next(writer.folder.rglob("metadata"))
    orphan = metadata / "0e0e0e0e-m0.avro"
    orphan.write_bytes(b"half a manifest")
    again = Writer(writer.folder)

    assert not orphan.exists()
    assert list(again.ledger.of("BTCUSDT").stream) == [(1, 1)]
    again.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"format":2,"symbols":{}}', "has format 2; this version reads 1"),
        ('{"format":1', "cannot be read"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_told_and_the_lock_let_go(writer, text, why):
    writer.sink.write(Batch(), Ledger(), PAIRS)
    with open_table(writer.folder).transaction() as transaction:
        transaction.set_properties({LEDGER_PROPERTY: text})
    writer.close()
    sink = IcebergSink(f"iceberg://{writer.folder}")

    for _ in range(2):  # the second time it is not "locked"
        with pytest.raises(IngestionError, match=why):
            sink.open()
    with pytest.raises(IngestionError, match=why):
        verify_table(writer.folder)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkFailed):
        IcebergSink(f"iceberg://{tmp_path}/file/table").open()


def test_a_catalog_that_is_none_is_told_in_one_line_and_the_lock_let_go(tmp_path):
    (tmp_path / "catalog.db").write_text("this is not a database, but long enough to be looked at " * 20)
    sink = IcebergSink(f"iceberg://{tmp_path}")

    for _ in range(2):
        with pytest.raises(SinkFailed, match="file is not a database") as raised:
            sink.open()
        assert "\n" not in str(raised.value)
    with pytest.raises(SinkFailed, match="cannot be opened"):
        verify_table(tmp_path)


def test_a_closed_sink_refuses_rows_and_may_be_closed_again(writer):
    writer.close()
    writer.close()
    with pytest.raises(SinkFailed, match="not open"):
        writer.commit_ids(1)


def one_minute_candles(folder):
    return list(read_candles(folder, KlineInterval.MINUTE_1))


def test_an_empty_table_verifies(writer):
    report = verify_table(writer.folder)

    assert (report.symbols, report.is_complete, report.trades) == ((), True, 0)
    assert one_minute_candles(writer.folder) == []


def files_of(folder, kind):
    table = open_table(folder)
    metadata = Path(table.location().removeprefix("file://")) / "metadata"
    manifest_lists = set(metadata.glob("snap-*.avro"))
    return {
        "data": data_files(folder),
        "manifest list": manifest_lists,
        "manifest": set(metadata.glob("*.avro")) - manifest_lists,
        "metadata": [Path(table.metadata_location.removeprefix("file://"))],
    }[kind]


@pytest.mark.parametrize("kind", ["data", "manifest", "manifest list", "metadata"])
@pytest.mark.parametrize("damage", ["torn", "gone"])
def test_a_file_of_the_table_that_cannot_be_read_is_told(writer, kind, damage):
    writer.commit_ids(1, 2)
    writer.close()
    for file in files_of(writer.folder, kind):
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:40])

    for read in (verify_table, one_minute_candles):
        with pytest.raises(SinkFailed, match=r"cannot be (read|opened)"):
            read(writer.folder)


def test_a_table_whose_metadata_is_torn_is_not_written_to_and_the_lock_let_go(writer):
    writer.commit_ids(1, 2)
    writer.close()
    for file in files_of(writer.folder, "metadata"):
        file.write_bytes(file.read_bytes()[:40])
    sink = IcebergSink(f"iceberg://{writer.folder}")

    for _ in range(2):
        with pytest.raises(SinkFailed, match=r"Invalid JSON|validation error"):
            sink.open()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(sorted(PAIRS)), st.integers(1, 12)), min_size=1, max_size=24))
def test_rows_in_any_order_and_number_are_counted_exactly(tmp_path_factory, rows):
    """Written past the sink, which would sort them."""
    writer = Writer(tmp_path_factory.mktemp("unsorted"))
    batch = batch_of(*(event(number, symbol) for symbol, number in rows))
    sorted_rows = next(to_arrow(batch, PAIRS))
    ledger = Ledger()
    batch.enter(ledger)
    place = {}
    for index, each in enumerate(sorted(rows)):
        place.setdefault(each, []).append(index)
    with open_table(writer.folder).transaction() as transaction:
        transaction.append(sorted_rows.take([place[each].pop() for each in rows]))
        transaction.set_properties({LEDGER_PROPERTY: ledger.to_json()})
    writer.close()
    (file,) = data_files(writer.folder)
    stored = pq.read_table(file, columns=["symbol", "source_sequence"]).to_pylist()
    assert [(row["symbol"], row["source_sequence"]) for row in stored] == rows

    for report in verify_table(writer.folder).symbols:
        numbers = [number for symbol, number in rows if symbol == report.symbol]
        absent = set(range(min(numbers), max(numbers) + 1)) - set(numbers)
        assert (report.first, report.last) == (min(numbers), max(numbers))
        assert (report.trades, report.duplicates) == (len(set(numbers)), len(numbers) - len(set(numbers)))
        assert {number for first, last in report.missing for number in range(first, last + 1)} == absent
        assert (report.not_in_files, report.not_in_ledger) == (0, 0)
        assert report.is_complete == (not absent and report.duplicates == 0)


def test_microseconds_and_milliseconds_fall_into_the_same_day_and_minute(writer):
    end_of_day_ms = 1_700_006_399_999
    writer.commit(
        batch_of(
            event(1, trade_time=end_of_day_ms),
            event(2, trade_time=end_of_day_ms * 1000 + 999),
            event(3, trade_time=end_of_day_ms + 1),
        )
    )
    first, second = one_minute_candles(writer.folder)

    assert len(data_files(writer.folder)) == 2
    assert (first.trade_count, second.trade_count) == (2, 1)
    assert second.open_time - first.open_time == timedelta(minutes=1)
    assert second.open_time.timestamp() * 1000 == end_of_day_ms + 1
