"""The REST reads of the local exchange, on the port of its streams."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

from cryptotrader.simulator.rest import _METHODS
from waiting import PATIENCE


@pytest.fixture
def get(exchange):
    def read(path, **parameters):
        url = f"http://127.0.0.1:{exchange.port}/api/v3/{path}?{urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read()), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read()), error.headers

    return read


@pytest.mark.parametrize("path", _METHODS)
def test_every_path_is_answered(get, path):
    needed = {
        "historicalBlockTrades": {"fromId": 1},
        "klines": {"interval": "1m"},
        "uiKlines": {"interval": "1m"},
    }.get(path, {})
    symbol = {} if path in {"ping", "time"} else {"symbol": "BTCUSDT"}
    status, body, headers = get(path, **symbol, **needed)
    assert (status, headers["Content-Type"]) == (200, "application/json;charset=UTF-8")
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) > 0
    assert len(headers.get_all("Content-Length")) == 1
    assert isinstance(body, (dict, list))


def test_lists_numbers_and_flags_come_as_text(get):
    _, prices, _ = get("ticker/price", symbols='["BTCUSDT","ETHUSDT"]')
    assert [each["symbol"] for each in prices] == ["BTCUSDT", "ETHUSDT"]
    _, book, _ = get("depth", symbol="ETHBTC", limit=3)
    assert len(book["bids"]) == 3
    _, info, _ = get("exchangeInfo", permissions='["SPOT"]', showPermissionSets="false")
    assert [each["permissionSets"] for each in info["symbols"]] == [[], [], []]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "code"),
    [
        ("depth", {"symbol": "NOPE"}, 400, -1121),
        ("depth", {}, 400, -1102),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, 400, -1100),
        ("ticker/price", {"symbols": "[nonsense"}, 400, -1130),
        ("nothing/here", {}, 404, -1000),
    ],
)
def test_refusals(get, path, parameters, status, code):
    answered, body, _ = get(path, **parameters)
    assert (answered, body["code"]) == (status, code)


def test_rest_and_requests_share_one_weight(get, exchange):
    exchange.fault("ban", seconds=86_400)
    status, body, headers = get("time")
    assert (status, body["code"]) == (418, -1003)
    assert 0 < int(headers["Retry-After"]) <= 86_401
