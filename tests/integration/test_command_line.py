"""Commands as processes of their own: what a shell sees when they are interrupted, piped, or cannot go on."""

from __future__ import annotations

import signal

from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from processes import COMMAND, end_of, line_of, run, running
from waiting import PATIENCE, eventually


def where(exchange):
    return ["--endpoint", f"ws://127.0.0.1:{exchange.port}"]


def test_an_interrupted_ingest_commits_what_came(exchange_factory, tmp_path):
    exchange = exchange_factory(rate=500)
    table = tmp_path / "table"
    options = ["--symbols", "BTCUSDT", "--sink", f"iceberg://{table}", "--commit-seconds", "0.2"]
    with running(*COMMAND, "ingest", *options, *where(exchange)) as process:
        eventually(lambda: list(table.rglob("*.parquet")) or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        code, out, err = end_of(process)

    report = verify_table(table)
    assert report.is_complete
    assert report.trades > 0
    assert (code, out) == (130, f"stored: {report.trades} trades, 0 unresolved\n")
    assert "Traceback" not in err


def test_a_second_ingest_into_the_same_table_is_refused(exchange, tmp_path):
    sink = IcebergSink(f"iceberg://{tmp_path}/table")
    sink.open()
    try:
        options = ["--symbols", "BTCUSDT", "--sink", f"iceberg://{tmp_path}/table"]
        code, _, err = run(*COMMAND, "ingest", *options, *where(exchange))
    finally:
        sink.close()

    assert code == 1
    assert err.startswith("error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "another process is writing here" in err


def test_a_reader_that_leaves_ends_the_stream_quietly(exchange_factory):
    exchange = exchange_factory(rate=500)
    with running(*COMMAND, "stream", "btcusdt@trade", "--json", *where(exchange)) as process:
        assert line_of(process, process.stdout).startswith('{"stream":"btcusdt@trade"')
        process.stdout.close()

        assert (process.wait(PATIENCE), process.stderr.read()) == (1, "")
