"""Capture over sockets into a real table, and by a process that is killed; all else about it is in ``tests/pair``."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

from cryptotrader.config import Backoff
from cryptotrader.ingestion import Capture, CaptureConfig
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.iceberg.table import open_table
from waiting import PATIENCE, eventually, soon, until

SYMBOLS = ["BTCUSDT", "ETHUSDT"]

FAULTS = [
    ("drop", {"connection": "stream"}),
    ("torn", {"connection": "stream"}),
    ("skip", {"stream": "btcusdt@trade", "count": 40}),
    ("duplicate", {"stream": "ethusdt@trade", "count": 40}),
    ("reorder", {"stream": "btcusdt@trade", "count": 40}),
    ("garbage", {"connection": "stream"}),
    ("drop", {}),
    ("server_shutdown", {"connection": "stream", "seconds": 0.1}),
]
CUTS = {"drop", "torn", "server_shutdown"}
"""The faults that end the connection of the streams."""


def assert_equals_truth(folder, truth):
    """The table holds what the exchange wrote down, for all ids from the first to the last."""
    report = verify_table(folder)
    assert report.is_complete, [str(each) for each in report.symbols]
    bounds = {each.symbol: range(each.first, each.last + 1) for each in report.symbols}
    assert sorted(bounds) == SYMBOLS
    made = {}
    for line in truth.read_text().splitlines():
        trade = json.loads(line)
        if trade["trade_id"] in bounds[trade["symbol"]]:
            made[trade["symbol"], trade["trade_id"]] = (trade["price"], trade["quantity"])
    rows = open_table(folder).scan(selected_fields=("symbol", "source_sequence", "price", "quantity")).to_arrow()
    stored = {
        (row["symbol"], row["source_sequence"]): (f"{row['price']:.8f}", f"{row['quantity']:.8f}")
        for row in rows.to_pylist()
    }
    assert stored == made
    assert len(stored) == report.trades > 0


async def test_what_was_traded_is_stored_through_all_faults_over_sockets(exchange_factory, tmp_path):
    truth = tmp_path / "truth.jsonl"
    exchange = exchange_factory(symbols=SYMBOLS, rate=300, truth=truth)
    capture = Capture(
        exchange.endpoint,
        SYMBOLS,
        IcebergSink(f"iceberg://{tmp_path}/table"),
        config=CaptureConfig(commit_seconds=0.2, drain_seconds=PATIENCE),
        backoff=Backoff(initial=0.05, maximum=0.2),
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.ensure_future(capture.run(stop, on_ready=ready.set))

    def taken():
        assert not running.done(), running
        return [each.trades for each in capture.progress().symbols]

    await soon(ready.wait())
    for kind, where in FAULTS:
        reconnects = capture.progress().reconnects + (kind in CUTS)
        exchange.fault(kind, **where)
        await until(lambda least=reconnects: capture.progress().reconnects >= least, kind)
        before = taken()
        await until(lambda before=before: all(now > then + 60 for now, then in zip(taken(), before, strict=True)), kind)
    await until(lambda: capture.progress().commits >= 3)
    stop.set()
    ledger = await soon(running)
    exchange.stop()

    assert capture.progress().reconnects >= 4
    assert [entry.unresolved() for entry in ledger.symbols.values()] == [[], []]
    assert ledger.of("BTCUSDT").backfill.count >= 40
    assert_equals_truth(tmp_path / "table", truth)


def test_a_killed_process_resumes(exchange_factory, tmp_path):
    truth, table = tmp_path / "truth.jsonl", tmp_path / "table"
    exchange = exchange_factory(symbols=SYMBOLS, rate=200, truth=truth)
    command = [
        sys.executable, "-m", "cryptotrader", "ingest", "--symbols", ",".join(SYMBOLS), "--sink",
        f"iceberg://{table}", "--endpoint", f"ws://127.0.0.1:{exchange.port}", "--commit-seconds", "0.2",
    ]  # fmt: skip

    def files():
        return len(list(table.rglob("*.parquet")))

    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: files() > 2 or first.poll() is not None, "commits")
        assert first.poll() is None
    finally:
        first.kill()
    assert first.wait(PATIENCE) == -signal.SIGKILL
    before = files()
    second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: files() > before + 2 or second.poll() is not None, "more commits")
        second.send_signal(signal.SIGINT)
        out, err = second.communicate(timeout=PATIENCE)
    finally:
        second.kill()
    exchange.stop()

    assert second.returncode == 128 + signal.SIGINT, err
    assert "0 unresolved" in out
    assert_equals_truth(table, truth)
