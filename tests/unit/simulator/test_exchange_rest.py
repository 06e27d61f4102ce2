"""The REST reads of the local exchange, without a socket."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from cryptotrader.simulator import LocalExchange
from virtual_clock import running_loop


class Reads:
    """GETs of an exchange in memory."""

    def __init__(self):
        self.exchange = LocalExchange(["BTCUSDT", "ETHUSDT"], port=None, rate=0, clock=running_loop().wall_us)

    def get(self, path, **parameters):
        answer = self.exchange._reception.answer_rest(f"{path}?{urlencode(parameters)}")
        return answer.status, json.loads(answer.body), answer.headers


async def test_a_read_is_answered_with_the_weight_that_is_used():
    reads = Reads()
    status, body, headers = reads.get("/api/v3/depth", symbol="BTCUSDT", limit=5)
    assert (status, sorted(body)) == (200, ["asks", "bids", "lastUpdateId"])
    assert headers == {"X-MBX-USED-WEIGHT-1M": "5"}
    _, prices, headers = reads.get("/api/v3/ticker/price", symbols='["BTCUSDT","ETHUSDT"]')

    assert [each["symbol"] for each in prices] == ["BTCUSDT", "ETHUSDT"]
    assert headers == {"X-MBX-USED-WEIGHT-1M": "9"}


@pytest.mark.parametrize(
    ("path", "parameters", "code", "weight"),
    [
        ("depth", {"symbol": "NOPE"}, -1121, 5),
        ("depth", {}, -1102, 1),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, -1100, 1),
        ("ticker/price", {"symbols": "[nonsense"}, -1130, 1),
    ],
)
async def test_what_is_refused_is_told_with_its_code_and_costs_weight(path, parameters, code, weight):
    status, body, headers = Reads().get(f"/api/v3/{path}", **parameters)

    assert (status, body["code"]) == (400, code)
    assert headers == {"X-MBX-USED-WEIGHT-1M": str(weight)}


@pytest.mark.parametrize("path", ["/api/v3/order", "/api/v3/", "/api/v3/session.logon", "/ping", "ping"])
async def test_a_path_that_is_not_served_is_not_found(path):
    status, body, headers = Reads().get(path)

    assert (status, body["code"], headers) == (404, -1000, {})


async def test_too_much_weight_is_refused_until_the_next_minute_and_then_with_a_ban():
    reads = Reads()
    for _ in range(24):
        assert reads.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)[0] == 200
    status, body, headers = reads.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)

    assert (status, body["code"]) == (429, -1003)
    assert headers["Retry-After"] == "60"
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) >= 6_000


async def test_a_banned_address_is_told_how_long():
    reads = Reads()
    await reads.exchange.start()
    reads.exchange.fault("ban", seconds=30)
    status, body, headers = reads.get("/api/v3/time")
    await reads.exchange.stop()

    assert (status, body["code"], headers["Retry-After"]) == (418, -1003, "30")
