"""Market streams of an exchange that knows nothing of this library: documented events, over real sockets."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from cryptotrader.base_operations import StreamConnection
from cryptotrader.config import Endpoint, TimeUnit
from cryptotrader.errors import DecodeFailed, GapUnfilled, RequestRejected
from cryptotrader.models.control_models import Reconnected
from cryptotrader.protocol.stream_session import StreamSession
from cryptotrader.requests import PingRequest
from scripted.events import MARKET, SHUTDOWN, past_trades, trade
from scripted.replies import NO_SUCH_KEY, done
from waiting import soon, until
from witnessed import AT_ONCE, PATIENT, surroundings, witnessed

LOOKS = {
    "btcusdt@trade": (lambda event: (event.trade_id, event.price, event.is_buyer_maker), (8801, "64012.5", True)),
    "btcusdt@aggTrade": (
        lambda event: (event.aggregate_trade_id, event.first_trade_id, event.last_trade_id),
        (990, 8799, 8801),
    ),
    "btcusdt@blockTrade": (lambda event: (event.trade_id, event.quantity), (31, "25")),
    "btcusdt@kline_1m": (
        lambda event: (event.kline.open, event.kline.close, event.kline.high, event.kline.low, event.kline.is_closed),
        ("64000.1", "64010.4", "64030.2", "63990.3", False),
    ),
    "btcusdt@kline_1m@+08:00": (
        lambda event: (event.event_time, event.kline.volume, event.kline.quote_volume, event.kline.trade_count),
        (1790000060001, "12.5", "800130.05", 412),
    ),
    "btcusdt@miniTicker": (
        lambda event: (event.close, event.open, event.high, event.low),
        ("64012.5", "63500", "64400", "63300"),
    ),
    "!miniTicker@arr": (lambda event: (event.symbol, event.volume), ("BTCUSDT", "1520.5")),
    "btcusdt@ticker": (
        lambda event: (event.bid_price, event.ask_price, event.previous_close, event.last_quantity, event.trade_count),
        ("64012.4", "64012.6", "63499", "0.0015", 802),
    ),
    "btcusdt@ticker_1h": (
        lambda event: (event.event_type, event.price_change, event.open_time, event.close_time),
        ("1hTicker", "-12.1", 1789996380000, 1790000000119),
    ),
    "!ticker_4h@arr": (lambda event: (event.event_type, event.weighted_average_price), ("4hTicker", "64020")),
    "btcusdt@bookTicker": (
        lambda event: (event.update_id, event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity),
        (7001, "64012.4", "1.1", "64012.6", "2.2"),
    ),
    "btcusdt@avgPrice": (
        lambda event: (event.interval, event.average_price, event.last_trade_time),
        ("5m", "64005.11", 1790000000101),
    ),
    "btcusdt@referencePrice": (lambda event: (event.reference_price, event.timestamp), (None, 1790000000103)),
    "btcusdt@depth5": (lambda event: (event.last_update_id, event.bids[0].price), (7000, "64012.4")),
    "btcusdt@depth20@100ms": (lambda event: (event.last_update_id, event.asks[0].quantity), (7002, "2.2")),
    "btcusdt@depth": (
        lambda event: (event.first_update_id, event.final_update_id, event.bids[0].quantity, event.asks[0].quantity),
        (7001, 7003, "0.9", "0"),
    ),
    "btcusdt@depth@100ms": (
        lambda event: (event.first_update_id, event.bids, event.asks[0].price),
        (7004, [], "64012.7"),
    ),
}


def as_text(values):
    """Decimals as the shortest text that says them."""
    return tuple(f"{value.normalize():f}" if isinstance(value, Decimal) else value for value in values)


async def told(exchange, subscription, stream):
    """A documented event, once the stream is subscribed to."""
    await soon(subscription.confirmed(None))
    await until(lambda: exchange.subscribed(stream), stream)
    await exchange.tell(stream, MARKET[stream])
    return await soon(anext(subscription))


def test_every_documented_stream_is_looked_at():
    assert LOOKS.keys() == MARKET.keys()


@pytest.mark.parametrize("stream", MARKET)
async def test_a_stream_in_its_combined_form(stream):
    async with witnessed() as (exchange, binance):
        look, expected = LOOKS[stream]
        event = await told(exchange, binance.market.subscribe(stream), stream)
        assert as_text(look(event)) == expected
        sent = json.loads(MARKET[stream])
        assert json.loads(event.to_json()).keys() == (sent[0] if isinstance(sent, list) else sent).keys()


@pytest.mark.parametrize("stream", MARKET)
async def test_a_stream_in_its_raw_form(stream):
    async with witnessed() as (exchange, _):
        events = asyncio.Queue()
        session = StreamSession(
            combined=False,
            timeouts=PATIENT,
            on_shutdown=events.put_nowait,
            on_confirmed=lambda names: None,
            on_problem=lambda name, error: events.put_nowait(error),
        )
        session.add(stream, lambda event, received_ns: events.put_nowait(event))
        base = f"ws://127.0.0.1:{exchange.port}"
        connection = StreamConnection(
            base,
            session,
            endpoint=Endpoint.local(exchange.port),
            backoff=AT_ONCE,
            timeouts=PATIENT,
            environment=surroundings(exchange),
        )
        connection.open()
        try:
            await until(lambda: exchange.subscribed(stream), stream)
            await exchange.tell(stream, MARKET[stream])
            look, expected = LOOKS[stream]
            assert as_text(look(await soon(events.get()))) == expected
            assert [asked.method for asked in exchange.asked] == ["SUBSCRIBE"]
        finally:
            await connection.close()


async def test_trades_with_a_hole_are_asked_for_and_put_in_their_place():
    async with witnessed() as (exchange, binance):
        exchange.answers("trades.historical", done(past_trades(102, 103, 104)))
        trades = binance.market.trades("BTCUSDT")
        await soon(trades.confirmed(None))
        for number in (101, 105, 106):
            await exchange.tell("btcusdt@trade", trade(number))
        assert [(await soon(anext(trades))).trade_id for _ in range(6)] == [101, 102, 103, 104, 105, 106]
        (asked,) = exchange.requests("trades.historical")
        assert asked.params == {"symbol": "BTCUSDT", "fromId": 102, "limit": 3}


async def test_a_hole_at_the_cut_of_a_connection_is_filled():
    async with witnessed() as (exchange, binance):
        exchange.answers("trades.historical", done(past_trades(102)))
        trades = binance.market.trades("BTCUSDT")
        await soon(trades.confirmed(None))
        await exchange.tell("btcusdt@trade", trade(101))
        (before,) = exchange.subscribed("btcusdt@trade")
        await exchange.cut(before)
        await until(lambda: exchange.subscribed("btcusdt@trade"))
        await exchange.tell("btcusdt@trade", trade(103))
        assert [(await soon(anext(trades))).trade_id for _ in range(3)] == [101, 102, 103]


async def test_trades_that_are_not_told_are_a_gap():
    async with witnessed() as (exchange, binance):
        exchange.answers("trades.historical", *[NO_SUCH_KEY] * 6)
        trades = binance.market.trades("BTCUSDT")
        await soon(trades.confirmed(None))
        for number in (101, 103):
            await exchange.tell("btcusdt@trade", trade(number))
        assert (await soon(anext(trades))).trade_id == 101
        with pytest.raises(GapUnfilled, match="trades 102-102 missing"):
            await soon(anext(trades))
        assert (await soon(anext(trades))).trade_id == 103


async def test_a_book_follows_the_documented_procedure():
    async with witnessed() as (exchange, binance):
        book_to_come = asyncio.ensure_future(binance.market.order_book("BTCUSDT"))
        stream = "btcusdt@depth@100ms"
        await until(lambda: exchange.subscribed(stream))
        first = MARKET["btcusdt@depth"]  # 7001 to 7003, and the snapshot is of 7000
        await exchange.tell(stream, first)
        book = await soon(book_to_come)
        await until(lambda: book.update_id == 7003)
        assert (book.best_bid.quantity, book.best_ask) == (Decimal("0.9"), None)
        await exchange.tell(stream, MARKET[stream])  # 7004
        await until(lambda: book.update_id == 7004)
        assert book.best_ask == (Decimal("64012.7"), Decimal(3))

        exchange.answers("depth", done('{"lastUpdateId":7010,"bids":[["64000.00","5"]],"asks":[]}'))
        await exchange.tell(stream, MARKET[stream].replace('"U":7004,"u":7004', '"U":7009,"u":7011'))
        await until(lambda: book.update_id == 7011)
        assert book.best_bid == (Decimal(64000), Decimal(5))
        assert len(exchange.requests("depth")) == 2
        await book.close()


async def test_what_is_subscribed_later_is_subscribed_by_a_command_and_ended_by_one():
    async with witnessed() as (exchange, binance):
        first = binance.market.trades("BTCUSDT", heal=False)
        await soon(first.confirmed(None))
        later = binance.market.book_tickers("BTCUSDT")
        event = await told(exchange, later, "btcusdt@bookTicker")
        assert event.update_id == 7001
        later.close()
        await until(lambda: not exchange.subscribed("btcusdt@bookTicker"))
        commands = [(asked.method, asked.params) for asked in exchange.asked]
        assert commands == [("SUBSCRIBE", ["btcusdt@bookTicker"]), ("UNSUBSCRIBE", ["btcusdt@bookTicker"])]


@pytest.mark.parametrize(
    "refusal",
    [
        '{"code":2,"msg":"Invalid request: invalid stream"}',
        '{"code":2,"msg":"Invalid request: invalid stream","id":$id}',
        '{"id":$id,"error":{"code":2,"msg":"Invalid request: invalid stream"}}',
    ],
    ids=["flat", "flat with its id", "nested"],
)
async def test_a_refused_subscription_is_told_in_each_documented_form(refusal):
    async with witnessed() as (exchange, binance):
        first = binance.market.trades("BTCUSDT", heal=False)
        await soon(first.confirmed(None))
        exchange.answers("SUBSCRIBE", refusal)
        refused = binance.market.book_tickers("BTCUSDT")
        with pytest.raises(RequestRejected, match="invalid stream"):
            await soon(refused.confirmed(None))
        await exchange.tell("btcusdt@trade", trade(5))
        assert (await soon(anext(first))).trade_id == 5


STRANGE = [
    '{"stream":"btcusdt@somethingNew","data":{"e":"somethingNew","E":1}}',
    '{"e":"unheardOf","E":1790000000000,"s":"BTCUSDT"}',
    '{"result":null,"id":987654321}',
    '{"result":["btcusdt@trade"],"id":null}',
    '{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}',
    "[]",
    '"text"',
    "null",
    "",
    "{",
    '{"stream":"btcusdt@trade","data":null}',
    '{"stream":"btcusdt@trade","data":{"e":"trade"}}',
    '{"data":' + MARKET["btcusdt@trade"].replace("8801", "4") + ',"stream":"btcusdt@trade"}',
]


@pytest.mark.parametrize("frame", STRANGE)
async def test_a_frame_that_no_document_knows_does_not_end_a_stream(frame):
    async with witnessed() as (exchange, binance):
        trades = binance.market.trades("BTCUSDT", heal=False)
        await soon(trades.confirmed(None))
        (client,) = exchange.subscribed("btcusdt@trade")
        await exchange.send(client, frame)
        await exchange.tell("btcusdt@trade", trade(5))
        numbers = []
        while 5 not in numbers:
            try:
                numbers.append((await soon(anext(trades))).trade_id)
            except (DecodeFailed, RequestRejected):
                continue
        assert exchange.subscribed("btcusdt@trade") == [client]


async def test_new_fields_are_passed_over_and_an_event_with_them_is_told():
    async with witnessed() as (exchange, binance):
        trades = binance.market.trades("BTCUSDT", heal=False)
        await soon(trades.confirmed(None))
        await exchange.tell("btcusdt@trade", trade(5)[:-1] + ',"zz":{"new":[1,2]},"b":88,"a":50}')
        assert (await soon(anext(trades))).trade_id == 5


@pytest.mark.parametrize("form", ['{"stream":"!serverShutdown","data":%s}', "%s"], ids=["combined", "raw"])
async def test_a_server_that_shuts_down_is_left_for_another_connection(form):
    async with witnessed() as (exchange, binance):
        events = binance.market.trades("BTCUSDT", heal=False, control=True)
        await soon(events.confirmed(None))
        (client,) = exchange.subscribed("btcusdt@trade")
        await exchange.send(client, form % SHUTDOWN)
        assert (await soon(anext(events))).event_time == 1790000000999
        assert isinstance(await soon(anext(events)), Reconnected)
        await until(lambda: client not in exchange.subscribed("btcusdt@trade"))
        await exchange.tell("btcusdt@trade", trade(9))
        assert (await soon(anext(events))).trade_id == 9


async def test_each_ping_is_answered_with_its_own_payload():
    async with witnessed() as (exchange, binance):
        trades = binance.market.trades("BTCUSDT", heal=False)
        await soon(trades.confirmed(None))
        (client,) = exchange.subscribed("btcusdt@trade")
        payloads = [b"1790000000001", b"", b"x" * 125]
        for payload in payloads:
            await exchange.ping(client, payload)
        await until(lambda: len(client.socket.pongs) == len(payloads))
        assert client.socket.pongs == payloads


async def test_a_storm_of_pings_keeps_within_five_messages_a_second():
    async with witnessed() as (exchange, binance):
        trades = binance.market.trades("BTCUSDT", heal=False)
        await soon(trades.confirmed(None))
        (client,) = exchange.subscribed("btcusdt@trade")
        for number in range(20):
            await exchange.ping(client, b"%d" % number)
        binance.market.book_tickers("BTCUSDT")
        await until(lambda: exchange.subscribed("btcusdt@bookTicker"))
        assert client.socket.pongs[:1] == [b"0"]  # what is too many is told by the exchange at the test's end


async def test_two_thousand_streams_are_on_two_connections():
    async with witnessed() as (exchange, binance):
        names = [f"x{number}usdt@trade" for number in range(2000)]
        subscription = binance.market.subscribe(*names)
        await soon(subscription.confirmed(None))
        assert sorted(len(client.streams) for client in exchange.clients) == [976, 1024]
        assert set().union(*(client.streams for client in exchange.clients)) == set(names)


async def test_times_in_microseconds_are_asked_for_in_the_address():
    async with witnessed(time_unit=TimeUnit.MICROSECOND) as (exchange, binance):
        subscription = binance.market.klines("1m", "BTCUSDT", utc_plus_8=True)
        await soon(subscription.confirmed(None))
        (client,) = exchange.subscribed("btcusdt@kline_1m@+08:00")
        assert client.query == {"streams": ["btcusdt@kline_1m@+08:00"], "timeUnit": ["MICROSECOND"]}
        assert (await soon(binance.call(PingRequest()))).to_json() == b"{}"
        assert [api.query for api in exchange.apis] == [{"timeUnit": ["MICROSECOND"]}]


SAMPLES = {
    "stream__avgPrice__1.json": "btcusdt@avgPrice",
    "stream__bookTicker__1.json": "bnbusdt@bookTicker",
    "stream__depth_diff__1.json": "bnbbtc@depth",
    "stream__kline_tz__1.json": "bnbbtc@kline_1m@+08:00",
    "stream__referencePrice__1.json": "bazusd@referencePrice",
    "stream__ticker_window__1.json": "bnbbtc@ticker_1h",
}


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_documented_sample_of_a_stream_is_taken(name, shared_folder):
    async with witnessed() as (exchange, binance):
        sample = (shared_folder / "fixtures" / name).read_text()
        subscription = binance.market.subscribe(SAMPLES[name])
        await soon(subscription.confirmed(None))
        await exchange.tell(SAMPLES[name], sample)
        assert json.loads((await soon(anext(subscription))).to_json()) == json.loads(sample)
