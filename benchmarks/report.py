#!/usr/bin/env python3
"""Run all benchmarks and write docs/reference/performance.md; exits with 1 when a target is missed.

python benchmarks/report.py
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import sys
from pathlib import Path

import capture_cost
import exchange_rate
import exchange_start
import order_rate
import receive_path
import requests_in_flight
import signing_cost

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "performance.md"
INTRODUCTION = """# Performance

Written by `make bench` ({date}; {cores} cores, {system}). Everything runs on loopback against this project's own
servers; nothing here was measured against Binance. Figures are medians of interleaved runs, ratios are of one run;
absolute values belong to the machine.
"""


def main() -> None:
    """Run, write, and tell what was missed."""
    modules = (receive_path, requests_in_flight, signing_cost, exchange_start, exchange_rate, order_rate, capture_cost)
    sections = [module.run() for module in modules]
    introduction = INTRODUCTION.format(
        date=dt.datetime.now(tz=dt.UTC).date(), cores=os.cpu_count(), system=platform.system()
    )
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join([introduction, *(section.markdown() for section in sections)]))
    for section in sections:
        section.print()
    sys.exit(1 if any(section.misses for section in sections) else 0)


if __name__ == "__main__":
    main()
