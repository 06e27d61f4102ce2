#!/usr/bin/env python3
"""Measures how long the local exchange takes to start and to stop, as the pytest fixture that tests ask for.

python benchmarks/exchange_start.py --rounds 20
"""

from __future__ import annotations

import argparse
import statistics
import time

from cryptotrader.testing import RunningExchange
from harness import Section, versions

TARGET_MS = 1_000.0


def run(rounds: int = 20) -> Section:
    """Start and stop one exchange after another."""
    section = Section(
        "Start of the local exchange",
        f"python benchmarks/exchange_start.py --rounds {rounds}",
        "The fixture `exchange` with its three symbols, the history of its market and two accounts with their keys, on "
        f"a thread of its own; without the import of the library. Median of {rounds} rounds. {versions('picows')}.",
        ("what", "ms", "target, ms"),
    )
    times: dict[str, list[float]] = {"until it is running": [], "until it has stopped": []}
    for _ in range(rounds):
        began = time.perf_counter()
        exchange = RunningExchange()
        running = time.perf_counter()
        exchange.stop()
        stopped = time.perf_counter()
        times["until it is running"].append((running - began) * 1e3)
        times["until it has stopped"].append((stopped - running) * 1e3)
    for what, values in times.items():
        median = statistics.median(values)
        section.rows.append((what, f"{median:.0f}", section.expect(what, median, TARGET_MS, at_least=False)))
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    run(**vars(parser.parse_args())).print()
