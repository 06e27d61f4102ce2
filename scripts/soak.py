#!/usr/bin/env python3
"""Long checks of capture, too long for the test suite; each prints its figures and exits with 1 when one is missed.

python scripts/soak.py kill --times 10 --rate 2000      kill -9 of ingest again and again, then compare with the truth
python scripts/soak.py rate --rate 15000 --seconds 60   a fast market, watching memory
python scripts/soak.py commits --count 2000             what commit 2,000 costs beside commit 20
python scripts/soak.py verify --rows 50000000           memory of verify on a large table
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.ingestion.iceberg.verify import VerifyReport
from cryptotrader.ingestion.ledger import Ledger
from cryptotrader.ingestion.pipeline import Batch
from cryptotrader.ingestion.symbols import ParsedSymbol
from cryptotrader.models.market_models import TradeEvent

COMMAND = [sys.executable, "-m", "cryptotrader"]
PORT = 9561
SYMBOLS = "BTCUSDT,ETHUSDT,ETHBTC"
MOST_MEMORY_MB = 512


def main() -> None:
    """Read the arguments and run one check in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    checks = parser.add_subparsers(dest="check", required=True)
    kill = checks.add_parser("kill")
    kill.add_argument("--times", type=int, default=10)
    kill.add_argument("--rate", type=float, default=2000)
    rate = checks.add_parser("rate")
    rate.add_argument("--rate", type=float, default=15_000)
    rate.add_argument("--seconds", type=float, default=60)
    commits = checks.add_parser("commits")
    commits.add_argument("--count", type=int, default=2000)
    verify = checks.add_parser("verify")
    verify.add_argument("--rows", type=int, default=50_000_000)
    arguments = vars(parser.parse_args())
    check: dict[str, Callable[..., bool]] = {
        "kill": check_kill,
        "rate": check_rate,
        "commits": check_commits,
        "verify": check_verify,
    }
    folder = Path(tempfile.mkdtemp(prefix="cryptotrader-soak-"))
    try:
        passed = check[arguments.pop("check")](folder, **arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("passed" if passed else "FAILED")
    sys.exit(0 if passed else 1)


def check_kill(folder: Path, times: int, rate: float) -> bool:
    """Kill ingest at random moments; whatever was captured must be complete and equal to what was traded."""
    dice = random.Random(7)  # noqa: S311 - moments, not secrets
    truth = folder / "truth.jsonl"
    exchange = start_exchange(rate, truth)
    try:
        for number in range(times):
            process = start_ingest(folder / "table", "--commit-seconds", "0.5")
            time.sleep(dice.uniform(1.5, 4.0))
            process.kill()
            process.wait()
            print(f"kill {number + 1} of {times}", flush=True)
        last = start_ingest(folder / "table", "--commit-seconds", "0.5", "--seconds", "8")
        code = last.wait(timeout=120)
    finally:
        exchange.terminate()
        exchange.wait()
    report = verify_table(folder / "table")
    print(*report.symbols, sep="\n")
    return code == 0 and report.is_complete and equals_truth(folder / "table", truth, report)


def equals_truth(table: Path, truth: Path, report: VerifyReport) -> bool:
    """Whether the table holds just the trades that were made, within the ids it covers."""
    from cryptotrader.ingestion.iceberg.table import open_table  # noqa: PLC0415 - after the process checks

    columns = ("symbol", "source_sequence", "price", "quantity", "timestamp", "side")
    rows = open_table(table).scan(selected_fields=columns).to_arrow().to_pylist()
    stored = {
        (row["symbol"], row["source_sequence"]): (
            row["price"], row["quantity"], int(row["timestamp"].timestamp() * 1000), row["side"] == "SELL",
        )
        for row in rows
    }  # fmt: skip
    bounds = {each.symbol: (each.first, each.last) for each in report.symbols}
    made = {}
    for line in truth.read_text().splitlines():
        trade = json.loads(line)
        first, last = bounds[trade["symbol"]]
        if first <= trade["trade_id"] <= last:
            made[trade["symbol"], trade["trade_id"]] = (
                Decimal(trade["price"]), Decimal(trade["quantity"]), trade["trade_time_us"] // 1000,
                trade["is_buyer_maker"],
            )  # fmt: skip
    print(f"{len(stored)} trades stored, {len(made)} made in the same range")
    return stored == made


def check_rate(folder: Path, rate: float, seconds: float) -> bool:
    """Capture a fast market and watch the memory of the process."""
    exchange = start_exchange(rate, None)
    memory: list[float] = []
    try:
        process = start_ingest(folder / "table", "--seconds", str(seconds))
        while process.poll() is None:
            time.sleep(1)
            memory.append(status_mb(process.pid, "VmRSS"))
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    finally:
        exchange.terminate()
        exchange.wait()
    report = verify_table(folder / "table")
    print(*report.symbols, sep="\n")
    half = [value for value in memory if value][len(memory) // 4 :]
    first, second = max(half[: len(half) // 2]), max(half[len(half) // 2 :])
    cpu = (usage.ru_utime + usage.ru_stime) / report.trades * 1e6
    print(
        f"{report.trades / seconds:.0f} trades/s, {cpu:.1f} us CPU a trade, start included; resident memory at most "
        f"{max(memory):.0f} MB: {first:.0f} MB, then {second:.0f} MB"
    )
    return report.is_complete and process.returncode == 0 and max(memory) < MOST_MEMORY_MB and second < first * 1.25


def check_commits(folder: Path, count: int) -> bool:
    """Commit many small batches; the last must cost at most twice the twentieth."""
    sink = IcebergSink(f"iceberg://{folder / 'table'}")
    ledger, next_id = sink.open(), 1
    times: list[float] = []
    for _ in range(count):
        ledger, next_id, taken = commit(sink, ledger, next_id, 100)
        times.append(taken)
    sink.close()
    early, late = statistics.median(times[15:25]), statistics.median(times[-11:])
    print(f"commit 20: {early * 1e3:.1f} ms, commit {count}: {late * 1e3:.1f} ms, ratio {late / early:.2f}")
    print(f"with clearing away (every 20th): {max(times[15:25]) * 1e3:.1f} ms, {max(times[-21:]) * 1e3:.1f} ms")
    return late <= 2 * early and verify_table(folder / "table").is_complete


def check_verify(folder: Path, rows: int) -> bool:
    """Verify a large table in a process of its own and watch its memory."""
    sink = IcebergSink(f"iceberg://{folder / 'table'}")
    ledger, next_id = sink.open(), 1
    while next_id <= rows:
        ledger, next_id, _ = commit(sink, ledger, next_id, min(500_000, rows + 1 - next_id))
    sink.close()
    started = time.monotonic()
    process = subprocess.Popen([*COMMAND, "verify", f"iceberg://{folder / 'table'}"])
    memory = 0.0
    while process.poll() is None:  # not ru_maxrss, which counts this process before the exec
        memory = max(memory, status_mb(process.pid, "VmHWM"))
        time.sleep(0.02)
    print(f"{rows} rows verified in {time.monotonic() - started:.1f} s, at most {memory:.0f} MB")
    return process.returncode == 0 and 0 < memory < MOST_MEMORY_MB


def commit(sink: IcebergSink, ledger: Ledger, first_id: int, rows: int) -> tuple[Ledger, int, float]:
    """Commit a batch of made-up trades; returns the ledger, the next id and the seconds it took."""
    batch = Batch()
    for number in range(first_id, first_id + rows):
        batch.streamed.append(
            TradeEvent(
                event_time=1_700_000_000_000, symbol="BTCUSDT", trade_id=number, price=Decimal("95000.12000000"),
                quantity=Decimal("0.00100000"), trade_time=1_700_000_000_000, is_buyer_maker=True,
            )
        )  # fmt: skip
        batch.streamed_ns.append(1_700_000_000_000_000_000)
    started = time.perf_counter()
    after = ledger.copy()
    batch.enter(after)
    sink.write(batch, after, {"BTCUSDT": ParsedSymbol("BTC", "USDT")})
    return after, first_id + rows, time.perf_counter() - started


def start_exchange(rate: float, truth: Path | None) -> subprocess.Popen[bytes]:
    """The local exchange as a process, listening."""
    extra = [] if truth is None else ["--truth", str(truth)]
    process = subprocess.Popen(
        [*COMMAND, "simulator", "--port", str(PORT), "--symbols", SYMBOLS, "--rate", str(rate), *extra],
        stderr=subprocess.PIPE,
    )
    if process.stderr is None or b"local exchange" not in process.stderr.readline():
        raise RuntimeError("the exchange did not start")
    return process


def start_ingest(table: Path, *extra: str) -> subprocess.Popen[bytes]:
    """Ingest as a process."""
    endpoint = f"ws://127.0.0.1:{PORT}"
    return subprocess.Popen(
        [*COMMAND, "ingest", "--symbols", SYMBOLS, "--sink", f"iceberg://{table}", "--endpoint", endpoint, *extra],
        start_new_session=True,
    )


def status_mb(pid: int, field: str) -> float:
    """A size from a process's status, in MB; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(field)), 0.0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
