"""Run an exchange inside of this program, cut its connections, and see that no trade is missed. Needs no network.

python examples/exchange_embed.py --count 300
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Binance, Reconnected
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.simulator import LocalExchange


async def cut_and_count(count: int, seed: int) -> None:
    """Receive ``count`` trades or more, cut after a third of them; their ids must be dense all the same."""
    ids: list[int] = []
    came_back = False
    async with LocalExchange(["BTCUSDT"], rate=400, seed=seed) as exchange, Binance(exchange.endpoint) as binance:
        async for event in binance.market.trades("BTCUSDT", control=True):
            if isinstance(event, Reconnected):
                print(f"reconnected after trade {ids[-1]} ({event.reason})")
                came_back = True
            if not isinstance(event, TradeEvent):
                continue
            ids.append(event.trade_id)
            if len(ids) == count // 3:
                exchange.fault("refuse", seconds=0.2)  # nobody gets in for a moment
                exchange.fault("drop", connection="stream")
            if came_back and len(ids) >= count:
                break
    missing = ids[-1] - ids[0] + 1 - len(ids)
    print(f"{len(ids)} trades, {missing} missing")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="An exchange inside of this program.")
    parser.add_argument("--count", type=int, default=300, help="how many trades, at least")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same market")
    arguments = parser.parse_args()
    asyncio.run(cut_and_count(arguments.count, arguments.seed))


if __name__ == "__main__":
    main()
