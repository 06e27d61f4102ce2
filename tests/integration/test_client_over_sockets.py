"""The client on real sockets: many streams, large and fragmented frames, servers that are not Binance, cuts."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from picows import WSListener, WSMsgType, ws_create_server

from cryptotrader.client import Binance
from cryptotrader.config import MAX_FRAME_BYTES, Backoff, Endpoint, Timeouts
from cryptotrader.errors import ConfigurationError, ConnectFailed, UnknownSymbol
from cryptotrader.models.market_models import TradeEvent
from cryptotrader.requests import TimeRequest
from cryptotrader.simulator import LocalExchange
from cryptotrader.symbol_lookup import look_up_symbols
from exchange_client import trade
from waiting import PATIENCE, soon, until

TRADE = b'{"e":"trade","E":1,"s":"BTCUSDT","t":%d,"p":"1.5","q":"2","T":1,"m":true,"M":true%s}'


async def test_more_streams_than_one_connection_may_have_come_on_two():
    names = [f"X{number}USDT" for number in range(1100)]
    async with LocalExchange(names, rate=0) as exchange, Binance(exchange.endpoint) as binance:
        subscription = binance.market.subscribe(*(f"{name}@trade" for name in names))
        await subscription.confirmed(timeout=PATIENCE)
        assert exchange.connections == 2
        for name in names:
            trade(exchange, symbol=name, quantity="1000")
        exchange._wake()
        assert {(await soon(anext(subscription))).symbol for _ in names} == set(names)


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


async def test_cuts_leave_no_descriptor_and_no_task():
    backoff = Backoff(initial=0.01, maximum=0.02)
    async with LocalExchange(["BTCUSDT"], rate=500) as exchange:
        descriptors, tasks = open_descriptors(), len(asyncio.all_tasks())
        async with Binance(exchange.endpoint, backoff=backoff) as binance:
            trades = binance.market.trades("BTCUSDT")
            numbers = [(await anext(trades)).trade_id]
            for cut in range(40):
                exchange.fault("torn" if cut % 2 else "drop", connection="stream" if cut % 3 else "api")
                numbers += [(await anext(trades)).trade_id for _ in range(20)]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        await until(lambda: open_descriptors() <= descriptors, "descriptors closed")
        await until(lambda: len(asyncio.all_tasks()) == tasks, "tasks ended")


class Scripted(WSListener):
    """A server that sends some frames and then nothing."""

    def __init__(self, frames):
        self._frames = frames

    def on_ws_connected(self, transport):
        for kind, payload, fin in self._frames:
            transport.send(kind, payload, fin)

    def on_ws_frame(self, transport, frame):
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()


async def serve(frames):
    server = await ws_create_server(lambda request: Scripted(frames), "127.0.0.1", 0)
    return server, Endpoint.local(server.sockets[0].getsockname()[1])


async def test_fragmented_and_very_large_frames_are_read():
    whole = b'{"stream":"btcusdt@trade","data":' + TRADE % (1, b"") + b"}"
    padding = b',"pad":"' + b"x" * (60 * 1024 * 1024) + b'"'
    large = b'{"stream":"btcusdt@trade","data":' + TRADE % (2, padding) + b"}"
    assert len(large) < MAX_FRAME_BYTES
    third = len(large) // 3
    server, endpoint = await serve(
        [
            (WSMsgType.TEXT, whole[:20], False),
            (WSMsgType.CONTINUATION, whole[20:50], False),
            (WSMsgType.PING, b"in between", True),
            (WSMsgType.CONTINUATION, whole[50:], True),
            (WSMsgType.TEXT, large, True),
            (WSMsgType.TEXT, large[:third], False),
            (WSMsgType.CONTINUATION, large[third:], True),
        ]
    )
    async with server, Binance(endpoint) as binance:
        trades = binance.market.trades("BTCUSDT", heal=False)
        async with asyncio.timeout(PATIENCE):
            events = [await anext(trades) for _ in range(3)]
        assert [event.trade_id for event in events] == [1, 2, 2]
        assert all(isinstance(event, TradeEvent) for event in events)


async def test_what_is_no_websocket_is_told():
    async def answer(reader, writer):
        await reader.readline()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    endpoint = Endpoint.local(server.sockets[0].getsockname()[1])
    async with server, Binance(endpoint, backoff=Backoff(attempts=1)) as binance:
        with pytest.raises(ConnectFailed, match="404"):
            await binance.call(TimeRequest())


async def test_a_websocket_that_is_not_binance_is_told():
    server, endpoint = await serve([(WSMsgType.TEXT, b"hello", True)])
    async with server:
        with pytest.raises(ConfigurationError, match="is not Binance"):
            await look_up_symbols(endpoint, ["BTCUSDT"], timeout=0.3)


async def test_an_address_that_refuses_is_told():
    with pytest.raises(ConnectFailed, match="gave up after 1 attempts"):
        await look_up_symbols(Endpoint.local(1), ["BTCUSDT"])


async def test_a_server_that_never_answers_the_handshake_is_told():
    async def ignore(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    endpoint = Endpoint.local(server.sockets[0].getsockname()[1])
    options = {"backoff": Backoff(attempts=1), "timeouts": Timeouts(open=0.2)}
    async with server, Binance(endpoint, **options) as binance:
        with pytest.raises(ConnectFailed, match=r"within 0\.2 s"):
            await binance.call(TimeRequest())


async def test_unknown_symbols_are_named():
    async with LocalExchange(["BTCUSDT"]) as exchange:
        with pytest.raises(UnknownSymbol, match="NOPEUSDT"):
            await look_up_symbols(exchange.endpoint, ["BTCUSDT", "NOPEUSDT"])
        assert set(await look_up_symbols(exchange.endpoint, ["BTCUSDT"])) == {"BTCUSDT"}


async def test_an_authority_that_cannot_be_read_is_told_at_once(tmp_path):
    with pytest.raises(ConfigurationError, match=r"missing\.pem cannot be read"):
        Binance(Endpoint.local(1, ca=os.fspath(tmp_path / "missing.pem")))


def certificate(folder, *, host="127.0.0.1", last_year=2100):
    """A self-signed certificate and its server context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(last_year, 12, 31, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{host}.pem"
    pem.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return os.fspath(pem), context


@pytest.mark.parametrize(
    ("made", "trusted", "problem"),
    [
        ({}, True, None),
        ({}, False, "certificate.verify.failed"),
        ({"host": "10.1.2.3"}, True, "certificate.verify.failed"),
        ({"last_year": 2021}, True, "certificate.verify.failed"),
    ],
    ids=["good", "unknown", "wrong host", "expired"],
)
async def test_certificates_are_verified(tmp_path, made, trusted, problem):
    pem, context = certificate(tmp_path, **made)
    frame = b'{"stream":"btcusdt@trade","data":' + TRADE % (1, b"") + b"}"
    server = await ws_create_server(
        lambda request: Scripted([(WSMsgType.TEXT, frame, True)]), "127.0.0.1", 0, ssl=context
    )
    other, _ = certificate(tmp_path, host="127.0.0.2")
    endpoint = Endpoint.local(server.sockets[0].getsockname()[1], ca=pem if trusted else other)
    async with server, Binance(endpoint, backoff=Backoff(attempts=1)) as binance:
        trades = binance.market.trades("BTCUSDT", heal=False)
        if problem is None:
            assert (await soon(anext(trades))).trade_id == 1
        else:
            with pytest.raises(ConnectFailed, match=f"(?i)TLS failed.*{problem}"):
                await soon(anext(trades))
