"""Every fault, seen from a client on a virtual clock."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader.errors import ConfigurationError, ConnectFailed
from cryptotrader.simulator import ExchangeLimits
from exchange_client import RecordingClient, quiet_exchange, trade
from virtual_clock import START_US, run_virtual, running_loop

TRADES = "/ws/btcusdt@trade"
PING = '{"id":1,"method":"ping"}'


def with_client(test, path=TRADES, **settings):
    """Run ``test(exchange, client)`` on a quiet exchange."""

    async def main():
        async with quiet_exchange(**settings) as exchange:
            await test(exchange, await RecordingClient().dial(exchange, path))
        assert exchange.connections == 0

    run_virtual(main)


async def trades_after(exchange, client, count=1):
    """Make trades, and tell which of the newly made arrive within a second, counted from 0."""
    first = exchange.venue.markets["BTCUSDT"].log.next_id
    before = len(client.trade_ids)
    trade(exchange, count)
    await asyncio.sleep(1.1)
    return [number - first for number in client.trade_ids[before:]]


def test_drop():
    async def test(exchange, client):
        exchange.fault("drop")
        await asyncio.sleep(0.1)
        assert client.closed == "dropped by the server"
        assert exchange.connections == 0

    with_client(test)


def test_torn():
    async def test(exchange, client):
        trade(exchange, 2)
        exchange.fault("torn")
        await asyncio.sleep(0.1)
        assert len(client.trade_ids) == 2
        assert client.closed == "dropped in the middle of a frame"

    with_client(test)


def test_half_open():
    async def test(exchange, client):
        exchange.fault("half_open")
        client.transport.ping(b"hello")
        client.transport.send(b'{"method":"LIST_SUBSCRIPTIONS","id":1}')
        assert await trades_after(exchange, client) == []
        await asyncio.sleep(1000)
        assert (client.frames, client.pings, client.pongs, client.closed) == ([], [], [], None)
        assert exchange.connections == 1

    with_client(test)


def test_stall():
    async def test(exchange, client):
        exchange.fault("stall", seconds=30)
        assert await trades_after(exchange, client, 3) == []
        client.transport.ping(b"hello")
        client.transport.send(b'{"method":"LIST_SUBSCRIPTIONS","id":1}')
        await asyncio.sleep(28)
        assert (client.frames, client.pings, client.pongs) == ([], [], [])
        await asyncio.sleep(1)
        assert len(client.trade_ids) == 3
        assert client.events[-1] == {"result": ["btcusdt@trade"], "id": 1}
        assert (len(client.pings), client.pongs) == (1, [b"hello"])
        assert client.times[0] == pytest.approx((START_US + 30_000_000) * 1000, abs=10_000_000)
        assert await trades_after(exchange, client) == [0]

    with_client(test)


def test_a_stalled_connection_does_not_fill_the_memory():
    async def test(exchange, client):
        exchange.fault("stall", seconds=30)
        await trades_after(exchange, client, 20)
        assert client.closed == "dropped by the server"

    with_client(test, limits=ExchangeLimits(write_buffer=2_000))


def test_garbage():
    async def test(exchange, client):
        exchange.fault("garbage", count=2)
        exchange.fault("garbage", binary=True)
        await asyncio.sleep(0.1)
        assert len(client.frames) == 3
        for number in range(2):
            with pytest.raises(json.JSONDecodeError, match="Expecting"):
                json.loads(client.frames[number])
        with pytest.raises(UnicodeDecodeError, match="invalid continuation byte"):
            client.frames[2].decode()
        assert client.closed is None

    with_client(test)


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/ws", {"e": "serverShutdown", "E": START_US // 1000}),
        ("/stream", {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": START_US // 1000}}),
        ("/ws-api/v3", {"event": {"e": "serverShutdown", "E": START_US // 1000}}),
        ("/ws?timeUnit=MICROSECOND", {"e": "serverShutdown", "E": START_US}),
    ],
)
def test_server_shutdown(path, event):
    async def test(exchange, client):
        exchange.fault("server_shutdown", seconds=7)
        await asyncio.sleep(6.9)
        assert client.events == [event]
        assert client.closed is None
        await asyncio.sleep(0.2)
        assert client.closed.startswith("closed by the server: 1001")
        await RecordingClient().dial(exchange, path)

    with_client(test, path)


def test_delay():
    async def test(exchange, client):
        exchange.fault("delay", seconds=5, count=2)
        assert await trades_after(exchange, client, 3) == [2]
        await asyncio.sleep(3.8)
        assert len(client.trade_ids) == 1
        await asyncio.sleep(1)
        assert len(client.trade_ids) == 3
        assert client.trade_ids == [client.trade_ids[1] + 2, client.trade_ids[1], client.trade_ids[1] + 1]

    with_client(test)


def test_duplicate():
    async def test(exchange, client):
        exchange.fault("duplicate", count=2)
        assert await trades_after(exchange, client, 3) == [0, 0, 1, 1, 2]

    with_client(test)


def test_reorder():
    async def test(exchange, client):
        exchange.fault("reorder", count=2)
        assert await trades_after(exchange, client, 5) == [1, 0, 3, 2, 4]
        assert await trades_after(exchange, client, 2) == [0, 1]

    with_client(test)


def test_a_reordered_frame_without_a_follower_is_not_lost():
    async def test(exchange, client):
        exchange.fault("reorder", count=1)
        trade(exchange)
        await asyncio.sleep(0.9)
        assert client.trade_ids == []
        await asyncio.sleep(0.2)
        assert len(client.trade_ids) == 1

    with_client(test)


def test_skip():
    async def test(exchange, client):
        other = await RecordingClient().dial(exchange, "/ws/ethusdt@trade")
        exchange.fault("skip", stream="btcusdt@trade", count=3)
        trade(exchange, symbol="ETHUSDT")
        assert await trades_after(exchange, client, 5) == [3, 4]
        assert len(other.trade_ids) == 1
        kept = exchange.venue.markets["BTCUSDT"].log
        assert kept.next_id - client.trade_ids[0] == 2

    with_client(test)


def test_faults_add_up():
    async def test(exchange, client):
        exchange.fault("skip", count=1)
        exchange.fault("duplicate", count=3)
        assert await trades_after(exchange, client, 4) == [1, 1, 2, 2, 3]

    with_client(test)


def test_acknowledgements_are_not_hit_by_faults_of_frames():
    async def test(exchange, client):
        exchange.fault("skip")
        assert await client.ask('{"method":"LIST_SUBSCRIPTIONS","id":1}') == [{"result": ["btcusdt@trade"], "id": 1}]
        assert await trades_after(exchange, client, 2) == []
        exchange.clear_faults()
        assert await trades_after(exchange, client, 2) == [0, 1]

    with_client(test)


def test_a_fault_ends_with_its_duration():
    async def test(exchange, client):
        exchange.fault("skip", duration=10)
        assert await trades_after(exchange, client) == []
        await asyncio.sleep(9)
        assert await trades_after(exchange, client) == [0]

    with_client(test)


def test_a_fault_can_be_left_to_chance():
    async def test(exchange, client):
        exchange.fault("skip", probability=0.5)
        assert 60 < len(await trades_after(exchange, client, 200)) < 140

    with_client(test)


def test_faults_choose_connections():
    async def test(exchange, client):
        ether = await RecordingClient().dial(exchange, "/ws/ethusdt@trade")
        api = await RecordingClient().dial(exchange, "/ws-api/v3")
        exchange.fault("drop", stream="ethusdt@trade")
        await asyncio.sleep(0.1)
        assert (client.closed, bool(ether.closed), api.closed) == (None, True, None)
        exchange.fault("drop", connection="stream")
        await asyncio.sleep(0.1)
        assert (bool(client.closed), api.closed) == (True, None)
        for _ in range(3):
            await RecordingClient().dial(exchange, "/ws")
        exchange.fault("drop", connection="stream", count=2)
        await asyncio.sleep(0.1)
        assert exchange.connections == 2

    with_client(test)


# requests and handshakes


def test_replies_can_be_late_double_or_missing():
    async def test(exchange, client):
        exchange.fault("duplicate", connection="api", count=1)
        assert len(await client.ask(PING)) == 2
        exchange.fault("skip", connection="api", count=1)
        assert await client.ask(PING) == []
        exchange.fault("delay", connection="api", count=1, seconds=3)
        assert await client.ask(PING) == []
        await asyncio.sleep(3)
        assert len(client.frames) == 3

    with_client(test, "/ws-api/v3")


def test_rate_limit():
    async def test(exchange, client):
        exchange.fault("rate_limit", count=2, seconds=4)
        for _ in range(2):
            (refused,) = await client.ask(PING)
            assert (refused["status"], refused["error"]["code"]) == (429, -1003)
            data = refused["error"]["data"]
            assert data["retryAfter"] - data["serverTime"] == 4_000
        assert (await client.ask(PING))[0]["status"] == 200

    with_client(test, "/ws-api/v3")


def test_ban():
    async def test(exchange, client):
        exchange.fault("ban", seconds=60)
        (banned,) = await client.ask(PING)
        assert (banned["status"], banned["error"]["data"]["retryAfter"]) == (418, START_US // 1000 + 60_000)
        assert client.closed == "closed by the server: 1008 IP banned"
        with pytest.raises(ConnectFailed, match="banned with HTTP status 418") as refused:
            await RecordingClient().dial(exchange, TRADES)
        assert (refused.value.status, refused.value.retry_after) == (418, 60)
        exchange.clear_faults()
        await RecordingClient().dial(exchange, TRADES)

    with_client(test, "/ws-api/v3")


def test_refuse_some_connects():
    async def test(exchange, client):
        exchange.fault("refuse", count=2, connection="stream")
        await RecordingClient().dial(exchange, "/ws-api/v3")
        for _ in range(2):
            with pytest.raises(ConnectFailed, match="HTTP status 503") as refused:
                await RecordingClient().dial(exchange, TRADES)
            assert refused.value.status == 503
        await RecordingClient().dial(exchange, TRADES)
        assert client.closed is None

    with_client(test)


@pytest.mark.parametrize(("tcp", "status"), [(False, 503), (True, None)])
def test_refuse_for_a_time(tcp, status):
    async def test(exchange, client):
        exchange.fault("refuse", seconds=10, tcp=tcp)
        await asyncio.sleep(9.9)
        with pytest.raises(ConnectFailed, match="connection refused" if tcp else "HTTP status 503") as refused:
            await RecordingClient().dial(exchange, TRADES)
        assert refused.value.status == status
        await asyncio.sleep(0.2)
        await RecordingClient().dial(exchange, TRADES)
        assert client.closed is None

    with_client(test)


# ways to give a fault


def test_a_script_acts_on_time(tmp_path):
    path = tmp_path / "faults.jsonl"
    path.write_text('{"at": 60, "fault": "drop"}\n{"at": 30, "fault": "garbage"}\n')

    async def test(exchange, client):
        await asyncio.sleep(61)
        assert client.times == [pytest.approx((START_US + 30_000_000) * 1000, abs=5_000_000)]
        assert client.closed_at == pytest.approx(60, abs=0.005)

    with_client(test, faults=path)


def test_wrong_faults_are_refused_at_once(tmp_path):
    async def test(exchange, client):
        with pytest.raises(ConfigurationError, match="explode"):
            exchange.fault("explode")
        with pytest.raises(ConfigurationError, match="knows no seconds"):
            exchange.fault("drop", seconds=1)
        assert client.closed is None
        with pytest.raises(ConfigurationError, match="cannot read"):
            quiet_exchange(faults=tmp_path / "none")

    with_client(test)


def test_a_thousand_drops_leave_nothing_behind():
    async def test(exchange, client):
        for _ in range(1_000):
            client = await RecordingClient().dial(exchange, "/stream?streams=btcusdt@trade/ethusdt@depth@100ms")
            exchange.fault("drop")
            await asyncio.sleep(1.1)
            assert client.closed is not None
        assert exchange.connections == 0
        assert running_loop().time() == pytest.approx(1_100, rel=0.01)

    with_client(test)
