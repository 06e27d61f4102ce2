"""Ask the exchange: requests are checked before they are sent, and their results are typed.

python examples/requests_call.py --symbol BTCUSDT
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime

from cryptotrader import Binance, Endpoint
from cryptotrader.config import endpoint_named
from cryptotrader.models.base_models import KlineInterval, LotSizeFilter, PriceFilter
from cryptotrader.requests import DepthRequest, ExchangeInfoRequest, KlinesRequest, TimeRequest, TradesRecentRequest


async def print_answers(endpoint: Endpoint, symbol: str) -> None:
    """Ask for the clock, the rules, the book, a candle and the newest trade of one symbol."""
    async with Binance(endpoint) as binance:
        clock, info, book, candles, trades = await asyncio.gather(  # all in flight together, on one connection
            binance.call(TimeRequest()),
            binance.call(ExchangeInfoRequest(symbol=symbol)),
            binance.call(DepthRequest(symbol=symbol, limit=5)),
            binance.call(KlinesRequest(symbol=symbol, interval=KlineInterval.MINUTE_1, limit=1)),
            binance.call(TradesRecentRequest(symbol=symbol, limit=1)),
        )
    print(f"exchange clock {datetime.fromtimestamp(clock.server_time / 1000, UTC):%Y-%m-%d %H:%M:%S}")

    listed = info.symbols[0]
    price_filter, lot_size = listed.filter(PriceFilter), listed.filter(LotSizeFilter)
    if price_filter is not None and lot_size is not None:
        print(f"{listed.symbol} price step {price_filter.tick_size}, quantity step {lot_size.step_size}")
    for bid, ask in zip(book.bids, book.asks, strict=False):
        print(f"{bid.quantity} {bid.price} | {ask.price} {ask.quantity}")
    for candle in candles:
        print(f"this minute: open {candle.open} high {candle.high} low {candle.low} close {candle.close}")
    for trade in trades:
        print(f"newest trade: {trade.id}, {trade.quantity} at {trade.price}")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Ask the exchange.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    arguments = parser.parse_args()
    asyncio.run(print_answers(endpoint_named(arguments.endpoint), arguments.symbol))


if __name__ == "__main__":
    main()
