"""The exchange on a real port, with picows clients."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from cryptotrader.errors import ConnectFailed
from cryptotrader.simulator import ExchangeLimits, LocalExchange
from cryptotrader.transport.picows import dial
from exchange_client import trade
from waiting import PATIENCE, soon, until


class Client:
    """A ``FrameHandler`` that records, and answers pings."""

    def __init__(self):
        self.frames = []
        self.pings = []
        self.pongs = []
        self.ended = asyncio.get_running_loop().create_future()
        self.came = asyncio.Event()
        self.transport = None

    async def dial(self, exchange, path, timeout=PATIENCE):
        url = f"ws://127.0.0.1:{exchange.port}{path}"
        self.transport = await dial(url, self, timeout=timeout, tls=None)
        return self

    def on_frame(self, payload, received_ns):
        self.frames.append(payload)
        self.came.set()

    def on_ping(self, payload):
        self.pings.append(payload)
        self.transport.pong(payload)

    def on_pong(self, payload):
        self.pongs.append(payload)
        self.came.set()

    def on_closed(self, reason):
        self.ended.set_result(reason)

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.came.clear()
                await self.came.wait()

    async def ask(self, text):
        before = len(self.frames)
        self.transport.send(text.encode())
        await self.until(lambda: len(self.frames) > before)
        return json.loads(self.frames[before])

    async def close(self):
        self.transport.abort()
        await soon(self.ended)

    @property
    def trade_ids(self):
        return [json.loads(frame)["t"] for frame in self.frames]


async def test_streams_and_requests_on_one_port():
    async with LocalExchange(rate=500) as exchange:
        raw = await Client().dial(exchange, "/ws/btcusdt%40trade")
        combined = await Client().dial(exchange, "/stream?streams=btcusdt@trade/ethusdt@depth@100ms")
        api = await Client().dial(exchange, "/ws-api/v3")
        reply = await api.ask('{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":5}}')
        assert len(reply["result"]["bids"]) == 5
        await raw.until(lambda: len(raw.frames) >= 20)
        ids = [json.loads(frame)["t"] for frame in raw.frames]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        await combined.until(lambda: any(b'"ethusdt@depth@100ms"' in frame for frame in combined.frames))
        raw.transport.ping(b"payload")
        await raw.until(lambda: raw.pongs)
        assert raw.pongs == [b"payload"]
        assert exchange.connections == 3
        raw.transport.close(1000, "done")
        await soon(raw.ended)
        await until(lambda: exchange.connections == 2)
        await soon(exchange.stop())
        await soon(asyncio.gather(combined.ended, api.ended))
    with pytest.raises(ConnectFailed, match="Connect call failed"):
        await Client().dial(exchange, "/ws")


@pytest.mark.parametrize(
    ("path", "status"), [("/other", 404), ("/ws?timeUnit=HOUR", 400), ("/ws/btcusdt", 400), ("/stream?streams=@", 400)]
)
async def test_wrong_paths_are_refused_over_http(path, status):
    async with LocalExchange(rate=0) as exchange:
        with pytest.raises(ConnectFailed, match=f"refused with HTTP status {status}") as refused:
            await Client().dial(exchange, path)
        assert refused.value.status == status


async def test_too_many_connects_are_told_when_to_come_back():
    async with LocalExchange(rate=0, limits=ExchangeLimits(connections=2)) as exchange:
        clients = [await Client().dial(exchange, "/ws") for _ in range(2)]
        with pytest.raises(ConnectFailed, match="refused with HTTP status 429") as refused:
            await Client().dial(exchange, "/ws")
        assert refused.value.status == 429
        assert 0 < refused.value.retry_after <= 300
        for client in clients:
            await client.close()


async def test_a_long_url_gets_no_answer_and_leaves_no_socket():
    async with LocalExchange(rate=0) as exchange:
        with pytest.raises(ConnectFailed, match=r"no answer within 0\.2 s"):
            await Client().dial(exchange, "/stream?streams=" + "a" * 4_000 + "@trade", timeout=0.2)


async def test_drop_and_torn_end_the_connection_without_a_frame():
    async with LocalExchange(rate=0) as exchange:
        for kind in ("drop", "torn"):
            client = await Client().dial(exchange, "/ws")
            exchange.fault(kind)
            assert "closed by the server" not in await soon(client.ended)
            assert client.frames == []


async def test_half_open_stays_open_and_silent():
    async with LocalExchange(["BTCUSDT"], rate=500) as exchange:
        client = await Client().dial(exchange, "/ws/btcusdt@trade")
        await client.until(lambda: client.frames)
        exchange.fault("half_open")
        other = await Client().dial(exchange, "/ws/btcusdt@trade")
        await other.until(lambda: other.frames)
        client.transport.ping(b"anybody")
        other.transport.ping(b"anybody")
        await other.until(lambda: other.pongs and len(other.frames) > 50)
        assert client.trade_ids[-1] < other.trade_ids[0]  # silent since before the other one came
        assert (client.pongs, client.ended.done()) == ([], False)
        await client.close()
        await other.close()


async def test_garbage_arrives_as_text_and_binary():
    async with LocalExchange(rate=0) as exchange:
        client = await Client().dial(exchange, "/ws")
        exchange.fault("garbage")
        exchange.fault("garbage", binary=True)
        await client.until(lambda: len(client.frames) == 2)
        assert client.frames[0].startswith(b'{"e":"trade"')
        assert client.frames[1][0] == 240
        await client.close()


async def test_server_shutdown_closes_with_a_handshake():
    async with LocalExchange(rate=0) as exchange:
        client = await Client().dial(exchange, "/stream")
        exchange.fault("server_shutdown", seconds=0.1)
        assert "closed by the server: 1001" in await soon(client.ended)
        assert json.loads(client.frames[0])["stream"] == "!serverShutdown"


async def test_tcp_itself_refuses_for_a_time():
    async with LocalExchange(rate=0) as exchange:
        client = await Client().dial(exchange, "/ws")
        exchange.fault("refuse", seconds=3600, tcp=True)
        with pytest.raises(ConnectFailed, match="Connect call failed") as refused:
            await Client().dial(exchange, "/ws")
        assert refused.value.status is None
        assert not client.ended.done()
        exchange.clear_faults()
        await until(lambda: listens(exchange))
        exchange.fault("refuse", seconds=0.01, tcp=True)
        assert not listens(exchange)
        await until(lambda: listens(exchange), "back after its time")
        await client.close()


def listens(exchange):
    """Whether the port can be connected to; asked without letting the exchange do anything meanwhile."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", exchange.port)) == 0


