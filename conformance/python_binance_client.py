"""python-binance against the local exchange: market data over REST and streams, orders over the WebSocket API."""

import asyncio
from decimal import Decimal

from binance import AsyncClient, BinanceSocketManager

from checks import require, run


async def client_at(where, **keys):
    """A client whose addresses are those of the local exchange."""
    client = AsyncClient(**keys)
    client.API_URL = f"{where.http}/api"
    client.ws_api._url = f"{where.ws}/ws-api/v3"
    return client


def sockets_of(client, where):
    """A socket manager at the local exchange."""
    manager = BinanceSocketManager(client)
    manager.STREAM_URL = f"{where.ws}/"
    return manager


async def rest(where):
    """REST: ping, time, exchange information, book, trades, candles, tickers."""
    client = await client_at(where)
    try:
        await client.ping()
        require((await client.get_server_time())["serverTime"] > 0, "no time")
        info = await client.get_exchange_info()
        require("BTCUSDT" in {each["symbol"] for each in info["symbols"]}, "no BTCUSDT")
        book = await client.get_order_book(symbol="BTCUSDT", limit=5)
        require(Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0]), "the book crosses")
        trades = await client.get_recent_trades(symbol="BTCUSDT", limit=5)
        require(
            [each["id"] for each in trades] == list(range(trades[0]["id"], trades[0]["id"] + 5)), "trades have holes"
        )
        candles = await client.get_klines(symbol="BTCUSDT", interval="1m", limit=2)
        require(len(candles[0]) == 12, "a candle has twelve parts")
        require(float((await client.get_symbol_ticker(symbol="ETHUSDT"))["price"]) > 0, "no price")
        require(float((await client.get_ticker(symbol="BTCUSDT"))["volume"]) >= 0, "no statistics")
        require(len(await client.get_aggregate_trades(symbol="BTCUSDT", limit=3)) == 3, "no aggregates")
    finally:
        await client.close_connection()


async def streams(where):
    """Streams: trades of several symbols, candles, depth."""
    client = await client_at(where)
    try:
        manager = sockets_of(client, where)
        async with manager.multiplex_socket(["btcusdt@trade", "ethusdt@trade"]) as stream:
            seen = {(await stream.recv())["data"]["s"] for _ in range(40)}
        require(seen == {"BTCUSDT", "ETHUSDT"}, f"only {seen}")
        async with manager.kline_socket("BTCUSDT") as stream:
            require((await stream.recv())["k"]["i"] == "1m", "no candle")
        async with manager.depth_socket("BTCUSDT") as stream:
            require("u" in await stream.recv(), "no changes")
    finally:
        await client.close_connection()


async def orders(where):
    """WebSocket API: place, ask for and cancel an order, with HMAC."""
    key = where.keys["hmac"]
    client = await client_at(where, api_key=key["api_key"], api_secret=key["secret"])
    try:
        price = (await client.ws_get_order_book(symbol="BTCUSDT", limit=5))["bids"][0][0]
        low = f"{Decimal(price) * Decimal('0.9'):.2f}"
        placed = await client.ws_create_order(
            symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=low
        )
        require(placed["status"] == "NEW", f"placed: {placed}")
        found = await client.ws_get_order(symbol="BTCUSDT", orderId=placed["orderId"])
        require(found["clientOrderId"] == placed["clientOrderId"], "another order was found")
        gone = await client.ws_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
        require(gone["status"] == "CANCELED", f"cancelled: {gone}")
        filled = await client.ws_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
        require(filled["status"] == "FILLED", f"filled: {filled}")
        await asyncio.sleep(0)
    finally:
        await client.close_connection()


if __name__ == "__main__":
    run(rest, streams, orders)
