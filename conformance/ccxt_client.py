"""ccxt against the local exchange: market data over REST and streams, orders over the WebSocket API."""

import ccxt.pro

from checks import require, run


def exchange_at(where, **keys):
    """A ccxt exchange whose addresses are those of the local exchange."""
    exchange = ccxt.pro.binance({"options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}, **keys})
    exchange.options["fetchCurrencies"] = False
    exchange.options["fetchMargins"] = False
    exchange.urls["api"]["public"] = f"{where.http}/api/v3"
    exchange.urls["api"]["v1"] = f"{where.http}/api/v1"
    exchange.urls["api"]["ws"]["spot"] = f"{where.ws}/ws"
    exchange.urls["api"]["ws"]["ws-api"]["spot"] = f"{where.ws}/ws-api/v3"
    return exchange


async def rest(where):
    """REST: markets, book, trades, candles, ticker."""
    exchange = exchange_at(where)
    try:
        markets = await exchange.load_markets()
        require(markets["BTC/USDT"]["id"] == "BTCUSDT", "no BTC/USDT")
        book = await exchange.fetch_order_book("BTC/USDT", 5)
        require(book["bids"][0][0] < book["asks"][0][0], "the book crosses")
        require(len(await exchange.fetch_trades("BTC/USDT", limit=5)) == 5, "no trades")
        require(len(await exchange.fetch_ohlcv("BTC/USDT", "1m", limit=2)) >= 1, "no candles")
        require((await exchange.fetch_ticker("ETH/USDT"))["last"] > 0, "no ticker")
    finally:
        await exchange.close()


async def streams(where):
    """Streams: trades, the order book, candles."""
    exchange = exchange_at(where)
    try:
        await exchange.load_markets()
        trades = await exchange.watch_trades("BTC/USDT")
        require(trades[0]["symbol"] == "BTC/USDT", "no trades")
        book = await exchange.watch_order_book("BTC/USDT")
        require(book["bids"][0][0] < book["asks"][0][0], "the book crosses")
        require(len(await exchange.watch_ohlcv("BTC/USDT", "1m")) >= 1, "no candles")
    finally:
        await exchange.close()


async def orders(where):
    """WebSocket API: place, ask for and cancel an order, with HMAC."""
    key = where.keys["hmac"]
    exchange = exchange_at(where, apiKey=key["api_key"], secret=key["secret"])
    try:
        await exchange.load_markets()
        price = (await exchange.fetch_order_book("BTC/USDT", 5))["bids"][0][0]
        placed = await exchange.create_order_ws("BTC/USDT", "limit", "buy", 0.01, round(price * 0.9, 2))
        require(placed["status"] == "open", f"placed: {placed}")
        found = await exchange.fetch_order_ws(placed["id"], "BTC/USDT")
        require(found["id"] == placed["id"], "another order was found")
        await exchange.cancel_order_ws(placed["id"], "BTC/USDT")
        gone = await exchange.fetch_order_ws(placed["id"], "BTC/USDT")
        require(gone["status"] == "canceled", f"cancelled: {gone}")
    finally:
        await exchange.close()


if __name__ == "__main__":
    run(rest, streams, orders)
