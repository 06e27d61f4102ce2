"""``query``, ``candles`` and ``plot``: what they write, in each form, and how they fail."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sys
from datetime import datetime
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from command_line import exit_code
from cryptotrader.ingestion.iceberg import read_candles
from cryptotrader.models.base_models import KlineInterval
from processes import COMMAND, end_of, running
from trade_tables import trade, write_table
from waiting import eventually

SQL = "SELECT * FROM trades ORDER BY symbol, source_sequence"
VALUES = """SELECT 1.50::DECIMAL(38, 18) AS price, 0.00000001::DECIMAL(38, 18) AS tiny, 1e20::DECIMAL(38, 0) AS huge,
    TIMESTAMPTZ '2024-08-08 02:00:00.000001+02' AS at, DATE '2024-08-08' AS day, INTERVAL '1 day 90 seconds' AS span,
    [1.5, NULL] AS list, MAP {'a': 0.10} AS map, 'x,"y"' || chr(10) || 'ü' AS text, NULL AS nothing, true AS truth,
    'nan'::DOUBLE AS nan, '\\x00\\xFF'::BLOB AS bytes, TIME '10:00:00' AS time, 9007199254740993 AS number"""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    first = [trade(number) for number in range(1, 101)]
    second = [trade(number, "ETHUSDT", price=Decimal("0.00001234") * number) for number in range(1, 4)]
    return write_table(tmp_path_factory.mktemp("commands") / "table", first, second)


@pytest.fixture
def command(monkeypatch, capfdbinary, table):
    """Run a command within this process; its exit code, output, and errors."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # commands take over the signals of their process
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def run(name, *arguments, on=None):
        place = f"iceberg://{on or table}"
        words = [*arguments[:1], place, *arguments[1:]] if name == "query" else [place, *arguments]
        code = exit_code(monkeypatch, name, *words)
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return run


def test_csv_reads_back(command):
    code, out, _ = command("query", VALUES, "--output", "csv")
    ((names, row),) = [list(csv.reader(io.StringIO(out.decode(), newline="")))]

    assert code == 0
    assert dict(zip(names, row, strict=True)) == {
        "price": "1.5", "tiny": "0.00000001", "huge": "100000000000000000000", "at": "2024-08-08T00:00:00.000001Z",
        "day": "2024-08-08", "span": "P0M1DT90S", "list": '["1.5",null]', "map": '{"a":"0.1"}', "text": 'x,"y"\nü',
        "nothing": "", "truth": "true", "nan": "nan", "bytes": "00ff", "time": "10:00:00", "number": "9007199254740993",
    }  # fmt: skip


def test_json_reads_back(command):
    code, out, _ = command("query", VALUES, "--output", "json")
    (row,) = json.loads(out)

    assert code == 0
    assert row == {
        "price": "1.5", "tiny": "0.00000001", "huge": "100000000000000000000", "at": "2024-08-08T00:00:00.000001Z",
        "day": "2024-08-08", "span": "P0M1DT90S", "list": ["1.5", None], "map": {"a": "0.1"}, "text": 'x,"y"\nü',
        "nothing": None, "truth": True, "nan": "nan", "bytes": "00ff", "time": "10:00:00", "number": 9007199254740993,
    }  # fmt: skip


@pytest.mark.parametrize("to_file", [True, False])
def test_all_forms_hold_equal_trades(command, tmp_path, to_file):
    def output(form):
        file = tmp_path / f"rows.{form}"
        code, out, err = command("query", SQL, "--output", form, *(("--file", str(file)) if to_file else ()))
        assert (code, err) == (0, "")
        assert not (to_file and out)
        return file.read_bytes() if to_file else out

    stored = pq.read_table(io.BytesIO(output("parquet"))).to_pylist()
    from_json = json.loads(output("json"))
    from_csv = list(csv.DictReader(io.StringIO(output("csv").decode(), newline="")))

    assert len(stored) == len(from_json) == len(from_csv) == 103
    for row, as_json, as_csv in zip(stored, from_json, from_csv, strict=True):
        assert list(row) == list(as_json) == list(as_csv)
        for name in ("price", "quantity"):
            assert row[name] == Decimal(as_json[name]) == Decimal(as_csv[name])
            assert "E" not in as_json[name]
        for name in ("timestamp", "ingestion_timestamp"):
            assert row[name] == datetime.fromisoformat(as_json[name]) == datetime.fromisoformat(as_csv[name])
        assert row["symbol"] == as_json["symbol"] == as_csv["symbol"]
        assert row["source_sequence"] == as_json["source_sequence"] == int(as_csv["source_sequence"])
        assert dict(row["vendor_data"]) == as_json["vendor_data"] == json.loads(as_csv["vendor_data"])


def test_no_rows_are_an_empty_array_and_a_header(command):
    sql = "SELECT symbol, price FROM trades WHERE false"

    assert json.loads(command("query", sql, "-o", "json")[1]) == []
    assert command("query", sql, "-o", "csv")[1] == b"symbol,price\n"
    assert b"no rows" in command("query", sql)[1]


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize(
    "sql", [SQL, "SELECT repeat('long ', 80) AS text", "SELECT symbol, repeat('x', 300) FROM trades"]
)
def test_tables_stay_within_the_terminal(command, monkeypatch, width, sql):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "25")
    code, out, _ = command("query", sql, "--limit-rows", "2")
    text = out.decode()

    assert code == 0
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text  # nothing is cut
    if sql == SQL:
        assert "BINANCE-1 " in text
        assert "cut after 2" in text
    else:
        assert text.count("x" * 20) + text.count("long") >= 26


