"""SQL over real tables: what a query may see, may do, and may use."""

from __future__ import annotations

import io
import sys
import tempfile
import weakref
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from cryptotrader.errors import QueryFailed, SinkFailed
from cryptotrader.ingestion.iceberg import StoredTrades, query
from cryptotrader.ingestion.iceberg.table import open_table
from processes import run
from trade_tables import START_MS, trade, write_table

ALL = "SELECT symbol, source_sequence, timestamp, price, quantity FROM trades ORDER BY source_sequence"


def rows(folder, sql, **options):
    with StoredTrades(folder, **options) as stored:
        return list(stored.query(sql).rows())


def data_files(folder):
    return sorted(folder.rglob("*.parquet"))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two days in three commits."""
    return write_table(
        tmp_path_factory.mktemp("queries") / "table",
        [trade(number) for number in range(1, 51)],
        [trade(number, trade_time=START_MS + 86_400_000) for number in range(51, 61)],
        [trade(61, "ETHUSDT")],
    )


def test_rows_are_those_of_the_table(table):
    found = rows(table, ALL)

    assert [row[1] for row in found] == list(range(1, 62))
    assert found[0] == (
        "BTCUSDT", 1, datetime(2024, 8, 8, 0, 0, 1, tzinfo=UTC), Decimal("60000.01"), Decimal("0.00000001"),
    )  # fmt: skip
    with StoredTrades(table) as stored:
        names = stored.query("FROM trades").schema.names
        assert stored.symbols() == ["BTCUSDT", "ETHUSDT"]
    assert names == open_table(table).scan().to_arrow().schema.names


def test_only_files_of_the_current_plan_are_read(tmp_path):
    folder = write_table(tmp_path / "table", [trade(1)], [trade(2)])
    (stray, _) = data_files(folder)
    stray.with_name("stray.parquet").write_bytes(stray.read_bytes())
    with open_table(folder).transaction() as transaction:
        transaction.delete("source_sequence = 2")

    assert len(data_files(folder)) == 3
    assert [row[1] for row in rows(folder, ALL)] == [1]


def plan_of(monkeypatch, *tasks):
    """Let every table's plan be this."""
    planned = SimpleNamespace(location=lambda: "place", scan=lambda: SimpleNamespace(plan_files=lambda: tasks))
    monkeypatch.setattr(query, "open_table", lambda folder: planned)


def test_deletes_that_would_be_ignored_are_refused(table, monkeypatch):
    (task, *_) = open_table(table).scan().plan_files()
    plan_of(monkeypatch, SimpleNamespace(file=task.file, delete_files={"deletes.parquet"}))

    with pytest.raises(SinkFailed, match="holds deleted rows"):
        StoredTrades(table)


def test_names_of_files_are_taken_literally(tmp_path, monkeypatch):
    folder = write_table(tmp_path / "table", [trade(1)])
    odd = tmp_path / "it's [o]d*d?.parquet"
    odd.write_bytes(data_files(folder)[0].read_bytes())
    odd.with_name("it's odd!.parquet").write_bytes(odd.read_bytes())
    plan_of(monkeypatch, SimpleNamespace(file=SimpleNamespace(file_path=f"file://{odd}"), delete_files=set()))

    assert rows(folder, "SELECT source_sequence FROM trades") == [(1,)]


def test_an_empty_table_has_columns_and_no_rows(tmp_path):
    folder = write_table(tmp_path / "table")

    with StoredTrades(folder) as stored:
        result = stored.query("SELECT * FROM trades")
        assert list(result.rows()) == []
        assert result.schema.names == open_table(folder).scan().to_arrow().schema.names
    assert rows(folder, "SELECT count(*), sum(price * quantity) FROM trades") == [(0, None)]


def test_a_product_of_price_and_quantity_is_exact_and_does_not_overflow(tmp_path):
    events = [trade(n, price=Decimal("98765.43210987"), quantity=Decimal("12345.67890123")) for n in range(1, 4)]
    folder = write_table(tmp_path / "table", events)

    assert rows(folder, "SELECT sum(price * quantity) FROM trades") == [
        (3 * Decimal("98765.43210987") * Decimal("12345.67890123"),)
    ]


