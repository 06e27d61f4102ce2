"""Play a recording as an exchange of one's own, faster than it was, and follow it with the ordinary client.

python examples/recording_replay.py --file btcusdt.rec --symbol BTCUSDT --speed 20
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal
from pathlib import Path

from cryptotrader import Binance, ServerShutdown
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.simulator import LocalExchange


async def replay(file: Path, symbol: str, speed: float) -> None:
    """Sum up the trades of a recording until its end."""
    count, volume = 0, Decimal(0)
    async with LocalExchange(replay=file, speed=speed) as exchange, Binance(exchange.endpoint) as binance:
        async for event in binance.market.trades(symbol, control=True):
            if isinstance(event, ServerShutdown):  # the recording is over
                break
            if isinstance(event, TradeEvent):
                count += 1
                volume += event.quantity
    print(f"{symbol}: {count} trades, volume {volume}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Play a recording as an exchange.")
    parser.add_argument("--file", type=Path, default=Path("btcusdt.rec"), help="the recording")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--speed", type=float, default=20.0, help="how many times as fast as recorded")
    arguments = parser.parse_args()
    asyncio.run(replay(arguments.file, arguments.symbol, arguments.speed))


if __name__ == "__main__":
    main()
