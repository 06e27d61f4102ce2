"""Connect to a local exchange over TLS, trusting the authority that it made.

cryptotrader simulator --port 9443 --tls certificates
python examples/tls_connect.py --port 9443 --ca certificates/ca.pem
"""

from __future__ import annotations

import argparse
import asyncio

from cryptotrader import Binance, Endpoint


async def print_trade(endpoint: Endpoint) -> None:
    """Print one trade."""
    async with Binance(endpoint) as binance:
        trade = await anext(binance.market.trades("BTCUSDT"))
    print(f"{endpoint.stream_url}: {trade.symbol} {trade.quantity} at {trade.price}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Connect to a local exchange over TLS.")
    parser.add_argument("--port", type=int, default=9443, help="port of the exchange")
    parser.add_argument("--ca", default="certificates/ca.pem", help="certificate of its authority, a PEM file")
    arguments = parser.parse_args()
    asyncio.run(print_trade(Endpoint.local(arguments.port, ca=arguments.ca)))


if __name__ == "__main__":
    main()
