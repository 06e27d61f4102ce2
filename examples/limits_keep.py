"""Use up the budgets of weight and orders, be told to wait, and be shut out.

Runs exchanges inside of this program, with limits that are quickly reached.

python examples/limits_keep.py
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from cryptotrader import Banned, Binance, OrderOptions, RateLimited, Side
from cryptotrader.requests import AccountRateLimitsOrdersRequest, DepthRequest
from cryptotrader.simulator import ExchangeLimits, LocalExchange

SYMBOL = "BTCUSDT"
BOOK = DepthRequest(symbol=SYMBOL)


async def attempt(what: str, work: Awaitable[Any]) -> None:
    """Do something, and print how long it took or why it was not done."""
    began = time.monotonic()
    try:
        await work
    except Banned as error:  # a kind of RateLimited, so it stands before it
        print(f"{what}: shut out, {error.message}")
    except RateLimited as error:
        print(f"{what}: code {error.code}, {error.message}")
    else:
        print(f"{what}: done after {time.monotonic() - began:.1f} s")


async def place_many(exchange: LocalExchange) -> None:
    """More orders than are allowed in a day."""
    key = exchange.demo_keys[0].ed25519
    async with Binance(exchange.endpoint, key, order_options=OrderOptions(patience=0)) as binance:
        for number in range(1, 5):
            order = binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.001", price="90000")
            await attempt(f"order {number}", order)
        for count in await binance.call(AccountRateLimitsOrdersRequest()):
            print(f"unfilled orders in {count.interval_num} {count.interval.lower()}: {count.count} of {count.limit}")


async def be_told_to_wait(exchange: LocalExchange) -> None:
    """A refusal with 429 closes the budget until the moment that it names."""
    async with Binance(exchange.endpoint) as binance:
        exchange.fault("rate_limit", count=1, seconds=1)
        await attempt("first request", binance.call(BOOK))
        await attempt("second, with patience", binance.call(BOOK))
        exchange.fault("rate_limit", count=1, seconds=3600)
        await attempt("third", binance.call(BOOK))
        await attempt("fourth, without patience", binance.call(BOOK, patience=0))


async def be_shut_out(exchange: LocalExchange) -> None:
    """A ban, and what the budget makes of it: nothing more is sent."""
    async with Binance(exchange.endpoint) as binance:
        await attempt("before the ban", binance.call(BOOK))
        exchange.fault("ban", seconds=3600)
        await attempt("sent into it", binance.call(BOOK))
        await attempt("not sent", binance.call(BOOK, patience=0))


async def show() -> None:
    """Each with an exchange of its own, since limits belong to an address."""
    for work in (place_many, be_told_to_wait, be_shut_out):
        async with LocalExchange([SYMBOL], limits=ExchangeLimits(orders_a_day=3)) as exchange:
            await work(exchange)


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Use up the budgets of weight and orders.").parse_args()
    asyncio.run(show())


if __name__ == "__main__":
    main()