def test_an_order_is_kept_over_many_batches(table):
    sql = "SELECT a.source_sequence * 100000 + range AS n FROM trades a, range(2000) ORDER BY n DESC"
    found = [number for (number,) in rows(table, sql)]

    assert len(found) == 122_000
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("sql", [
    "", "-- nothing", "SELECT 1; SELECT 2", "CREATE TABLE x AS SELECT 1", "SET memory_limit = '10GB'",
    "DROP VIEW trades", "INSTALL httpfs", "PRAGMA database_list", "ATTACH '{place}/x.db'",
    "COPY (SELECT 1) TO '{file}' (use_tmp_file false)", "COPY trades TO '{place}/x.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (use_tmp_file false)", "EXPORT DATABASE '{place}/x'",
])  # fmt: skip
def test_anything_but_one_select_is_refused(table, tmp_path, sql):
    file = data_files(table)[0]
    before = file.read_bytes()

    with pytest.raises(QueryFailed, match="exactly one SELECT"):
        rows(table, sql.format(place=tmp_path, file=str(file).replace("'", "''")))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("sql", "reason"), [
    ("WITH x AS ({copy}) SELECT * FROM x", "at the top level"),
    ("WITH x AS ({copy}) FROM trades", "at the top level"),
    ("SELECT * FROM (WITH x AS ({copy}) SELECT * FROM x)", "at the top level"),
    ("FROM query('{quoted}')", "single SELECT"),
    ("FROM ({copy})", "syntax error"),
])  # fmt: skip
def test_a_select_cannot_write_to_the_data_it_may_read(table, sql, reason):
    file = data_files(table)[0]
    before = file.read_bytes()
    copy = "COPY (SELECT 9) TO '{}' (use_tmp_file false)".format(str(file).replace("'", "''"))

    with pytest.raises(QueryFailed, match=reason):
        rows(table, sql.format(copy=copy, quoted=copy.replace("'", "''")))
    assert file.read_bytes() == before


@pytest.mark.parametrize("sql", [
    "FROM read_text('{secret}')", "FROM read_csv('{secret}')", "FROM '{secret}'", "FROM glob('{place}/*')",
    "FROM read_parquet('{secret}')", "FROM read_blob('/etc/hostname')", "FROM 'https://127.0.0.1:1/x.parquet'",
])  # fmt: skip
def test_no_other_file_can_be_read(table, tmp_path, sql):
    secret = tmp_path / "secret.csv"
    secret.write_text("number\n7\n")

    with pytest.raises(QueryFailed, match=r"disabled by configuration|does not exist"):
        rows(table, sql.format(secret=secret, place=tmp_path))


def test_names_of_python_are_not_tables(table):
    found = open_table(table).scan().to_arrow()
    assert found.num_rows == 61

    with pytest.raises(QueryFailed, match="does not exist"):
        rows(table, "FROM found")


def test_bad_sql_is_told_without_the_excerpt(table):
    with pytest.raises(QueryFailed, match='Referenced column "prise" not found') as caught:
        rows(table, "SELECT prise FROM trades")

    assert "LINE" not in str(caught.value)


def test_an_error_amid_the_rows_is_told(table):
    with StoredTrades(table) as stored:
        result = stored.query("SELECT CASE WHEN n = 90000 THEN error('amid') ELSE n END FROM range(100000) t(n)")
        with pytest.raises(QueryFailed, match="amid"):
            for _ in result:
                pass


@pytest.mark.parametrize("sql", ["SELECT 1::BIGNUM AS n", "SELECT make_timestamp_ns(1) AS n"])
def test_values_without_a_python_type_are_refused_rather_than_cut(table, sql):
    with pytest.raises(QueryFailed, match="cast it"):
        rows(table, sql)


