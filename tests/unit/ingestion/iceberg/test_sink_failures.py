"""A table whose disk, catalog or files fail."""

from __future__ import annotations

import errno
import logging
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException

from cryptotrader.errors import IngestionError, SinkFailed
from cryptotrader.ingestion.iceberg import IcebergSink, read_candles, verify_table
from cryptotrader.ingestion.iceberg import sink as module
from cryptotrader.ingestion.iceberg.rows import to_arrow
from cryptotrader.ingestion.iceberg.sink import KEPT_SNAPSHOTS
from cryptotrader.ingestion.iceberg.table import DEAD_LETTER_FILE, LEDGER_PROPERTY, open_table
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch, DeadLetter
from cryptotrader.models.base_models import KlineInterval
from trade_tables import PAIRS, START_MS, TableWriter, batch_of, trade


def event(number, symbol="BTCUSDT", **changes):
    return trade(
        number, symbol, **({"price": Decimal("1.5"), "quantity": Decimal(2), "trade_time": START_MS} | changes)
    )


def raiser(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        CommitFailedException("the table has changed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_neither_rows_nor_ledger_are_there_when_the_commit_itself_fails(table, monkeypatch, error):
    table.commit_ids(1, 2)
    before = open_table(table.folder).properties[LEDGER_PROPERTY]
    with monkeypatch.context() as patched:
        patched.setattr(SqlCatalog, "commit_table", raiser(error))
        with pytest.raises(SinkFailed, match=r"No space left|has changed"):
            table.commit_ids(3, 4)

    assert open_table(table.folder).properties[LEDGER_PROPERTY] == before
    (report,) = verify_table(table.folder).symbols
    assert (report.trades, report.is_complete) == (2, True)
    table.commit_ids(3, 4)
    (report,) = verify_table(table.folder).symbols
    assert (report.trades, report.is_complete) == (4, True)


def test_a_writer_that_ignores_the_lock_cannot_make_doubles(table):
    """pyiceberg by itself would retry on top of the other's commit, and append the same ids once more."""
    table.commit_ids(1, 2)
    other = open_table(table.folder)
    with other.transaction() as transaction:
        for rows in to_arrow(batch_of(event(3)), PAIRS):
            transaction.append(rows)
    with pytest.raises(SinkFailed, match=r"has been updated by another process|branch main has changed"):
        table.commit_ids(3, 4)

    assert verify_table(table.folder).duplicates == 0


def test_a_dead_letter_is_written_before_the_commit_that_counts_it(table, monkeypatch):
    batch = batch_of(event(1))
    batch.rejected.append(DeadLetter(event(2, price=Decimal(0)), 7, "price 0 is not positive"))
    with monkeypatch.context() as patched:
        patched.setattr(SqlCatalog, "commit_table", raiser(OSError("gone")))
        with pytest.raises(SinkFailed, match="gone"):
            table.commit(batch)
    assert len((table.folder / DEAD_LETTER_FILE).read_bytes().splitlines()) == 1
    table.commit(batch)

    assert len((table.folder / DEAD_LETTER_FILE).read_bytes().splitlines()) == 2
    assert verify_table(table.folder).symbols[0].rejected == 1


def test_failing_to_clear_away_is_logged_and_made_up_for(table, monkeypatch, caplog):
    monkeypatch.setattr(module, "EXPIRE_EVERY", 8)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, logger="cryptotrader"):
        patched.setattr(IcebergSink, "_delete_unreferenced", raiser(OSError("read-only")))
        for number in range(8):
            table.commit_ids(number)
    assert [text for text in caplog.messages if "old snapshots were not cleared away: read-only" in text]
    table.close()
    again = TableWriter(table.folder)
    again.close()

    current = open_table(again.folder)
    metadata = Path(current.location().removeprefix("file://")) / "metadata"
    lists = {Path(snapshot.manifest_list).name for snapshot in current.snapshots()}
    assert len(current.snapshots()) <= KEPT_SNAPSHOTS
    assert {file.name for file in metadata.glob("snap-*.avro")} == lists
    assert verify_table(again.folder).is_complete


def test_what_a_killed_writer_left_half_done_is_cleared_away(table):
    table.commit_ids(1)
    table.close()
    metadata = next(table.folder.rglob("metadata"))
    orphan = metadata / "0e0e0e0e-m0.avro"
    orphan.write_bytes(b"half a manifest")
    again = TableWriter(table.folder)

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
def test_a_ledger_that_cannot_be_read_is_told_and_the_lock_let_go(table, text, why):
    table.sink.write(Batch(), Ledger(), PAIRS)
    with open_table(table.folder).transaction() as transaction:
        transaction.set_properties({LEDGER_PROPERTY: text})
    table.close()
    sink = IcebergSink(f"iceberg://{table.folder}")

    for _ in range(2):  # the second time it is not "locked"
        with pytest.raises(IngestionError, match=why):
            sink.open()
    with pytest.raises(IngestionError, match=why):
        verify_table(table.folder)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkFailed, match=r"Not a directory|File exists"):
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


def test_a_closed_sink_refuses_rows_and_may_be_closed_again(table):
    table.close()
    table.close()
    with pytest.raises(SinkFailed, match="not open"):
        table.commit_ids(1)


def one_minute_candles(folder):
    return list(read_candles(folder, KlineInterval.MINUTE_1))


def test_a_table_whose_metadata_is_torn_is_not_written_to_and_the_lock_let_go(table):
    table.commit_ids(1, 2)
    table.close()
    for file in table.files("metadata"):
        file.write_bytes(file.read_bytes()[:40])
    sink = IcebergSink(f"iceberg://{table.folder}")

    for _ in range(2):
        with pytest.raises(SinkFailed, match=r"Invalid JSON|validation error"):
            sink.open()


def test_microseconds_and_milliseconds_fall_into_the_same_day_and_minute(table):
    end_of_day_ms = 1_700_006_399_999
    table.commit(
        batch_of(
            event(1, trade_time=end_of_day_ms),
            event(2, trade_time=end_of_day_ms * 1000 + 999),
            event(3, trade_time=end_of_day_ms + 1),
        )
    )
    first, second = one_minute_candles(table.folder)

    assert len(table.files()) == 2
    assert (first.trade_count, second.trade_count) == (2, 1)
    assert second.open_time - first.open_time == timedelta(minutes=1)
    assert second.open_time.timestamp() * 1000 == end_of_day_ms + 1
