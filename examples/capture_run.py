"""Capture trades into an Apache Iceberg table, then prove from the files that none is missing or double.

python examples/capture_run.py --symbols BTCUSDT ETHUSDT --table iceberg://trades --seconds 30
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from cryptotrader import Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.ingestion import Capture, CaptureConfig
from cryptotrader.ingestion.iceberg import IcebergSink, folder_of, verify_table


async def capture(endpoint: Endpoint, symbols: list[str], table: str, seconds: float) -> None:
    """Store every trade of ``seconds``; a table that exists is continued, and what it lacks is fetched."""
    stop = asyncio.Event()

    def begin() -> None:
        asyncio.get_running_loop().call_later(seconds, stop.set)

    running = Capture(endpoint, symbols, IcebergSink(table), config=CaptureConfig(commit_seconds=5.0))
    await running.run(stop, on_ready=begin)
    for symbol in running.progress().symbols:
        print(f"{symbol.symbol}: {symbol.trades} live trades, {symbol.backfilled} fetched")


def verify(table: str) -> bool:
    """Read the ids of all stored trades back from the data files."""
    report = verify_table(folder_of(table))
    for symbol in report.symbols:
        print(symbol)
    return report.is_complete


def main() -> None:
    """Read the arguments and run; the exit code is 1 when the table is not complete."""
    parser = argparse.ArgumentParser(description="Capture trades and prove that none is missing.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--table", default="iceberg://trades", help="where to: iceberg://DIR")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long")
    arguments = parser.parse_args()
    endpoint = endpoint_named(arguments.endpoint)
    asyncio.run(capture(endpoint, arguments.symbols, arguments.table, arguments.seconds))
    sys.exit(0 if verify(arguments.table) else 1)


if __name__ == "__main__":
    main()