@pytest.mark.parametrize(("damage", "reason"), [("torn", "magic bytes"), ("gone", "no such file")])
def test_a_data_file_that_cannot_be_read_is_told(tmp_path, damage, reason):
    folder = write_table(tmp_path / "table", [trade(1)], [trade(2)], [trade(3)])
    files = data_files(folder)
    assert len(files) == 3
    for file in files:
        content = file.read_bytes()
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(content[:40])
        with pytest.raises((SinkFailed, QueryFailed), match=reason) as caught:
            rows(folder, ALL)
        assert file.name in str(caught.value)
        file.write_bytes(content)
    assert len(rows(folder, ALL)) == 3


def test_no_table_is_told(tmp_path):
    with pytest.raises(SinkFailed, match="no table here"):
        StoredTrades(tmp_path)


def test_parquet_is_written_in_large_groups(table):
    file = io.BytesIO()
    with StoredTrades(table) as stored:
        stored.query("SELECT a.message_id, range FROM trades a, range(2000)").write_parquet(file)
    written = pq.ParquetFile(file).metadata

    assert written.num_rows == 122_000
    assert written.num_row_groups == 2


def test_what_was_spilled_is_removed(table, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sql = "SELECT a.message_id || range AS text FROM trades a, range(20000) ORDER BY md5(text)"
    with StoredTrades(table, memory_limit=48_000_000) as stored:
        batches = iter(stored.query(sql))
        next(batches)
        assert [file for file in tmp_path.rglob("*") if file.is_file()]
        del batches
    assert list(tmp_path.iterdir()) == []


def test_too_little_memory_is_told(table):
    with pytest.raises(QueryFailed, match="Out of Memory"):
        rows(table, "SELECT list(a.message_id || range) FROM trades a, range(20000)", memory_limit=20_000_000)


def held_and_spilled(stored):
    """Bytes that DuckDB holds in memory and on disk, by its own count."""
    with stored._connection.cursor() as beside:
        (counts,) = beside.execute(
            "SELECT sum(memory_usage_bytes), sum(temporary_storage_bytes) FROM duckdb_memory()"
        ).fetchall()
    return counts


def test_what_is_sorted_stays_within_the_limit(table):
    """600,000 rows, sorted with little memory and with much."""
    every = "SELECT a.message_id || range AS text FROM trades a, range(10000) ORDER BY md5(text)"
    limit = 48_000_000
    counts = {}
    for memory_limit in (limit, 10**9):
        with StoredTrades(table, memory_limit=memory_limit) as stored:
            batches = iter(stored.query(every))
            next(batches)  # comes once all rows are sorted
            counts[memory_limit] = held_and_spilled(stored)
            del batches

    (held, spilled), (held_without, spilled_without) = counts[limit], counts[10**9]
    assert held <= limit < held_without
    assert spilled > 0 == spilled_without


def test_rows_are_computed_while_they_are_read_and_not_kept(table):
    """The row that cannot be computed is far from those that are read."""
    sql = "SELECT CASE WHEN n = 9000000 THEN error('reached') ELSE n END AS n FROM range(10000000) t(n)"
    with StoredTrades(table, memory_limit=100_000_000) as stored:
        batches = iter(stored.query(sql))
        read = [weakref.ref(next(batches)) for _ in range(20)]
        del batches

    assert [reference() for reference in read] == [None] * 20


SLOW = """
import sys
import duckdb
from pathlib import Path
from cryptotrader.ingestion.iceberg import StoredTrades

connect = duckdb.connect

def impatient(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.execute("SET progress_bar_time = 0")  # as if every query took long
    return connection

duckdb.connect = impatient
with StoredTrades(Path(sys.argv[1])) as stored:
    print("open", flush=True)  # what sets up the connection ran before its bar could be switched off
    print(sum(len(batch) for batch in stored.query("FROM trades, range(1000) b ORDER BY md5(trade_id || b.range)")))
"""


def test_a_slow_query_draws_no_progress_bar(table):
    """DuckDB would, to standard output, in a program that is not run from a file."""
    code, out, err = run(sys.executable, "-c", SLOW, table)

    assert (code, err) == (0, "")
    assert out.partition("open\n")[2] == "61000\n"
