"""What each error lets you do next. Nothing is ever returned in place of a result.

python examples/errors_handle.py --symbol BTCUSDT
"""

from __future__ import annotations

import argparse
import asyncio
import time

from cryptotrader import (
    Backoff,
    Banned,
    Binance,
    ConnectFailed,
    Endpoint,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    RequestRejected,
)
from cryptotrader.config import endpoint_named
from cryptotrader.models.market_models import OrderBookSnapshot
from cryptotrader.requests import DepthRequest

ATTEMPTS = 3


async def ask_for_book(binance: Binance, request: DepthRequest) -> OrderBookSnapshot | None:
    """The book, or ``None`` with a line that says why there is none."""
    for _ in range(ATTEMPTS):
        try:
            return await binance.call(request, timeout=30.0)
        except RequestInvalid as error:
            print(f"not sent, correct the request: {error}")
            return None
        except Banned as error:  # a kind of RateLimited, so it stands before it
            print(f"shut out until {error.until}; asking again would prolong it")
            return None
        except RateLimited as error:
            seconds = max(0.0, (error.retry_after or 0) / 1000 - time.time())
            print(f"over the limit: next attempt in {seconds:.1f} s")
            await asyncio.sleep(seconds)
        except RequestRejected as error:
            print(f"refused, the same request will be refused again: code {error.code}, {error.message}")
            return None
        except OutcomeUnknown as error:
            print(f"sent, but no answer ({error.why}): a read may be asked again, an order may not")
        except ConnectFailed as error:
            print(f"no connection, nothing was sent: {error}")
            return None
    return None


async def meet_errors(endpoint: Endpoint, symbol: str) -> None:
    """Make one good request and some bad ones."""
    async with Binance(endpoint) as binance:
        book = await ask_for_book(binance, DepthRequest(symbol=symbol, limit=5))
        if book is not None:
            print(f"best bid {book.bids[0].price}")
        await ask_for_book(binance, DepthRequest(symbol=symbol, limit=100_000))
        await ask_for_book(binance, DepthRequest(symbol="NOSUCHCOIN"))
    nobody = Endpoint.local(port=1)
    async with Binance(nobody, backoff=Backoff(attempts=1)) as binance:
        await ask_for_book(binance, DepthRequest(symbol=symbol))


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="What each error lets you do next.")
    parser.add_argument("--endpoint", default="live", help="live, testnet, demo, local, or a ws:// address")
    parser.add_argument("--symbol", default="BTCUSDT", help="which symbol")
    arguments = parser.parse_args()
    asyncio.run(meet_errors(endpoint_named(arguments.endpoint), arguments.symbol))


if __name__ == "__main__":
    main()
