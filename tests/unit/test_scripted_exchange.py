"""The witness itself: it shares nothing with the library, and it sees what a request does against the documentation."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

import scripted
from scripted.checking import (
    Asked,
    Keys,
    Malformed,
    payload_of,
    request_of,
    verifies,
    wrong_command,
    wrong_parameters,
    wrong_streams,
    wrong_time,
)
from scripted.events import MARKET, USER
from scripted.parameters import METHODS, SIGNED
from scripted.replies import REPLIES

FILES = sorted(Path(scripted.__file__).parent.glob("*.py"))
MAY_BE_IMPORTED = {"scripted", "websockets", "cryptography", *sys.stdlib_module_names}
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.002",
    "price": "63000.00",
    "timestamp": 1790000000000,
    "apiKey": "key",
}


def imported(text: str) -> set[str]:
    """The packages that a module imports, wherever in it."""
    found = set()
    nodes = list(ast.walk(ast.parse(text)))
    assert nodes
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative"
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Name) and node.id in {"__import__", "import_module"}:
            found.add(node.id)
    return found


def test_the_witness_imports_nothing_of_the_library_nor_of_its_tests():
    assert len(FILES) > 4
    assert {name for file in FILES for name in imported(file.read_text())} <= MAY_BE_IMPORTED


@pytest.mark.parametrize(
    "line",
    [
        "import cryptotrader.models",
        "from cryptotrader import client",
        "def f():\n    import picows",
        "from waiting import soon",
    ],
)
def test_what_the_witness_may_not_import_is_seen(line):
    assert not imported(line) <= MAY_BE_IMPORTED


def test_the_methods_are_those_that_are_documented(shared_folder):
    assert set(METHODS) == set(json.loads((shared_folder / "reference/methods.json").read_text()))


def test_each_method_is_answered_and_each_text_is_json():
    assert REPLIES.keys() == METHODS.keys()
    texts = [text.replace("$id", "1").replace("$now", "1") for text in REPLIES.values()]
    assert all(json.loads(text)["id"] == 1 for text in texts)
    assert all(json.loads(text) for text in [*MARKET.values(), *USER.values()])


BROKEN = [
    ("order.place", {**ORDER, "price": 63000}, "price 63000 is no decimal"),
    ("order.place", {**ORDER, "price": "6.3E+4"}, "is no decimal"),
    ("order.place", {**ORDER, "price": "-1"}, "is no decimal"),
    ("order.place", {**ORDER, "side": "buy"}, "is none of its values"),
    ("order.place", {**ORDER, "symbol": "btcusdt"}, "is not in upper case"),
    ("order.place", {**ORDER, "newClientOrderId": "x" * 37}, "is no client order id"),
    ("order.place", {**ORDER, "strategyType": 999_999}, "less than 1000000"),
    ("order.place", {**ORDER, "pegOffsetValue": 101}, "more than 100"),
    ("order.place", {**ORDER, "trailingDelta": "100"}, "is no integer"),
    ("order.place", {**ORDER, "recvWindow": 60_001}, "longer than a minute"),
    ("order.place", {**ORDER, "stopprice": "1"}, "stopprice is not documented"),
    ("order.place", {name: ORDER[name] for name in ORDER if name != "side"}, "side is mandatory"),
    ("order.place", {name: ORDER[name] for name in ORDER if name != "timeInForce"}, "needs timeInForce"),
    ("order.place", {**ORDER, "type": "STOP_LOSS"}, "needs stopPrice or trailingDelta"),
    ("order.cancel", {"symbol": "BTCUSDT"}, "none of orderId origClientOrderId"),
    ("depth", {"symbol": "BTCUSDT", "limit": 5001}, "limit 5001 is out of range"),
    ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1001}, "is out of range"),
    ("klines", {"symbol": "BTCUSDT", "interval": "2m"}, "is none of its values"),
    ("ticker", {"symbol": "BTCUSDT", "symbols": ["BTCUSDT"]}, "more than one of symbol symbols"),
    ("ticker", {}, "none of symbol symbols"),
    ("exchangeInfo", {"symbols": "BTCUSDT"}, "is no array of texts"),
    ("exchangeInfo", {"showPermissionSets": "true"}, "is no boolean"),
    ("myTrades", {"symbol": "BTCUSDT", "orderId": 1, "startTime": 1}, "do not go together"),
    ("ping", {"apiKey": "key"}, "apiKey is not documented"),
    ("userDataStream.start", {}, "is not documented"),
    (
        "orderList.place.oco",
        {**ORDER, "aboveType": "LIMIT_MAKER", "belowType": "STOP_LOSS"},
        "above of type LIMIT_MAKER",
    ),
]


@pytest.mark.parametrize(("method", "params", "why"), BROKEN)
def test_a_request_against_the_documentation_is_seen(method, params, why):
    assert any(why in each for each in wrong_parameters(Asked(method, params)))


def test_a_request_by_the_documentation_passes():
    assert not list(wrong_parameters(Asked("order.place", ORDER)))
    assert not list(wrong_parameters(Asked("exchangeInfo", {"permissions": ["SPOT", "MARGIN"]})))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"method":1}',
        '{"id":1.5,"method":"ping"}',
        '{"id":true,"method":"ping"}',
        '{"id":"","method":"ping"}',
        '{"id":"%s","method":"ping"}' % ("x" * 37),
        '{"id":9223372036854775808,"method":"ping"}',
        '{"id":1,"id":2,"method":"ping"}',
        '{"id":1,"method":"ping","jsonrpc":"2.0"}',
    ],
)
def test_a_frame_that_is_no_request_is_seen(text):
    with pytest.raises(Malformed, match=r"not JSON|not a request|an id|twice"):
        request_of(text, 1)


@pytest.mark.parametrize(
    "name", ["BTCUSDT@trade", "btcusdt@kline_2m", "btcusdt@depth7", "!ticker@arr", "btcusdt", "btcusdt@ticker_2h", 5]
)
def test_a_stream_that_is_not_documented_is_seen(name):
    assert list(wrong_streams([name]))
    assert list(wrong_command(Asked("SUBSCRIBE", [name])))


def test_documented_streams_pass():
    assert not list(wrong_streams(list(MARKET)))
    assert list(wrong_command(Asked("LISTEN", []))) == ["LISTEN is no stream command"]


@pytest.mark.parametrize(
    ("params", "logged_on_as", "why"),
    [
        ({"timestamp": 1}, None, "are mandatory"),
        ({"timestamp": 1, "apiKey": "key"}, None, "go together"),
        ({"timestamp": 1, "apiKey": "other", "signature": "ab"}, None, "is not known"),
        ({"timestamp": 1, "apiKey": "key", "signature": "ab"}, "key", "is wrong"),
        ({"timestamp": 1}, "key", ""),
    ],
)
def test_who_signs_is_looked_at(params, logged_on_as, why):
    keys = Keys({"key": "secret"})
    assert why in keys.wrong_signature(Asked("order.place", params), logged_on_as)
    assert bool(why) == bool(keys.wrong_signature(Asked("order.place", params), logged_on_as))


def test_a_log_on_takes_an_ed25519_key_and_a_signature():
    keys = Keys({"key": "secret"})
    asked = Asked("session.logon", {"timestamp": 1, "apiKey": "key", "signature": "ab"})
    assert "Ed25519 keys only" in keys.wrong_signature(asked, None)
    assert "are mandatory" in keys.wrong_signature(Asked("session.logon", {"timestamp": 1}), "key")
    assert "session.logon" in SIGNED


@pytest.mark.parametrize(
    ("timestamp", "window", "why"),
    [
        (1_000_999, 5000, ""),
        (1_001_000, 5000, "1000ms ahead"),
        (995_000, 5000, ""),
        (994_999, 5000, "outside of the recvWindow"),
        (999_899, "100.5", "outside of the recvWindow"),
    ],
)
def test_the_time_of_a_request_is_looked_at_as_documented(timestamp, window, why):
    found = wrong_time({"timestamp": timestamp, "recvWindow": window}, 1_000_000)
    assert why in found
    assert bool(found) == bool(why)


def test_documented_signatures_are_right(shared_folder):
    told = json.loads((shared_folder / "reference/signing_vectors_hmac.json").read_text())
    vectors = [(payload_of(each["params"]), each["signature"]) for each in told["vectors"]]
    assert len(vectors) == 17
    assert all(verifies(told["secretKey"], payload, signature) for payload, signature in vectors)
    assert not any(verifies(told["secretKey"], payload + b"x", signature) for payload, signature in vectors)
