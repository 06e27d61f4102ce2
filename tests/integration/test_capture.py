"""Capture from a running exchange into a real table, with everything going wrong on the way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from cryptotrader.config import Backoff
from cryptotrader.errors import ConnectFailed, UnknownSymbol
from cryptotrader.ingestion import BinanceWebSocketClient, Capture, CaptureConfig
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.iceberg.table import open_table

SYMBOLS = ["BTCUSDT", "ETHUSDT"]
QUICK = Backoff(initial=0.05, maximum=0.2, attempts=20)


async def capture(endpoint, folder, seconds, *, during=None, symbols=SYMBOLS, **config):
    stop = asyncio.Event()
    running = Capture(
        endpoint,
        symbols,
        IcebergSink(f"iceberg://{folder}"),
        config=CaptureConfig(commit_seconds=0.4, **config),
        backoff=QUICK,
    )
    asyncio.get_running_loop().call_later(seconds, stop.set)
    if during is not None:
        for delay, work in during:
            asyncio.get_running_loop().call_later(delay, work)
    ledger = await running.run(stop)
    return ledger, running.progress()


def assert_equals_truth(folder, truth):
    report = verify_table(folder)
    assert report.is_complete, [str(each) for each in report.symbols]
    bounds = {each.symbol: range(each.first, each.last + 1) for each in report.symbols}
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
    assert len(stored) == report.trades > 500


@pytest.mark.parametrize(
    "faults",
    [
        [("drop", {"connection": "stream"}), ("torn", {"connection": "stream"})],
        [("skip", {"stream": "btcusdt@trade", "count": 40}), ("duplicate", {"stream": "ethusdt@trade", "count": 40})],
        [("reorder", {"stream": "btcusdt@trade", "count": 40}), ("garbage", {"connection": "stream"})],
        [("refuse", {"seconds": 0.5}), ("drop", {}), ("server_shutdown", {"connection": "stream", "seconds": 0.2})],
        [("rate_limit", {"count": 1, "seconds": 0.3}), ("skip", {"stream": "btcusdt@trade", "count": 5})],
    ],
    ids=lambda faults: "+".join(kind for kind, _ in faults),
)
async def test_what_was_traded_is_stored_through(faults, exchange_factory, tmp_path):
    truth = tmp_path / "truth.jsonl"
    exchange = exchange_factory(symbols=SYMBOLS, rate=1000, truth=truth)
    during = [
        (0.6 + 0.3 * number, lambda kind=kind, where=where: exchange.fault(kind, **where))
        for number, (kind, where) in enumerate(faults)
    ]
    ledger, progress = await capture(exchange.endpoint, tmp_path / "table", 2.2, during=during)
    exchange.stop()

    assert all(not entry.unresolved() for entry in ledger.symbols.values())
    assert progress.commits >= 3
    if faults[0][0] in {"drop", "skip"}:
        assert sum(each.backfilled for each in progress.symbols) > 0
    assert_equals_truth(tmp_path / "table", truth)


async def test_a_restart_fills_what_was_traded_meanwhile(exchange_factory, tmp_path):
    truth = tmp_path / "truth.jsonl"
    exchange = exchange_factory(symbols=SYMBOLS, rate=800, truth=truth)
    await capture(exchange.endpoint, tmp_path / "table", 0.8)
    await asyncio.sleep(0.7)
    ledger, progress = await capture(exchange.endpoint, tmp_path / "table", 0.8)
    exchange.stop()

    assert sum(each.backfilled for each in progress.symbols) > 200
    assert all(entry.backfill for entry in ledger.symbols.values())
    assert_equals_truth(tmp_path / "table", truth)


async def test_an_unknown_symbol_is_refused_before_anything_is_stored(exchange, tmp_path):
    with pytest.raises(UnknownSymbol, match="NOPEUSDT"):
        await capture(exchange.endpoint, tmp_path / "table", 1.0, symbols=["BTCUSDT", "NOPEUSDT"])
    assert not (tmp_path / "table").exists()


async def test_what_came_is_committed_when_the_exchange_is_gone_for_good(exchange_factory, tmp_path):
    exchange = exchange_factory(symbols=SYMBOLS, rate=500)
    asyncio.get_running_loop().call_later(1.0, exchange.stop)
    with pytest.raises(ConnectFailed, match="gave up after 20 attempts"):
        await capture(exchange.endpoint, tmp_path / "table", 60.0)
    assert verify_table(tmp_path / "table").trades > 200


async def test_trades_too_far_ahead_are_dead_letters_and_their_ids_stay_known(exchange_factory, tmp_path):
    hour_ahead = exchange_factory(symbols=["BTCUSDT"], rate=200, clock=lambda: time.time_ns() // 1000 + 3_600_000_000)
    ledger, progress = await capture(hour_ahead.endpoint, tmp_path / "table", 1.0, symbols=["BTCUSDT"])
    entry = ledger.of("BTCUSDT")

    assert progress.symbols[0].rejected > 20
    assert entry.rejected.count == progress.symbols[0].rejected
    assert entry.stored().count == 0
    assert entry.unresolved() == []
    assert verify_table(tmp_path / "table").is_complete


def test_a_killed_process_resumes(exchange_factory, tmp_path):
    truth = tmp_path / "truth.jsonl"
    exchange = exchange_factory(symbols=SYMBOLS, rate=1000, truth=truth)
    command = [
        sys.executable, "-m", "cryptotrader", "ingest", "--symbols", ",".join(SYMBOLS), "--sink",
        f"iceberg://{tmp_path / 'table'}", "--endpoint", f"ws://127.0.0.1:{exchange.port}", "--commit-seconds", "0.2",
    ]  # fmt: skip
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        time.sleep(0.2)  # another process's commits are not on any clock of ours
        if list((tmp_path / "table").rglob("*.parquet"))[2:]:
            break
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = subprocess.run([*command, "--seconds", "1"], capture_output=True, text=True, timeout=30, check=False)
    exchange.stop()

    assert second.returncode == 0, second.stderr
    assert "0 unresolved" in second.stdout
    assert_equals_truth(tmp_path / "table", truth)


async def test_a_synchronous_callback_runs_on_one_thread_and_may_be_slow(exchange_factory):
    exchange = exchange_factory(symbols=SYMBOLS, rate=500)
    numbers, threads = [], set()

    def take(message):
        threads.add(threading.current_thread().name)
        if message["stream"] == "btcusdt@trade":
            numbers.append(message["data"]["t"])
        time.sleep(0.001)

    client = BinanceWebSocketClient(SYMBOLS, take, f"ws://127.0.0.1:{exchange.port}/stream")
    running = asyncio.ensure_future(client.connect())
    await asyncio.sleep(1.0)
    await client.disconnect()
    await running

    assert len(numbers) > 50
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    (name,) = threads
    assert name.startswith("binance on_message")
