"""Commands as processes of their own: what a shell sees when they are interrupted, piped, or cannot go on."""

from __future__ import annotations

import contextlib
import signal

from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from processes import COMMAND, end_of, line_of, run, running
from waiting import PATIENCE, eventually


def where(exchange):
    return ["--endpoint", f"ws://127.0.0.1:{exchange.port}"]


def has_files(table):
    return bool(list(table.rglob("*.parquet")))


def test_an_interrupted_ingest_commits_what_came(exchange_factory, tmp_path):
    exchange = exchange_factory(rate=500)
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143}
    options = ["--symbols", "BTCUSDT", "--commit-seconds", "0.2", *where(exchange)]
    with contextlib.ExitStack() as processes:
        started = {
            number: processes.enter_context(
                running(*COMMAND, "ingest", "--sink", f"iceberg://{tmp_path}/{number}", *options)
            )
            for number in codes
        }
        ended = {}
        for number, process in started.items():
            eventually(lambda: has_files(tmp_path / str(number)) or process.poll() is not None)  # noqa: B023 - called at once
            process.send_signal(number)
            ended[number] = end_of(process)

    reports = {number: verify_table(tmp_path / str(number)) for number in codes}
    assert all(report.is_complete and report.trades for report in reports.values()), ended
    assert {number: (code, out) for number, (code, out, _) in ended.items()} == {
        number: (code, f"stored: {reports[number].trades} trades, 0 unresolved\n") for number, code in codes.items()
    }
    assert not any("Traceback" in err for _, _, err in ended.values())


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
