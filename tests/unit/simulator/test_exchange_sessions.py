"""Connections to the exchange: commands, requests, pings, limits and their ends, on a virtual clock."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader.errors import ConfigurationError, ConnectFailed
from cryptotrader.simulator import ExchangeLimits
from exchange_client import RecordingClient, quiet_exchange, trade
from virtual_clock import START_US, run_virtual, running_loop

TRADES = "/ws/btcusdt@trade"


def with_exchange(test, **settings):
    """Run ``test(exchange)`` beside a quiet exchange."""

    async def main():
        async with quiet_exchange(**settings) as exchange:
            await test(exchange)
        assert exchange.connections == 0

    run_virtual(main)


def test_raw_and_combined_events():
    async def test(exchange):
        raw = await RecordingClient().dial(exchange, "/ws/btcusdt@trade/ethusdt@trade")
        combined = await RecordingClient().dial(exchange, "/stream?streams=btcusdt@trade&timeUnit=microsecond")
        trade(exchange)
        trade(exchange, symbol="ETHUSDT")
        await asyncio.sleep(1)
        assert [event["s"] for event in raw.events] == ["BTCUSDT", "ETHUSDT"]
        (event,) = combined.events
        assert combined.frames[0].startswith(b'{"stream":"btcusdt@trade","data":{"e":"trade",')
        assert event["data"]["T"] == raw.events[0]["T"] * 1000 == START_US

    with_exchange(test)


def test_the_five_commands():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws")
        ask = client.ask
        assert await ask('{"method":"SUBSCRIBE","params":["btcusdt@trade","nosuch@trade"],"id":1}') == [
            {"result": None, "id": 1}
        ]
        listed = await ask('{"method":"LIST_SUBSCRIPTIONS","id":"a"}')
        assert listed == [{"result": ["btcusdt@trade", "nosuch@trade"], "id": "a"}]
        await asyncio.sleep(1)
        assert await ask('{"method":"GET_PROPERTY","params":["combined"],"id":2}') == [{"result": False, "id": 2}]
        assert await ask('{"method":"SET_PROPERTY","params":["combined",true],"id":3}') == [{"result": None, "id": 3}]
        assert await ask('{"method":"GET_PROPERTY","params":["combined"],"id":null}') == [{"result": True, "id": None}]
        trade(exchange)
        await asyncio.sleep(1)
        assert client.events[-1]["stream"] == "btcusdt@trade"
        assert await ask('{"method":"UNSUBSCRIBE","params":["btcusdt@trade"],"id":4}') == [{"result": None, "id": 4}]
        before = len(client.frames)
        trade(exchange)
        await asyncio.sleep(1)
        assert len(client.frames) == before
        assert await ask('{"method":"SUBSCRIBE","params":["btcusdt"],"id":5}') == [
            {"code": 2, "msg": "Invalid request: invalid stream"}
        ]
        assert await ask("{") == [{"code": 3, "msg": "Invalid JSON: expected value at line 1 column 2"}]

    with_exchange(test)


def test_subscribing_twice_sends_once():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, TRADES)
        await client.ask('{"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@trade"],"id":1}')
        trade(exchange)
        await asyncio.sleep(1)
        assert len(client.trade_ids) == 1

    with_exchange(test)


def test_long_control_frames_get_no_answer():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws")
        command = '{"method":"SUBSCRIBE","params":["%s@trade"],"id":1}'
        longest = command % ("a" * (3_999 - len(command) + 2))
        assert len(longest) == 3_999
        assert await client.ask(longest) == [{"result": None, "id": 1}]
        assert await client.ask(longest + " ") == []
        assert client.closed is None

    with_exchange(test)


def test_long_urls_get_no_answer():
    async def test(exchange):
        with pytest.raises(ConnectFailed, match="no answer within 5 s"):
            await RecordingClient().dial(exchange, "/stream?streams=" + "a" * 4_000 + "@trade")
        assert running_loop().time() == 5

    with_exchange(test)


@pytest.mark.parametrize(("path", "status"), [("/other", 404), ("/ws?timeUnit=HOUR", 400)])
def test_wrong_paths_are_refused(path, status):
    async def test(exchange):
        with pytest.raises(ConnectFailed, match=f"HTTP status {status}") as refused:
            await RecordingClient().dial(exchange, path)
        assert refused.value.status == status

    with_exchange(test)


def test_an_exchange_that_does_not_run_refuses():
    async def main():
        exchange = quiet_exchange()
        with pytest.raises(ConnectFailed, match="connection refused"):
            await RecordingClient().dial(exchange, TRADES)
        await exchange.start()
        with pytest.raises(ConfigurationError, match="started once"):
            await exchange.start()
        with pytest.raises(ConfigurationError, match="no port"):
            _ = exchange.port
        await exchange.stop()
        await exchange.stop()
        with pytest.raises(ConnectFailed, match="connection refused"):
            await RecordingClient().dial(exchange, TRADES)

    run_virtual(main)


def test_stopping_drops_the_connections():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, TRADES)
        assert exchange.connections == 1
        await exchange.stop()
        await asyncio.sleep(0)
        assert client.closed == "dropped by the server"

    with_exchange(test)


# limits


def test_five_messages_a_second_pings_and_pongs_included():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws")
        for second in range(3):
            client.transport.ping(b"p%d" % second)
            client.transport.pong(b"")
            for number in range(3):
                client.transport.send(b'{"method":"LIST_SUBSCRIPTIONS","id":%d}' % number)
            await asyncio.sleep(1.01)
        assert (len(client.frames), client.pongs, client.closed) == (9, [b"p0", b"p1", b"p2"], None)
        for _ in range(6):
            client.transport.pong(b"")
        await asyncio.sleep(0.1)
        assert client.closed == "closed by the server: 1008 Too many requests"

    with_exchange(test)


def test_requests_may_come_faster():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws-api/v3")
        for number in range(100):
            client.transport.send(b'{"id":%d,"method":"ping"}' % number)
        await asyncio.sleep(0.1)
        assert [event["id"] for event in client.events] == list(range(100))

    with_exchange(test)


def test_streams_of_a_connection_are_limited():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws/a@trade/b@trade")
        assert await client.ask('{"method":"SUBSCRIBE","params":["a@trade","c@trade"],"id":1}')
        assert client.closed is None
        await client.ask('{"method":"SUBSCRIBE","params":["d@trade"],"id":2}')
        assert client.closed == "closed by the server: 1008 Too many streams"

    with_exchange(test, limits=ExchangeLimits(streams=3))


def test_connects_of_an_address_are_limited():
    async def test(exchange):
        for _ in range(300):
            client = await RecordingClient().dial(exchange, "/ws")
            client.transport.abort()
            await asyncio.sleep(0.1)
        with pytest.raises(ConnectFailed, match="HTTP status 429; send nothing for 270 s") as refused:
            await RecordingClient().dial(exchange, "/ws")
        assert (refused.value.status, refused.value.retry_after) == (429, 270)
        await asyncio.sleep(301)
        await RecordingClient().dial(exchange, "/ws")

    with_exchange(test)


# pings and life


def test_pings_come_every_20_seconds():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws")
        await asyncio.sleep(3601)
        assert len(client.pings) == len(set(client.pings)) == 180
        assert client.pings[0] == str(START_US // 1000 + 20_000).encode()
        assert client.closed is None

    with_exchange(test)


@pytest.mark.parametrize("pong", [None, b"", b"other"])
def test_without_the_matching_pong_the_connection_ends_after_a_minute(pong):
    async def test(exchange):
        client = await RecordingClient(answers_pings=False).dial(exchange, "/ws")
        for _ in range(100):
            await asyncio.sleep(1)
            if pong is not None and client.closed is None:
                client.transport.pong(pong)
        assert client.closed == "closed by the server: 1008 Pong timeout"
        assert client.closed_at == pytest.approx(80, abs=0.01)

    with_exchange(test)


def test_a_late_pong_answers_the_pings_before_it():
    async def test(exchange):
        client = await RecordingClient(answers_pings=False).dial(exchange, "/ws")
        for _ in range(10):
            await asyncio.sleep(41)
            client.transport.pong(client.pings[-1])
        assert client.closed is None

    with_exchange(test)


def test_a_connection_lives_for_a_day():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws-api/v3")
        await asyncio.sleep(86_399)
        assert client.closed is None
        await asyncio.sleep(2)
        assert client.closed == "closed by the server: 1001 the connection has reached the end of its life"
        assert client.closed_at == pytest.approx(86_400, abs=0.01)

    with_exchange(test)


def test_life_can_be_made_short():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws")
        await asyncio.sleep(31)
        assert client.closed_at == pytest.approx(30, abs=0.01)
        assert len(client.pings) > 4_000

    with_exchange(test, time_scale=2880)


def test_a_client_that_does_not_agree_to_close_is_dropped():
    async def test(exchange):
        client = await RecordingClient(answers_pings=False).dial(exchange, "/ws")
        client.transport.freeze()
        await asyncio.sleep(79)
        assert exchange.connections == 1
        await asyncio.sleep(3)
        assert exchange.connections == 0

    with_exchange(test)


# requests


def test_requests_are_answered_with_the_limits_used():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws-api/v3")
        (first,) = await client.ask('{"id":"a","method":"time"}')
        assert first == {
            "id": "a",
            "status": 200,
            "result": {"serverTime": START_US // 1000},
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 3}
            ],
        }
        (second,) = await client.ask('{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","returnRateLimits":false}}')
        assert second["result"]["bids"] == []
        assert "rateLimits" not in second
        (third,) = await client.ask('{"id":2,"method":"depth","params":{"symbol":"NOSUCH"}}')
        assert third["error"] == {"code": -1121, "msg": "Invalid symbol."}
        assert third["rateLimits"][0]["count"] == 13
        (fourth,) = await client.ask('{"id":3,"method":"depth"}')
        assert (fourth["status"], fourth["error"]["code"], fourth["rateLimits"][0]["count"]) == (400, -1102, 14)

    with_exchange(test)


def test_limits_are_left_out_when_the_url_says_so():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, "/ws-api/v3?returnRateLimits=false&timeUnit=microsecond")
        (reply,) = await client.ask('{"id":1,"method":"time"}')
        assert reply == {"id": 1, "status": 200, "result": {"serverTime": START_US}}
        (reply,) = await client.ask('{"id":1,"method":"ping","params":{"returnRateLimits":true}}')
        assert reply["rateLimits"][0]["count"] == 4

    with_exchange(test)


def test_weight_of_all_connections_of_an_address_counts_and_ignoring_it_is_banned():
    async def test(exchange):
        one = await RecordingClient().dial(exchange, "/ws-api/v3")
        other = await RecordingClient().dial(exchange, "/ws-api/v3")
        ping = '{"id":1,"method":"ping"}'
        for _ in range(3):
            assert (await one.ask(ping))[0]["status"] == 200
            assert (await other.ask(ping))[0]["status"] == 200
        (refused,) = await other.ask(ping)
        assert (refused["status"], refused["error"]["code"]) == (429, -1003)
        assert refused["error"]["data"]["retryAfter"] == START_US // 1000 + 60_000
        assert (await one.ask(ping))[0]["status"] == 429
        (banned,) = await one.ask(ping)
        assert (banned["status"], banned["error"]["code"]) == (418, -1003)
        until = banned["error"]["data"]["retryAfter"]
        assert banned["error"]["msg"].startswith(f"Way too much request weight used; IP banned until {until}.")
        assert one.closed == "closed by the server: 1008 IP banned"
        with pytest.raises(ConnectFailed, match="HTTP status 418; send nothing for 120 s") as shut_out:
            await RecordingClient().dial(exchange, "/ws")
        assert (shut_out.value.status, shut_out.value.retry_after) == (418, 120)
        await asyncio.sleep(121)
        assert (await (await RecordingClient().dial(exchange, "/ws-api/v3")).ask(ping))[0]["status"] == 200

    with_exchange(test, limits=ExchangeLimits(weight=10, refusals_before_ban=2))


def test_replies_agree_with_the_streams():
    async def test(exchange):
        client = await RecordingClient().dial(exchange, TRADES)
        api = await RecordingClient().dial(exchange, "/ws-api/v3")
        await asyncio.sleep(10)
        (reply,) = await api.ask('{"id":1,"method":"trades.recent","params":{"symbol":"BTCUSDT","limit":100}}')
        kept = [item["id"] for item in reply["result"]]
        end = client.trade_ids.index(kept[-1]) + 1
        assert kept == client.trade_ids[end - 100 : end]

    with_exchange(test, rate=200)


def test_same_seed_same_bytes():
    def record(seed):
        frames = []

        async def test(exchange):
            client = await RecordingClient().dial(exchange, "/stream?streams=btcusdt@trade/btcusdt@depth@100ms")
            await asyncio.sleep(20)
            frames.extend(client.frames)

        with_exchange(test, rate=50, seed=seed)
        return frames

    assert record(1) == record(1) != record(2)
    assert len(record(1)) > 500


def test_every_trade_is_written_to_the_truth_file(tmp_path):
    path = tmp_path / "truth.jsonl"

    async def test(exchange):
        client = await RecordingClient().dial(exchange, TRADES)
        await asyncio.sleep(30)
        written = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(written) == exchange.trades
        mine = [line for line in written if line["symbol"] == "BTCUSDT"]
        assert [(event["t"], event["p"], event["q"], event["T"], event["m"]) for event in client.events] == [
            (t["trade_id"], t["price"], t["quantity"], t["trade_time_us"] // 1000, t["is_buyer_maker"]) for t in mine
        ]
        assert len(mine) > 100

    with_exchange(test, rate=50, truth=path)


def test_a_truth_file_that_cannot_be_written_is_an_error(tmp_path):
    async def main():
        exchange = quiet_exchange(truth=tmp_path / "none" / "truth.jsonl")
        with pytest.raises(ConfigurationError, match="cannot write"):
            await exchange.start()

    run_virtual(main)
