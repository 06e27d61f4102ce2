"""The command line: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import http.server
import json
import re
import signal
import threading
from pathlib import Path

import pytest

from cryptotrader.ingestion.iceberg import IcebergSink, StoredTrades
from cryptotrader.ingestion.iceberg.table import LEDGER_PROPERTY, open_table
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch
from processes import COMMAND, end_of, line_of, running
from waiting import PATIENCE, eventually

COMMANDS = ["demo", "simulator", "stream", "ingest", "verify", "record", "decode", "call"]


def where(exchange):
    return ["--endpoint", f"ws://127.0.0.1:{exchange.port}"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples(command, name):
    code, out, _ = command(name, "--help")

    assert code == 0
    assert "Examples:" in out
    assert f"cryptotrader {name}" in out


def one_line(err):
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["stream", "btcusdt@kline_9m"], 2, "not a Binance market stream"),
        (["stream", "!ticker@arr"], 2, "retired by Binance on 2026-03-26"),
        (["stream", "btcusdt@trade", "--endpoint", "nowhere"], 2, "unknown endpoint 'nowhere'"),
        (["stream", "btcusdt@trade", "--endpoint", "https://x"], 2, "is not a ws:// or wss:// address"),
        (["stream", "btcusdt@trade", "--endpoint", "ws://127.0.0.1:1"], 1, "gave up after 1 attempts"),
        (["call", "dept"], 2, "no such method; did you mean depth?"),
        (["call", "depth", "symbol=BTCUSDT", "speed=5"], 2, "'speed=5' is not KEY=VALUE with a known key"),
        (["call", "depth"], 2, "missing required field `symbol`"),
        (["call", "depth", "symbol=BTCUSDT", "limit=x"], 2, "Expected `int"),
        (["call", "klines", "symbol=BTCUSDT", "interval=9m"], 2, "Invalid enum value '9m'"),
        (["ingest", "--symbols", " , ", "--sink", "iceberg://x"], 2, "give at least one symbol"),
        (["ingest", "--symbols", "BTCUSDT", "--sink", "s3://x"], 2, "is not an iceberg://DIR address"),
        (["verify", "iceberg:///nonexistent/table"], 1, "no table here"),
        (["record", "btcusdt@kline_9m", "--file", "x.rec"], 2, "not a Binance market stream"),
        (["decode", "/nonexistent/file"], 2, "cannot be read"),
        (["simulator", "--replay", "/nonexistent/file", "--port", "0"], 2, "cannot be read"),
        (["simulator", "--symbols", "NOPE", "--port", "0"], 1, "NOPE"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_mistakes_are_one_line(command, arguments, code, text):
    ended, out, err = command(*arguments)

    assert text in one_line(err)
    assert (ended, out) == (code, "")


def test_unknown_symbols_are_refused(command, exchange, tmp_path):
    for arguments in (
        ["stream", "nopeusdt@trade"],
        ["ingest", "--symbols", "BTCUSDT,NOPEUSDT", "--sink", f"iceberg://{tmp_path}/t"],
    ):
        code, _, err = command(*arguments, *where(exchange))
        assert (code, one_line(err)) == (1, "error: NOPEUSDT: the exchange does not trade it")
    code, _, err = command("call", "depth", "symbol=NOPE", *where(exchange))
    assert (code, one_line(err)) == (1, "error: depth: Invalid symbol. (code -1121, status 400)")


def test_a_web_server_is_not_binance(command):
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    try:
        code, _, err = command("stream", "btcusdt@trade", "--endpoint", f"ws://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)
    line = one_line("\n".join(row for row in err.splitlines() if row.startswith("error")))
    assert code == 1
    assert "no WebSocket there" in line or "refused with HTTP status" in line


def test_events_and_frames_are_printed(command, exchange):
    code, out, _ = command("stream", "btcusdt@trade", "--count", "3", *where(exchange))
    assert code == 0
    assert len(out.splitlines()) == 3
    assert " BTCUSDT    trade " in out.splitlines()[0]

    code, out, _ = command("stream", "btcusdt@depth@100ms", "--json", "--count", "2", *where(exchange))
    frames = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [frame["stream"] for frame in frames] == ["btcusdt@depth@100ms"] * 2


def test_commands_end_by_themselves_after_some_seconds(command, exchange, tmp_path):
    assert command("stream", "btcusdt@trade", "--seconds", "0.2", *where(exchange))[0] == 0
    options = ["--symbols", "BTCUSDT", "--sink", f"iceberg://{tmp_path}/table", "--seconds", "0.2"]
    code, out, _ = command("ingest", *options, *where(exchange))

    assert code == 0
    assert out.startswith("stored: ")
    assert out.endswith(" trades, 0 unresolved\n")


def test_calls_print_json(command, exchange):
    code, out, err = command("call", "depth", "symbol=BTCUSDT", "limit=5", *where(exchange))
    assert (code, err) == (0, "")
    assert len(json.loads(out)["bids"]) == 5
    _, out, _ = command("call", "ticker.price", "symbols=BTCUSDT,ETHUSDT", *where(exchange))
    assert [row["symbol"] for row in json.loads(out)] == ["BTCUSDT", "ETHUSDT"]
    _, out, _ = command("call", "trades.historical", "symbol=BTCUSDT", "from_id=1", "limit=2", *where(exchange))
    assert len(json.loads(out)) == 2


def symbols_in(folder):
    """The symbols that a table has trades of."""
    if not list(folder.rglob("*.parquet")):
        return []
    with StoredTrades(folder) as stored:
        return stored.symbols()


def test_trades_captured_until_the_server_goes_down_verify(command, exchange_factory, tmp_path):
    exchange = exchange_factory(rate=500)
    table = tmp_path / "table"

    def shut_down_in_time():
        eventually(lambda: symbols_in(table) == ["BTCUSDT", "ETHUSDT"])
        exchange.fault("server_shutdown", seconds=PATIENCE)

    waiting = threading.Thread(target=shut_down_in_time)
    waiting.start()
    options = ["--symbols", "btcusdt,ethusdt", "--sink", f"iceberg://{table}", "--commit-seconds", "0.2"]
    code, out, err = command("ingest", *options, "--until-shutdown", *where(exchange))
    waiting.join(PATIENCE)
    assert code == 0, err
    assert out.startswith("stored: ")
    assert out.endswith(" trades, 0 unresolved\n")

    code, out, _ = command("verify", f"iceberg://{table}")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["BTCUSDT", "ETHUSDT"]
    assert all(line.endswith("trades, 0 missing, 0 duplicates") for line in out.splitlines())


def test_verify_names_what_is_missing_and_fails(command, tmp_path):
    ledger = Ledger()
    ledger.of("BTCUSDT").stream.add_range(1, 3)
    ledger.of("BTCUSDT").stream.add_range(6, 9)
    sink = IcebergSink(f"iceberg://{tmp_path}/table")
    sink.open()
    sink.write(Batch(), ledger, {})
    sink.close()
    code, out, err = command("verify", f"iceberg://{tmp_path}/table")

    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "BTCUSDT 1–9: 0 trades, 9 missing, 0 duplicates (7 in the ledger but not in the files)",  # noqa: RUF001
        "  missing: 1-9",
    ]


def test_a_torn_table_is_one_line(command, tmp_path):
    sink = IcebergSink(f"iceberg://{tmp_path}/table")
    sink.open()
    sink.close()
    table = open_table(tmp_path / "table")
    assert LEDGER_PROPERTY not in table.properties
    Path(table.metadata_location.removeprefix("file://")).write_text("{")
    code, out, err = command("verify", f"iceberg://{tmp_path}/table")

    assert (code, out) == (1, "")
    assert "the table cannot be opened" in one_line(err)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_command_in_order(exchange, number, code):
    with running(*COMMAND, "stream", "btcusdt@trade", *where(exchange)) as process:
        assert " BTCUSDT " in line_of(process, process.stdout)
        process.send_signal(number)
        ended, _, err = end_of(process)

    assert (ended, err) == (code, "")


def test_the_demo_proves_itself(command):
    code, out, _ = command("demo", "--seconds", "4")

    assert code == 0
    assert out.splitlines()[-1].startswith("complete: ")
    assert out.splitlines()[-1].endswith(" trades, 0 missing, 0 duplicates")
    assert "Connection cut on purpose." in out
    assert re.search(r"^Reconnected [1-9]\d* time\(s\)", out, re.MULTILINE)
