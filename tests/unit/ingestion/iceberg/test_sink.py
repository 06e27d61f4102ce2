"""Real Iceberg tables on a real disk."""

from __future__ import annotations

import errno
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptotrader.errors import ConfigurationError, SinkFailed, SinkLocked
from cryptotrader.ingestion import convert_binance_trade_to_v2
from cryptotrader.ingestion.iceberg import IcebergSink, folder_of, read_candles, verify_table
from cryptotrader.ingestion.iceberg import sink as module
from cryptotrader.ingestion.iceberg.rows import to_arrow
from cryptotrader.ingestion.iceberg.sink import KEPT_SNAPSHOTS
from cryptotrader.ingestion.iceberg.table import open_table
from cryptotrader.models.base_models import KlineInterval
from trade_tables import PAIRS, RECEIVED_NS, START_MS, TableWriter, batch_of, small_trade
from volume import rounds


def test_rows_and_ledger_are_there_together_and_survive_a_restart(table):
    table.commit(batch_of(*(small_trade(number) for number in range(1, 51))))
    table.commit(batch_of(*(small_trade(number) for number in range(61, 71))))
    table.close()

    again = TableWriter(table.folder)
    assert again.ledger == table.ledger
    assert again.ledger.of("BTCUSDT").unresolved() == [(51, 60)]
    report = verify_table(table.folder)
    assert not report.is_complete
    assert str(report.symbols[0]) == "BTCUSDT 1–70: 60 trades, 10 missing, 0 duplicates"  # noqa: RUF001
    again.commit(batch_of(*(small_trade(number) for number in range(51, 61))))
    assert verify_table(table.folder).is_complete
    again.close()


def test_a_second_writer_is_refused(table):
    with pytest.raises(SinkLocked, match="another process"):
        IcebergSink(f"iceberg://{table.folder}").open()
    table.close()
    second = IcebergSink(f"iceberg://{table.folder}")
    second.open()
    second.close()


