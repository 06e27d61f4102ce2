"""The exchange over TLS, and the certificates that a client must refuse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cryptotrader.base_operations import api_connection
from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Endpoint, Timeouts
from cryptotrader.errors import ConfigurationError, ConnectFailed
from cryptotrader.requests import TimeRequest
from cryptotrader.simulator import LocalExchange
from cryptotrader.simulator.certificates import server_context
from cryptotrader.transport.picows_server import SocketServer
from cryptotrader.transport.serving import Refusal
from waiting import soon


async def ask(endpoint, timeouts=None):
    api = api_connection(endpoint, backoff=Backoff(attempts=1), timeouts=timeouts)
    try:
        return await api.call(TimeRequest())
    finally:
        await api.close()


async def test_trades_and_requests_come_over_tls(tmp_path):
    async with LocalExchange(["BTCUSDT"], rate=200, tls=tmp_path / "tls") as exchange:
        assert exchange.endpoint.stream_url.startswith("wss://127.0.0.1:")
        assert (tmp_path / "tls" / "server-key.pem").stat().st_mode & 0o077 == 0
        async with Binance(exchange.endpoint) as binance:
            trades = binance.market.trades("BTCUSDT")
            first, second = await soon(anext(trades)), await soon(anext(trades))
            assert second.trade_id == first.trade_id + 1
        assert (await ask(exchange.endpoint)).server_time > 0


async def test_an_unknown_authority_is_refused(tmp_path):
    async with LocalExchange(["BTCUSDT"], rate=0, tls=tmp_path / "tls") as exchange:
        stranger = Endpoint.local(exchange.port, scheme="wss")
        with pytest.raises(ConnectFailed, match="unable to get local issuer certificate"):
            await ask(stranger)
        async with LocalExchange(["BTCUSDT"], rate=0, tls=tmp_path / "other") as other:
            crossed = Endpoint.local(exchange.port, ca=other.endpoint.ca)
            with pytest.raises(ConnectFailed, match="unable to get local issuer certificate"):
                await ask(crossed)


@pytest.mark.parametrize(
    ("host", "begin", "problem"),
    [
        ("127.0.0.1", datetime(2020, 1, 1, tzinfo=UTC), "certificate has expired"),
        ("127.0.0.1", datetime(2100, 1, 1, tzinfo=UTC), "certificate is not yet valid"),
        ("exchange.example", None, "IP address mismatch"),
    ],
)
async def test_a_certificate_that_does_not_fit_is_refused(tmp_path, host, begin, problem):
    context = server_context(tmp_path, host, not_before=begin)
    server = SocketServer(lambda _: Refusal(404), "127.0.0.1", 0, context)
    await server.listen()
    try:
        with pytest.raises(ConnectFailed, match=problem):
            await ask(Endpoint.local(server.port, ca=str(tmp_path / "ca.pem")))
    finally:
        await server.close()


async def test_plain_and_tls_do_not_mix(tmp_path):
    async with LocalExchange(["BTCUSDT"], rate=0, tls=tmp_path / "tls") as exchange:
        with pytest.raises(ConnectFailed, match="instead of answering"):
            await ask(Endpoint.local(exchange.port))
    async with LocalExchange(["BTCUSDT"], rate=0) as exchange:
        with pytest.raises(ConnectFailed, match=r"within 0\.3 s"):
            await ask(Endpoint.local(exchange.port, ca=str(tmp_path / "tls" / "ca.pem")), Timeouts(open=0.3))


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_that_cannot_be_read_is_a_setting_gone_wrong(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="certificate authority"):
        await ask(Endpoint.local(ca=str(path)))


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write"):
        server_context(tmp_path / "file" / "tls", "127.0.0.1")
