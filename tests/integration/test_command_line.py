"""Commands as processes of their own: what a shell sees when they are interrupted, piped, or cannot go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.iceberg.table import LEDGER_PROPERTY, open_table
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch

COMMAND = [sys.executable, "-m", "cryptotrader"]


def where(exchange):
    return ["--endpoint", f"ws://127.0.0.1:{exchange.port}"]


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False)


def assert_one_line(done, code, text):
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert text in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_ingest_commits_what_came(exchange_factory, tmp_path, number, code):
    exchange = exchange_factory(rate=500)
    table = tmp_path / "table"
    arguments = ["ingest", "--symbols", "BTCUSDT", "--sink", f"iceberg://{table}", "--commit-seconds", "0.2"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, *where(exchange)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 15
    while not list(table.rglob("*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)  # another process's commits are not on any clock of ours
    process.send_signal(number)
    out, err = process.communicate(timeout=15)

    report = verify_table(table)
    assert report.is_complete
    assert report.trades > 0
    assert (process.returncode, out) == (code, f"stored: {report.trades} trades, 0 unresolved\n")
    assert "Traceback" not in err


def test_a_second_ingest_into_the_same_table_is_refused(exchange, tmp_path):
    sink = IcebergSink(f"iceberg://{tmp_path}/table")
    sink.open()
    try:
        done = run("ingest", "--symbols", "BTCUSDT", "--sink", f"iceberg://{tmp_path}/table", *where(exchange))
    finally:
        sink.close()
    assert_one_line(done, 1, "another process is writing here")


def test_verify_names_what_is_missing_and_fails(tmp_path):
    ledger = Ledger()
    ledger.of("BTCUSDT").stream.add_range(1, 3)
    ledger.of("BTCUSDT").stream.add_range(6, 9)
    sink = IcebergSink(f"iceberg://{tmp_path}/table")
    sink.open()
    sink.write(Batch(), ledger, {})
    sink.close()
    done = run("verify", f"iceberg://{tmp_path}/table")

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "BTCUSDT 1–9: 0 trades, 9 missing, 0 duplicates (7 in the ledger but not in the files)",  # noqa: RUF001
        "  missing: 1-9",
    ]


def test_a_torn_table_is_one_line(tmp_path):
    sink = IcebergSink(f"iceberg://{tmp_path}/table")
    sink.open()
    sink.close()
    table = open_table(tmp_path / "table")
    assert LEDGER_PROPERTY not in table.properties
    Path(table.metadata_location.removeprefix("file://")).write_text("{")

    assert_one_line(run("verify", f"iceberg://{tmp_path}/table"), 1, "the table cannot be opened")


def test_a_reader_that_leaves_ends_the_stream_quietly(exchange_factory):
    exchange = exchange_factory(rate=500)
    process = subprocess.Popen(
        [*COMMAND, "stream", "btcusdt@trade", "--json", *where(exchange)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith('{"stream":"btcusdt@trade"')
    process.stdout.close()
    try:
        assert process.wait(timeout=10) == 1
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
