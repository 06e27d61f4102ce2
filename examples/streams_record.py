"""Record market streams: every frame, byte for byte, with its receive time.

python examples/streams_record.py --streams btcusdt@trade btcusdt@depth@100ms --file btcusdt.rec --seconds 30
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from cryptotrader import Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.recorder import Recorder


async def record(endpoint: Endpoint, streams: list[str], file: Path, seconds: float) -> None:
    """Record for ``seconds``; a recording that exists is continued."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    frames = await Recorder(endpoint, streams, file).run(stop)
    print(f"{frames} frames in {file}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Record market streams.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--streams", nargs="+", default=["btcusdt@trade", "btcusdt@depth@100ms"], help="which streams")
    parser.add_argument("--file", type=Path, default=Path("btcusdt.rec"), help="where to")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long")
    arguments = parser.parse_args()
    asyncio.run(record(endpoint_named(arguments.endpoint), arguments.streams, arguments.file, arguments.seconds))


if __name__ == "__main__":
    main()