def test_a_table_cannot_control_the_terminal(command):
    _, out, _ = command("query", "SELECT chr(27) || '[31m' AS a, '[red]x[/red]' AS b, chr(10) AS c")

    assert b"\x1b" not in out
    assert rb"\x1b[31m" in out
    assert b"[red]x[/red]" in out


def test_a_failing_query_leaves_no_file_and_what_was_there(command, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("before")
    code, _, err = command(
        "query", "SELECT CASE WHEN n = 90000 THEN error('amid') ELSE n END FROM range(100000) t(n)",
        "-o", "csv", "--file", str(file),
    )  # fmt: skip

    assert (code, err) == (1, "error: Invalid Input Error: amid\n")
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("words", "code", "line"), [
    (("query", "SELEC 1"), 1, 'error: Parser Error: syntax error at or near "SELEC"'),
    (("query", "DROP VIEW trades"), 1, "error: give exactly one SELECT statement"),
    (("query", "SELECT 1", "--memory", "much"), 2, "error: 'much' is not a size such as 512MB, 2GB or 2GiB"),
    (("query", "SELECT 1", "--file", "/no/such/folder/x"), 1, "error: [Errno 2] No such file or directory"),
    (("query", "SELECT list(trade_id || range) FROM trades, range(20000)", "--memory", "20MB"), 1, "error: Out of Memory"),
    (("query", "SELECT INTERVAL 1 DAY", "-o", "parquet"), 1, "error: cannot be written as Parquet"),
    (("candles", "--symbol", "BNBUSDT"), 1, "error: BNBUSDT: not in this table, which holds BTCUSDT, ETHUSDT"),
    (("plot", "--symbol", "BNBUSDT"), 1, "error: BNBUSDT: not in this table, which holds BTCUSDT, ETHUSDT"),
])  # fmt: skip
def test_errors_are_one_line(command, words, code, line):
    found, _, err = command(*words)

    assert found == code
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_another_interval_is_refused(command):
    code, _, err = command("candles", "--symbol", "BTCUSDT", "--interval", "7m")

    assert code == 2
    assert "'7m' is not one of" in err


def test_no_table_is_told(command, tmp_path):
    for words in (("query", "SELECT 1"), ("candles", "--symbol", "BTCUSDT"), ("plot", "--symbol", "BTCUSDT")):
        assert command(*words, on=tmp_path) == (1, b"", f"error: {tmp_path}: no table here\n")


def test_parquet_is_not_for_a_terminal(command, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert command("query", "SELECT 1", "-o", "parquet") == (
        2, b"", "error: Parquet is not for a terminal: give --file, or redirect the output\n",
    )  # fmt: skip


def test_candles_are_those_of_the_table(command, table):
    code, out, _ = command("candles", "--symbol", "btcusdt", "--interval", "1m", "-o", "json")
    expected = list(read_candles(table, KlineInterval.MINUTE_1, symbol="BTCUSDT"))
    found = json.loads(out)

    assert code == 0
    assert len(found) == len(expected) == 2
    for row, candle in zip(found, expected, strict=True):
        assert list(row) == list(candle.__slots__)
        assert datetime.fromisoformat(row["open_time"]) == candle.open_time
        for name in ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_quote_volume"):
            assert Decimal(row[name]) == getattr(candle, name)
        assert (row["trade_count"], row["last_trade_id"]) == (candle.trade_count, candle.last_trade_id)


def test_candles_as_a_table_fit_eighty_columns(command):
    _, out, _ = command("candles", "--symbol", "BTCUSDT")
    lines = out.decode().splitlines()

    assert lines[0].strip() == "BTCUSDT 1m, UTC"
    assert "2024-08-08 00:00" in out.decode()
    assert re.search(r"60000\.01 +60000\.59 +60000\.01 +60000\.59 +0\.0000177 +59", out.decode())
    assert max(map(len, lines)) <= 80


def test_an_interrupted_query_ends_and_leaves_nothing(tmp_path, table):
    sql = "SELECT a.trade_id || b.trade_id || range AS text FROM trades a, trades b, range(100000) ORDER BY md5(text)"
    file = tmp_path / "rows.parquet"
    words = ["query", sql, f"iceberg://{table}", "-o", "parquet", "-f", file, "--memory", "48MB"]
    with running(*COMMAND, *words, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        eventually(lambda: list(tmp_path.glob("cryptotrader-query-*/*")), "a file of spilled rows")
        process.send_signal(signal.SIGTERM)

        assert end_of(process) == (143, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("interval", ["1s", "1m", "1M"])
def test_a_plot_fits_the_terminal_and_is_plain_elsewhere(command, monkeypatch, width, interval):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "25")
    code, out, _ = command("plot", "--symbol", "BTCUSDT", "--interval", interval)
    lines = out.decode().splitlines()

    assert code == 0
    assert f"BTCUSDT {interval} · 2024-08-0" in lines[0]
    assert {len(line) for line in lines} == {width}
    assert "\x1b" not in out.decode()
    assert len(lines) == 24


def test_a_png_is_a_picture(command, tmp_path):
    file = tmp_path / "picture.png"
    for interval in ("1s", "1m"):
        code, out, err = command("plot", "--symbol", "ETHUSDT", "--interval", interval, "--png", str(file))
        assert (code, out) == (0, b"")
        assert err.startswith(f"{file}: ETHUSDT {interval} · 2024-08-08 00:00")
        assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert list(tmp_path.iterdir()) == [file]


def test_too_many_candles_for_a_picture_are_refused(command, monkeypatch):
    monkeypatch.setattr("cryptotrader.ingestion.iceberg.plot.MOST_CANDLES", 99)

    assert command("plot", "--symbol", "BTCUSDT", "--interval", "1s") == (
        1, b"", "error: more than 99 candles of 1s for one picture: choose a longer interval\n",
    )  # fmt: skip
