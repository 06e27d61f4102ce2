"""A recording as an exchange, on the virtual clock: bytes, pace, requests, and the end."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from cryptotrader.base_operations import Environment
from cryptotrader.client import Binance
from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.errors import ConfigurationError, RequestRejected
from cryptotrader.models.base_models import Side
from cryptotrader.recording import RecordingWriter
from cryptotrader.requests import AccountStatusRequest, TradesRecentRequest
from cryptotrader.simulator import LocalExchange
from exchange_client import RecordingClient
from virtual_clock import running_loop

START_NS = 1_723_161_253_000_000_000
AHEAD_MS = 1_200  # the exchange's clock before the recorder's


def trade(number, ms, symbol="BTCUSDT", price="100.00000000", maker="true"):
    stamp = START_NS // 10**6 + ms + AHEAD_MS
    return (
        f'{{"stream":"{symbol.lower()}@trade","data":{{"e":"trade","E":{stamp},"s":"{symbol}","t":{number},'
        f'"p":"{price}","q":"0.50000000","T":{stamp},"m":{maker},"M":true}}}}'
    )


def diff(first, final, ms, bids="[]", asks="[]"):
    stamp = START_NS // 10**6 + ms + AHEAD_MS
    return (
        f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{stamp},"s":"BTCUSDT","U":{first},"u":{final},'
        f'"b":{bids},"a":{asks}}}}}'
    )


SNAPSHOT = '{"lastUpdateId":12,"bids":[["99.50","1.0"],["99.40","2.0"]],"asks":[["100.50","3.0"]]}'


@pytest.fixture
def record(tmp_path):
    """Writes frames, given as (milliseconds, text), to a file; ``plain`` in the form of one frame a line."""

    def write(*frames, plain=False):
        path = tmp_path / "a.rec"
        if plain:
            path.write_text("".join(f"{START_NS + ms * 10**6} {text}\n" for ms, text in frames))
            return path
        writer = RecordingWriter(path)
        for ms, text in frames:
            writer.add(START_NS + ms * 10**6, 1, text.encode())
        writer.close()
        return path

    return write


def replaying(path, speed=1.0):
    return LocalExchange(replay=path, speed=speed, port=None, clock=running_loop().wall_us)


async def client_of(exchange, path="/stream?streams=btcusdt@trade"):
    return await RecordingClient().dial(exchange, path)


@pytest.mark.parametrize("speed", [1.0, 4.0])
@pytest.mark.parametrize("plain", [False, True])
async def test_frames_come_byte_for_byte_in_their_pace(record, speed, plain):
    frames = [(0, trade(7, 0)), (500, trade(8, 500)), (2_000, trade(9, 2_000)), (2_000, trade(10, 2_000))]
    path = record(*frames, plain=plain)
    async with replaying(path, speed) as exchange:
        await asyncio.sleep(60)  # nothing plays before the first subscription
        client = await client_of(exchange)
        begun = running_loop().time()
        await exchange.wait_ended()
    *played, last = client.frames
    assert played == [text.encode() for _, text in frames]
    assert json.loads(last)["data"]["e"] == "serverShutdown"
    assert len(client.times) == len(client.frames)
    for (ms, _), received_ns in zip(frames, client.times, strict=False):
        due = ms / 1000 / speed
        arrived = received_ns / 1e9 - running_loop().wall_seconds() + running_loop().time() - begun
        assert due - 0.001 <= arrived <= due + 0.02


async def test_a_raw_connection_gets_the_content_alone(record):
    path = record((0, trade(7, 0)))
    async with replaying(path) as exchange:
        client = await client_of(exchange, "/ws/btcusdt@trade")
        await asyncio.sleep(1)
        assert client.events[0] == json.loads(trade(7, 0))["data"]


async def test_past_trades_are_those_played_so_far_and_holes_stay_holes(record):
    path = record(*((100 * place, trade(number, 100 * place)) for place, number in enumerate((5, 6, 9, 9, 10))))
    async with replaying(path) as exchange:
        await client_of(exchange)
        api = await client_of(exchange, "/ws-api/v3")
        await asyncio.sleep(0.25)
        ask = '{"id":1,"method":"trades.historical","params":{"symbol":"BTCUSDT","fromId":6}}'
        (reply,) = await api.ask(ask)
        assert [each["id"] for each in reply["result"]] == [6, 9]
        await asyncio.sleep(0.2)
        (reply,) = await api.ask(ask)
        assert [each["id"] for each in reply["result"]] == [6, 9, 10]
        (reply,) = await api.ask('{"id":1,"method":"trades.recent","params":{"symbol":"BTCUSDT","limit":2}}')
        assert [each["id"] for each in reply["result"]] == [9, 10]
        assert reply["result"][0]["qty"] == "0.50000000"


async def test_aggregates_are_put_together_where_none_were_recorded(record):
    sides = [(5, "true"), (6, "true"), (7, "false"), (8, "false"), (10, "false")]
    path = record(*((0, trade(number, 0, maker=maker)) for number, maker in sides))
    async with replaying(path) as exchange:
        await client_of(exchange)
        api = await client_of(exchange, "/ws-api/v3")
        await asyncio.sleep(0.1)
        (reply,) = await api.ask('{"id":1,"method":"trades.aggregate","params":{"symbol":"BTCUSDT"}}')
        spans = [(each["a"], each["f"], each["l"], each["q"]) for each in reply["result"]]
        assert spans == [(1, 5, 6, "1.00000000"), (2, 7, 8, "1.00000000")]


async def test_depth_is_the_snapshot_kept_current_and_refused_once_changes_are_missing(record):
    path = record(
        (0, diff(9, 10, 0)),
        (100, SNAPSHOT),
        (200, diff(11, 13, 200, bids='[["99.50","0"]]', asks='[["100.40","4.0"]]')),
        (1_000, diff(17, 18, 1_000)),
        (2_000, SNAPSHOT.replace("12", "20")),
    )
    ask = '{"id":1,"method":"depth","params":{"symbol":"BTCUSDT"}}'
    async with replaying(path) as exchange:
        api = await client_of(exchange, "/ws-api/v3")
        (before,) = await api.ask(ask)
        assert before["result"]["lastUpdateId"] == 12  # the first one is known from the start on
        await client_of(exchange, "/stream?streams=btcusdt@depth@100ms")
        await asyncio.sleep(0.4)
        (kept,) = await api.ask(ask)
        assert kept["result"]["lastUpdateId"] == 13
        assert kept["result"]["bids"] == [["99.40000000", "2.00000000"]]
        assert kept["result"]["asks"][0] == ["100.40000000", "4.00000000"]
        await asyncio.sleep(0.6)
        (lost,) = await api.ask(ask)
        assert (lost["status"], lost["error"]["code"]) == (400, -1000)
        await asyncio.sleep(1)
        (again,) = await api.ask(ask)
        assert again["result"]["lastUpdateId"] == 20
        (info,) = await api.ask('{"id":1,"method":"exchangeInfo","params":{"symbol":"BTCUSDT"}}')
        ticks = [each["tickSize"] for each in info["result"]["symbols"][0]["filters"] if "tickSize" in each]
        assert [Decimal(tick) for tick in ticks] == [Decimal("0.1")]


async def test_streams_that_were_not_recorded_are_made_from_the_trades(record):
    path = record(*((ms, trade(7 + ms // 100, ms, price=f"{100 + ms // 100}.00000000")) for ms in range(0, 3_000, 100)))
    async with replaying(path) as exchange:
        client = await client_of(exchange, "/ws/btcusdt@kline_1m")
        await exchange.wait_ended()
    candles = [event["k"] for event in client.events if event["e"] == "kline"]
    assert candles[-1]["n"] >= 20
    assert candles[-1]["o"] == "100.00000000"


@pytest.mark.parametrize(("leave", "least", "most"), [(True, 0.5, 2.0), (False, 8.0, 11.0)])
async def test_a_replay_ends_a_second_after_its_last_client_or_after_ten(record, leave, least, most):
    path = record((0, trade(7, 0)))
    async with replaying(path) as exchange:
        client = await client_of(exchange)
        await asyncio.sleep(0.5)
        ended = running_loop().time()
        if leave:
            client.transport.close()
        await exchange.wait_ended()
        assert least < running_loop().time() - ended <= most


async def test_faults_work_on_a_replay(record):
    path = record(*((100 * place, trade(place, 100 * place)) for place in range(10)))
    async with replaying(path) as exchange:
        client = await client_of(exchange)
        await asyncio.sleep(0.05)
        exchange.fault("skip", count=3)
        await exchange.wait_ended()
    ids = [event["data"]["t"] for event in client.events if event["data"]["e"] == "trade"]
    assert ids == [0, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("key", [Ed25519Key.generate("name"), HmacKey("name", "secret")], ids=["ed25519", "hmac"])
async def test_who_would_trade_in_a_recording_is_told_that_nobody_can(record, key):
    path = record((0, trade(1, 0)), (10, SNAPSHOT), (120_000, trade(2, 120_000)))
    async with replaying(path) as exchange:
        environment = Environment(dial=exchange.dial, clock_ns=running_loop().wall_ns)
        async with Binance(exchange.endpoint, key, environment=environment) as binance:
            assert [each.trade_id for each in await binance.call(TradesRecentRequest(symbol="BTCUSDT"))] == []
            for attempt in (
                binance.call(AccountStatusRequest()),
                binance.user.wait_subscribed(),
                binance.orders.place_market("BTCUSDT", Side.BUY, quantity="1"),
                binance.orders.open_orders(),
            ):
                with pytest.raises(RequestRejected, match="a recording is replayed here") as refused:
                    await attempt
                assert (refused.value.code, refused.value.status) == (-1020, 400)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "no market stream"), ('{"result":null,"id":1}\n', "no market stream"), (trade(1, 0) + "\n", "receive times")],
)
async def test_files_that_cannot_be_replayed(tmp_path, text, problem):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        replaying(path)


async def test_frames_that_cannot_be_decoded_are_counted_and_passed_over(record):
    path = record((0, "garbage"), (0, trade(7, 0)), (1, '{"stream":"btcusdt@trade","data":{}}'), (2, trade(8, 2)))
    async with replaying(path) as exchange:
        client = await client_of(exchange)
        await exchange.wait_ended()
        assert exchange.venue.undecodable == 2
    assert [event["data"].get("t") for event in client.events] == [7, 8, None]
