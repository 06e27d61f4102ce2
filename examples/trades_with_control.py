"""Print trades together with what happens to their stream: reconnects, gaps, and a server that goes down.

python examples/trades_with_control.py --symbol BTCUSDT --count 100
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Binance, Endpoint, Gap, Reconnected, ServerShutdown
from cryptotrader.config import endpoint_named


async def print_events(endpoint: Endpoint, symbol: str, count: int) -> None:
    """Print the next ``count`` trades, and what comes between them."""
    seen = 0
    async with Binance(endpoint) as binance:
        async for event in binance.market.trades(symbol, control=True):
            match event:
                case Reconnected():
                    away = (event.back_ns - event.lost_ns) / 1e9
                    print(f"reconnected after {away:.3f} s ({event.reason}); what was missed is fetched", flush=True)
                case Gap():
                    print(f"trades {event.first} to {event.last} are lost ({event.why})", flush=True)
                case ServerShutdown():
                    print("the server goes down; the connection is replaced", flush=True)
                case trade:
                    print(f"{trade.trade_id} {trade.quantity} at {trade.price}", flush=True)
                    seen += 1
                    if seen == count:
                        return


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Print trades and what happens to their stream.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    parser.add_argument("--count", type=int, default=100, help="how many trades")
    arguments = parser.parse_args()
    asyncio.run(print_events(endpoint_named(arguments.endpoint), arguments.symbol, arguments.count))


if __name__ == "__main__":
    main()