async def test_a_slow_client_is_dropped_and_others_are_not():
    limits = ExchangeLimits(write_buffer=100_000)
    async with LocalExchange(["BTCUSDT"], rate=0, limits=limits) as exchange:
        healthy = await Client().dial(exchange, "/ws/btcusdt@trade")
        with socket.create_connection(("127.0.0.1", exchange.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(
                b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await until(lambda: exchange.connections == 2)
            while exchange.connections == 2:
                trade(exchange, 100)
                exchange._wake()
                await healthy.until(lambda: len(healthy.frames) >= exchange.trades)
        assert healthy.trade_ids == list(range(healthy.trade_ids[0], healthy.trade_ids[0] + exchange.trades))
        assert not healthy.ended.done()
        await healthy.close()


async def test_all_trades_reach_a_client_in_order(tmp_path):
    truth = tmp_path / "truth.jsonl"
    async with LocalExchange(["BTCUSDT"], rate=15_000, truth=truth) as exchange:
        client = await Client().dial(exchange, "/ws/btcusdt@trade")
        await client.until(lambda: len(client.frames) > 5_000)
        await client.close()
    written = [json.loads(line)["trade_id"] for line in truth.read_bytes().splitlines()]
    ids = client.trade_ids
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert written == list(range(written[0], written[0] + len(written)))
    assert written[0] <= ids[0] <= ids[-1] <= written[-1]


async def test_a_taken_port_is_an_error():
    async with LocalExchange(rate=0) as exchange:
        second = LocalExchange(rate=0, port=exchange.port)
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