def test_rows_equal_the_records_and_are_sorted(table):
    events = [small_trade(5), small_trade(2, "ETHUSDT"), small_trade(1), small_trade(3, "ETHUSDT"), small_trade(2)]
    table.commit(batch_of(*events))
    (file,) = table.files()
    rows = pq.read_table(file).to_pylist()

    assert [(row["symbol"], row["source_sequence"]) for row in rows] == [
        ("BTCUSDT", 1), ("BTCUSDT", 2), ("BTCUSDT", 5), ("ETHUSDT", 2), ("ETHUSDT", 3),
    ]  # fmt: skip
    assert rows
    for row in rows:
        (one,) = [e for e in events if (e.symbol, e.trade_id) == (row["symbol"], row["source_sequence"])]
        record = convert_binance_trade_to_v2(one, received_us=RECEIVED_NS // 1000)
        row["timestamp"] = round(row["timestamp"].timestamp() * 1_000_000)
        row["ingestion_timestamp"] = round(row["ingestion_timestamp"].timestamp() * 1_000_000)
        row["vendor_data"] = dict(row["vendor_data"])
        assert row == record


def test_days_are_partitions(table):
    table.commit(batch_of(small_trade(1), small_trade(2, trade_time=START_MS + 86_400_000)))

    assert len(table.files()) == 2
    assert verify_table(table.folder).is_complete


def test_many_commits_leave_few_snapshots_and_no_orphans(table, monkeypatch):
    monkeypatch.setattr(module, "EXPIRE_EVERY", 6)
    for number in range(1, 2 * 6 + 5):
        table.commit(batch_of(small_trade(number)))
    assert len(open_table(table.folder).snapshots()) <= KEPT_SNAPSHOTS + 6
    table.close()
    again = TableWriter(table.folder)
    metadata = next(table.folder.rglob("metadata"))
    current = open_table(table.folder)
    manifests = {Path(m.manifest_path).name for s in current.snapshots() for m in s.manifests(current.io)}
    lists = {Path(snapshot.manifest_list).name for snapshot in current.snapshots()}

    assert len(current.snapshots()) <= KEPT_SNAPSHOTS
    assert {file.name for file in metadata.glob("*.avro")} == manifests | lists
    assert len(list(metadata.glob("*.json"))) <= 6
    assert verify_table(table.folder).is_complete
    again.close()


def test_old_snapshots_are_cleared_away_every_so_many_commits(table, monkeypatch):
    monkeypatch.setattr(module, "EXPIRE_EVERY", KEPT_SNAPSHOTS + 2)
    kept = []
    for number in range(1, 16):
        table.commit(batch_of(small_trade(number)))
        kept.append(len(open_table(table.folder).snapshots()))

    assert kept == [1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9, 10, 11, 5, 6]


def test_a_full_disk_is_told_and_nothing_committed_is_lost(table, monkeypatch):
    table.commit(batch_of(small_trade(1)))

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(pq.ParquetWriter, "write", full)
        patched.setattr(pq.ParquetWriter, "write_batch", full, raising=False)
        patched.setattr(pq.ParquetWriter, "write_table", full, raising=False)
        with pytest.raises(SinkFailed, match="No space left"):
            table.commit(batch_of(small_trade(2)))
    assert verify_table(table.folder).trades == 1
    table.commit(batch_of(small_trade(2)))
    assert verify_table(table.folder).is_complete


def test_a_table_that_is_not_there_and_other_addresses_are_told(tmp_path):
    with pytest.raises(SinkFailed, match="no table here"):
        verify_table(tmp_path)
    for url in ("iceberg://", "file:///tmp", "data"):
        with pytest.raises(ConfigurationError, match="is not an iceberg://DIR address"):
            folder_of(url)
    assert folder_of("iceberg:///tmp/a%20b") == Path("/tmp/a b")


def test_large_batches_become_several_files(table, monkeypatch):
    monkeypatch.setattr("cryptotrader.ingestion.iceberg.rows.ROWS_A_FILE", 10)
    monkeypatch.setattr("cryptotrader.ingestion.iceberg.rows.ROWS_AT_A_TIME", 4)
    table.commit(batch_of(*(small_trade(number) for number in range(25))))

    assert len(table.files()) == 3
    assert verify_table(table.folder).is_complete
    assert sum(part.num_rows for part in to_arrow(batch_of(*(small_trade(n) for n in range(25))), PAIRS)) == 25
    assert isinstance(next(to_arrow(batch_of(small_trade(1)), PAIRS)), pa.Table)


@pytest.mark.volume
@settings(max_examples=rounds(3, 30), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(12)), cuts=st.integers(1, 4))
def test_candles_equal_an_exact_recomputation_in_any_order(tmp_path_factory, order, cuts):
    table = TableWriter(tmp_path_factory.mktemp("candles"))
    prices = [Decimal(p) / 7 for p in (5, 3, 9, 1, 8, 2, 7, 7, 4, 6, 10, 5)]
    events = [
        small_trade(n, price=prices[n].quantize(Decimal("0.00000001")), trade_time=START_MS + n * 11_000)
        for n in range(12)
    ]
    for cut in range(cuts):
        part = [events[n] for n in order[cut::cuts]]
        table.commit(batch_of(*part))
    table.close()
    expected = {}
    for each in events:
        expected.setdefault(each.trade_time // 60_000 * 60_000_000, []).append(each)

    candles = list(read_candles(table.folder, KlineInterval.MINUTE_1))
    assert [candle.open_time.timestamp() * 1_000_000 for candle in candles] == sorted(expected)
    assert candles
    for candle in candles:
        inside = expected[candle.open_time.timestamp() * 1_000_000]
        values = [each.price for each in inside]
        assert (candle.open, candle.high, candle.low, candle.close) == (
            values[0], max(values), min(values), values[-1],
        )  # fmt: skip
        assert (candle.volume, candle.trade_count) == (sum(each.quantity for each in inside), len(inside))


def test_a_folder_may_have_blanks_and_other_letters(tmp_path):
    folder = tmp_path / "sp ace" / "größe"
    sink = IcebergSink(f"iceberg://{folder}")
    sink.open()
    sink.close()
    assert verify_table(folder).symbols == ()
    assert {each.name for each in tmp_path.iterdir()} == {"sp ace"}


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%25b"])
def test_a_folder_that_iceberg_cannot_name_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match="cannot have"):
        IcebergSink(f"iceberg://{tmp_path / name}")


def test_the_metadata_of_a_table_without_snapshots_is_left_alone(table):
    """Nothing is referenced yet: what lies there may belong to a first commit that another process has under way."""
    metadata = table.files("metadata")[0].parent
    assert open_table(table.folder).snapshots() == []
    table.close()
    under_way = [metadata / "snap-1-0-a.avro", metadata / "a-m0.avro"]
    for file in under_way:
        file.write_bytes(b"first commit")
    again = TableWriter(table.folder)
    again.close()

    assert [file.exists() for file in under_way] == [True, True]
