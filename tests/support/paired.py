"""A client and the exchange joined in memory, on one virtual clock."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Timeouts
from cryptotrader.simulator import ExchangeLimits, LocalExchange
from cryptotrader.transport.base import Dialer
from virtual_clock import running_loop


def machine(dial: Dialer, *, ahead: float = 0.0, seed: int = 1) -> Environment:
    """What a client on a machine of its own takes from outside; its clock may be some seconds ahead."""
    budgets, loop = AddressBudgets(), running_loop()
    return Environment(
        dial=dial,
        budgets=lambda url: budgets,
        random=random.Random(seed).random,
        clock_ns=lambda: loop.wall_ns() + round(ahead * 1e9),
    )


class Dials:
    """A dialer that remembers when it was asked and can be told to refuse."""

    def __init__(self, exchange: LocalExchange) -> None:
        self._exchange = exchange
        self.times: dict[str, list[float]] = {"stream": [], "api": []}

    async def __call__(self, url, handler, *, timeout, tls=None):
        self.times["api" if "ws-api" in url else "stream"].append(running_loop().time())
        return await self._exchange.dial(url, handler, timeout=timeout, tls=tls)


@asynccontextmanager
async def pair(
    *symbols: str,
    rate: float = 50.0,
    seed: int = 1,
    backoff: Backoff | None = None,
    timeouts: Timeouts | None = None,
    limits: ExchangeLimits | None = None,
) -> AsyncIterator[tuple[Binance, LocalExchange, Dials]]:
    """A client of a running exchange; both are closed in the end."""
    loop = running_loop()
    exchange = LocalExchange(
        symbols or ("BTCUSDT",), port=None, rate=rate, seed=seed, clock=loop.wall_us, limits=limits
    )
    dials = Dials(exchange)
    environment = machine(dials, seed=seed)
    async with (
        exchange,
        Binance(exchange.endpoint, backoff=backoff, timeouts=timeouts, environment=environment) as binance,
    ):
        yield binance, exchange, dials


async def take(subscription, count):
    """The next ``count`` events."""
    return [await anext(subscription) for _ in range(count)]


def assert_dense(trades):
    numbers = [trade.trade_id for trade in trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
