#!/usr/bin/env python3
"""What capture costs: CPU time a trade into an Iceberg table, and conversions to v2 records.

python benchmarks/capture_cost.py --seconds 15 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from cryptotrader.config import Endpoint
from cryptotrader.ingestion import Capture, CaptureConfig, convert_binance_trade_to_v2
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.models.market_models import TradeEvent
from harness import Section, exchange, versions
from measuring import cpu_seconds

RATE = 15_000
MOST_MICROSECONDS = 35
LEAST_CONVERSIONS = 100_000


def captured(port: int, folder: Path, seconds: float) -> float:
    """CPU microseconds a trade of this process, commits included."""

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        sink = IcebergSink(f"iceberg://{folder}")
        await Capture(Endpoint.local(port), ["BTCUSDT"], sink, config=CaptureConfig(commit_seconds=2)).run(stop)

    before = cpu_seconds()
    asyncio.run(main())
    cpu = cpu_seconds() - before
    report = verify_table(folder)
    if not report.is_complete:
        raise RuntimeError(f"the captured table is not complete: {report}")
    return cpu / report.trades * 1e6


def conversions(count: int = 100_000) -> float:
    """Records a second."""
    events = [
        TradeEvent(
            event_time=1723161255343,
            symbol="BTCUSDT",
            trade_id=number,
            price=Decimal(f"{61_000 + number % 997}.63000000"),
            quantity=Decimal(f"0.{number % 9973 + 1:04d}0000"),
            trade_time=1723161255342,
            is_buyer_maker=number % 2 == 0,
        )
        for number in range(count)
    ]
    started = time.perf_counter()
    for event in events:
        convert_binance_trade_to_v2(event, received_us=1723161254087896)
    return count / (time.perf_counter() - started)


def run(seconds: float = 15.0, rounds: int = 3) -> Section:
    """Capture and convert in turns."""
    section = Section(
        "Capture",
        f"python benchmarks/capture_cost.py --seconds {seconds:g} --rounds {rounds}",
        f"`Capture` of {RATE:,} trades/s into an Iceberg table on local disk, commits every 2 s, then verified; CPU "
        "time of the capturing process, start and end included. Conversions of typed events to fifteen-field records. "
        f"{versions('msgspec', 'pyarrow', 'pyiceberg')}; medians of {rounds} interleaved rounds.",
        ("what", "median", "rounds", "target"),
    )
    costs: list[float] = []
    rates: list[float] = []
    with exchange("--symbols", "BTCUSDT", "--rate", str(RATE)) as port:
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                costs.append(captured(port, Path(folder), seconds))
            rates.append(conversions())
    cost, rate = statistics.median(costs), statistics.median(rates)
    target = section.expect("µs CPU a captured trade", cost, MOST_MICROSECONDS, at_least=False)
    section.rows.append(("µs CPU a captured trade", f"{cost:.1f}", ", ".join(f"{each:.1f}" for each in costs), target))
    target = section.expect("conversions a second", rate, LEAST_CONVERSIONS, at_least=True)
    section.rows.append(("conversions a second", f"{rate:,.0f}", ", ".join(f"{each:,.0f}" for each in rates), target))
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=3)
    run(**vars(parser.parse_args())).print()
