"""A client that trades on a paper exchange, and what can go wrong with a request."""

from __future__ import annotations

from contextlib import asynccontextmanager

from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.credentials import Ed25519Key
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.requests import OrderListPlaceOcoRequest
from cryptotrader.user_stream import UserStream
from paired import machine
from paper_exchange import SYMBOL, PaperExchange, Refused, Silence

KEY = Ed25519Key.generate("paper")


@asynccontextmanager
async def trading(*keys, **options):
    """A client that trades on a paper exchange."""
    keys = keys or (KEY,)
    exchange = PaperExchange(*(key.api_key for key in keys))
    async with Binance(Endpoint.local(port=9443), keys[0], environment=machine(exchange.dial), **options) as binance:
        yield binance, exchange


def buy(binance, quantity="0.5", price="50000", **fields):
    return binance.orders.place_limit(SYMBOL, Side.BUY, quantity=quantity, price=price, **fields)


@asynccontextmanager
async def trading_again(exchange, **options):
    """Another client of the same account."""
    async with Binance(Endpoint.local(port=9443), KEY, environment=machine(exchange.dial), **options) as binance:
        yield binance


def oco(**fields):
    known = {
        "symbol": SYMBOL,
        "side": Side.SELL,
        "quantity": "0.5",
        "above_type": OrderType.LIMIT_MAKER,
        "above_price": "60000",
        "below_type": OrderType.STOP_LOSS,
        "below_stop_price": "40000",
    }
    return OrderListPlaceOcoRequest(**known | fields)


def unknown_but_done(peer, method, params, do):
    do()
    raise Refused(-1007, "Timeout waiting for response from backend server.", 500)


def unknown_and_not_done(peer, method, params, do):
    raise Refused(-1006, "An unexpected response was received from the message bus.", 500)


def silent(peer, method, params, do):
    raise Silence


def done_in_silence(peer, method, params, do):
    do()
    raise Silence


def raising(error):
    def fault(peer, method, params, do):
        raise error

    return fault


@asynccontextmanager
async def listening(*keys, **options):
    """A user stream of a paper exchange."""
    keys = keys or (KEY,)
    exchange = PaperExchange(*(key.api_key for key in keys))
    user = UserStream(Endpoint.local(port=9443), *keys, environment=machine(exchange.dial), **options)
    try:
        yield user, exchange
    finally:
        await user.close()


def listen(user, key=None, **options):
    """Everything that a user stream tells from now on, errors among it."""
    told = []
    user.subscribe(key, callback=lambda event, _: told.append(event), on_error=told.append, **options)
    return told
