"""Trades as fifteen-field records, for a platform that has a pipeline of its own: one JSON line each.

python examples/client_convert.py --symbols BTCUSDT ETHUSDT --count 10
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from cryptotrader import Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.ingestion import BinanceConfig, BinanceWebSocketClient, RejectedTrade, convert_binance_trade_to_v2


class RecordPrinter:
    """Converts messages and prints the records, up to a number of them."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.done = asyncio.Event()

    async def on_message(self, message: dict[str, Any]) -> None:
        """Take one message of the combined stream: ``{"stream": …, "data": …}``."""
        if not self.left:
            return
        try:
            record = convert_binance_trade_to_v2(message, received_us=time.time_ns() // 1000)
        except RejectedTrade as error:  # a trade that cannot be true, such as one without a quantity
            print(f"rejected: {error}")
            return
        print(json.dumps(record, default=str))  # decimals as text, so that they stay exact
        self.left -= 1
        if not self.left:
            self.done.set()


async def print_records(endpoint: Endpoint, symbols: list[str], count: int) -> None:
    """Print the next ``count`` records."""
    printer = RecordPrinter(count)
    config = BinanceConfig(websocket_url=f"{endpoint.stream_url}/stream", symbols=symbols)
    client = BinanceWebSocketClient(config=config, on_message=printer.on_message)
    streaming = asyncio.ensure_future(client.connect())  # comes back by itself until disconnect()
    finished = asyncio.ensure_future(printer.done.wait())
    await asyncio.wait([streaming, finished], return_when=asyncio.FIRST_COMPLETED)
    finished.cancel()
    await client.disconnect()
    await streaming  # raises what ended it, if it was not us


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Print trades as fifteen-field records.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbols", nargs="+", default=["BTCUSDT", "ETHUSDT"], help="which symbols")
    parser.add_argument("--count", type=int, default=10, help="how many records")
    arguments = parser.parse_args()
    asyncio.run(print_records(endpoint_named(arguments.endpoint), arguments.symbols, arguments.count))


if __name__ == "__main__":
    main()
