"""The official SDK (binance-sdk-spot) against the local exchange: requests, streams, session, orders, user data."""

import asyncio

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot

from checks import require, run


def spot_at(where, **keys):
    """A client whose addresses are those of the local exchange."""
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=where.http),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=f"{where.ws}/ws-api/v3", **keys),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=where.ws),
    )


def rest(where):
    """REST: time, exchange information, book."""
    api = spot_at(where).rest_api
    require(api.time().data().server_time > 0, "no time")
    require(api.exchange_info(symbol="BTCUSDT").data().symbols[0].symbol == "BTCUSDT", "no BTCUSDT")
    require(len(api.depth(symbol="BTCUSDT", limit=5).data().bids) == 5, "no book")


async def requests(where):
    """WebSocket API: public requests."""
    connection = await spot_at(where).websocket_api.create_connection()
    try:
        require((await connection.time()).data().result.server_time > 0, "no time")
        book = (await connection.depth(symbol="BTCUSDT", limit=5)).data().result
        require(float(book.bids[0][0]) < float(book.asks[0][0]), "the book crosses")
        require(
            len((await connection.klines(symbol="BTCUSDT", interval="1m", limit=2)).data().result) >= 1, "no candles"
        )
        require(len((await connection.trades_recent(symbol="BTCUSDT", limit=5)).data().result) == 5, "no trades")
        info = (await connection.exchange_info(symbol="BTCUSDT")).data()  # its model knows no envelope here
        require(info.additional_properties["result"]["symbols"][0]["symbol"] == "BTCUSDT", "no info")
    finally:
        await connection.close_connection(close_session=True)


async def streams(where):
    """Streams: trades and candles."""
    connection = await spot_at(where).websocket_streams.create_connection()
    try:
        got = asyncio.Queue()
        stream = await connection.trade(symbol="btcusdt")
        stream.on("message", got.put_nowait)
        first, second = await got.get(), await got.get()
        require(second.t == first.t + 1, "trades have holes")
        candles = asyncio.Queue()
        stream = await connection.kline(symbol="btcusdt", interval="1m")
        stream.on("message", candles.put_nowait)
        require((await candles.get()).k.i == "1m", "no candle")
    finally:
        await connection.close_connection(close_session=True)


async def trade(connection):
    """Place, ask for and cancel an order."""
    book = (await connection.depth(symbol="BTCUSDT", limit=5)).data().result
    low = round(float(book.bids[0][0]) * 0.9, 2)
    placed = (
        (
            await connection.order_place(
                symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=low
            )
        )
        .data()
        .result
    )
    require(placed.status == "NEW", f"placed: {placed}")
    found = (await connection.order_status(symbol="BTCUSDT", order_id=placed.order_id)).data().result
    require(found.client_order_id == placed.client_order_id, "another order was found")
    gone = (await connection.order_cancel(symbol="BTCUSDT", order_id=placed.order_id)).data().result
    require(gone is not None, "not cancelled")
    account = (await connection.account_status()).data().result
    require(any(each.asset == "USDT" for each in account.balances), "no balances")


async def orders_hmac(where):
    """WebSocket API: orders signed with HMAC."""
    key = where.keys["hmac"]
    spot = spot_at(where, api_key=key["api_key"], api_secret=key["secret"])
    connection = await spot.websocket_api.create_connection()
    try:
        await trade(connection)
    finally:
        await connection.close_connection(close_session=True)


async def session_ed25519(where):
    """WebSocket API: log-on with Ed25519, orders on the session, user data."""
    key = where.keys["ed25519"]
    spot = spot_at(where, api_key=key["api_key"], private_key=key["private_key"])
    connection = await spot.websocket_api.create_connection()
    try:
        require((await connection.session_logon()).data().result.api_key == key["api_key"], "not logged on")
        events = asyncio.Queue()
        subscription = await connection.user_data_stream_subscribe()
        subscription.stream.on("message", events.put_nowait)
        await trade(connection)
        require(await asyncio.wait_for(events.get(), 5) is not None, "no user data event")
        require((await connection.session_status()).data().result.api_key == key["api_key"], "logged off")
    finally:
        await connection.close_connection(close_session=True)


if __name__ == "__main__":
    run(rest, requests, streams, orders_hmac, session_ed25519)
