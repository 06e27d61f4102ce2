#!/usr/bin/env python3
"""How many trade frames a second the local exchange sends to one client that is subscribed to trade alone.

python benchmarks/exchange_rate.py --seconds 10
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from harness import Section, exchange, versions

ASKED = (20_000, 50_000, 80_000)
TARGET = 50_000
WARM_UP_SECONDS = 2.0


async def received(port: int, seconds: float) -> float:
    """Frames a second that one client receives."""
    frames = 0

    class Listener(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 - picows' signature
            nonlocal frames
            frames += frame.msg_type is WSMsgType.TEXT

    transport, _ = await ws_connect(Listener, f"ws://127.0.0.1:{port}/stream?streams=btcusdt@trade")
    await asyncio.sleep(WARM_UP_SECONDS)
    begin, started = frames, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (frames - begin) / (time.perf_counter() - started)
    transport.disconnect()
    return rate


def cpu_of_children() -> float:
    """CPU seconds of this process's living children, from the system's process table."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == _own_pid():
            ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)


def run(seconds: float = 10.0) -> Section:
    """Ask for several rates and count what arrives."""
    section = Section(
        "Local exchange",
        f"python benchmarks/exchange_rate.py --seconds {seconds:g}",
        "Trade frames that one client receives, subscribed to `btcusdt@trade` alone, at the rates that the simulated "
        f"market was asked for; matching included. {versions('picows')}; {seconds:g} s each.",
        ("asked for, trades/s", "received, frames/s", "cores used by the exchange", "target"),
    )
    best = 0.0
    for asked in ASKED:
        with exchange("--symbols", "BTCUSDT", "--rate", str(asked)) as port:
            before = cpu_of_children()
            rate = asyncio.run(received(port, seconds))
            cores = (cpu_of_children() - before) / (seconds + WARM_UP_SECONDS)
        best = max(best, rate)
        section.rows.append((f"{asked:,}", f"{rate:,.0f}", f"{cores:.2f}", ""))
    target = section.expect("frames/s to one client", best, TARGET, at_least=True)
    section.rows[-1] = (*section.rows[-1][:3], target)
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    run(**vars(parser.parse_args())).print()
