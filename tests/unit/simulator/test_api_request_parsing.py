"""Frames of the WebSocket API become requests, or the documented error."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.models.base_models import KlineInterval, Model
from cryptotrader.protocol.request import LARGEST
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.requests import DepthRequest, ExchangeInfoRequest, KlinesRequest, PingRequest, TickerRequest
from cryptotrader.simulator.api_requests import encode_reply, encode_result, parse
from cryptotrader.simulator.handlers import ApiError

LIMIT = {"symbol": "A", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "1", "quantity": "1"}
OCO = {"symbol": "A", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "2", "belowType": "STOP_LOSS", "belowStopPrice": "1"}  # fmt: skip


def sent(method="depth", number=1, **params):
    return json.dumps({"id": number, "method": method, "params": params}).encode()


def order(**changes):
    complete = {"symbol": "A", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "1", "quantity": "1"}
    return sent("order.place", **(complete | changes))


SYMBOL_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"


@pytest.mark.parametrize(
    ("payload", "request_"),
    [
        (b'{"id":1,"method":"ping"}', PingRequest()),
        (sent(symbol="BTCUSDT", limit="5"), DepthRequest(symbol="BTCUSDT", limit=5)),
        (sent("v3/depth", symbol="BTCUSDT"), DepthRequest(symbol="BTCUSDT")),
        (sent("klines", symbol="A", interval="1M"), KlinesRequest(symbol="A", interval=KlineInterval.MONTH_1)),
        (sent("ticker", symbols=["A", "B"]), TickerRequest(symbols=("A", "B"))),
        (sent("exchangeInfo", permissions="SPOT"), ExchangeInfoRequest(permissions="SPOT")),
        (sent("ping", apiKey="k", signature="s", timestamp=1, recvWindow=5), PingRequest()),
    ],
)
def test_requests_are_read(payload, request_):
    envelope = parse(payload)
    assert envelope.request == request_
    assert envelope.id == 1


@pytest.mark.parametrize("number", [1, "abc-_9", None, -3])
def test_the_id_is_kept(number):
    assert parse(sent("nothing", number=number)).id == number


@pytest.mark.parametrize(
    ("payload", "code", "message"),
    [
        (b"{", -1135, "Invalid JSON Request"),
        (b"[]", -1135, "Invalid JSON Request"),
        (b'{"id":' + b"[" * 5_000, -1135, "Invalid JSON Request"),
        (b"\xff", -1135, "Invalid JSON Request"),
        (sent(number={}), -1100, "Illegal characters found in parameter 'id'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
        (sent(number="a b"), -1100, "Illegal characters found in parameter 'id'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
        (b'{"id":1}', -1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed."),
        (sent("no.such"), -1020, "This operation is not supported."),
        (b'{"id":1,"method":"ping","params":[]}', -1135, "Invalid 'params' in JSON request; expected an object."),
        (sent(), -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        (sent(symbol=""), -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        (sent(symbol=7), -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        (sent(symbol="A", limit=None), -1105, "Parameter 'limit' was empty."),
        (sent(symbol="A", limit=0), -1130, "Data sent for parameter 'limit' is not valid."),
        (sent(symbol="A", limit="many"), -1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."),
        (sent(symbol="A", speed=1), -1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'."),
        (sent("klines", symbol="A"), -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."),
        (sent("klines", symbol="A", interval="7m"), -1120, "Invalid interval."),
        (sent("klines", symbol="A", interval="1m", timeZone="25"), -1130, "Data sent for parameter 'timeZone' is not valid."),
        (sent("ticker"), -1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"),
        (sent("ticker", symbol="A", symbols=["B"]), -1128, "Combination of optional parameters invalid."),
        (sent("ticker", symbol="A", type="BIG"), -1139, "Invalid ticker type."),
        (sent("ticker", symbols="A"), -1130, "Data sent for parameter 'symbols' is not valid."),
        (sent("ticker", symbols=[]), -1130, "Data sent for parameter 'symbols' is not valid."),
        (sent("ping", returnRateLimits="perhaps"), -1130, "Data sent for parameter 'returnRateLimits' is not valid."),
        (sent("order.place", **LIMIT, strategyType=999_999), -1134, "`strategyType` was less than 1000000."),
        (sent("order.place", **LIMIT, strategyType="5"), -1134, "`strategyType` was less than 1000000."),
        (sent("order.place", **LIMIT, strategyType="x"), -1100, "Illegal characters found in parameter 'strategyType'; legal range is '^[0-9]{1,20}$'."),
        (sent("orderList.place.oco", **OCO, aboveStrategyType=1), -1134, "`aboveStrategyType` was less than 1000000."),
        (sent("ping", returnRateLimits=[]), -1130, "Data sent for parameter 'returnRateLimits' is not valid."),
        (sent("ping", returnRateLimits=1.0), -1130, "Data sent for parameter 'returnRateLimits' is not valid."),
        (sent(symbol="btcusdt"), -1100, f"Illegal characters found in parameter 'symbol'; legal range is '{SYMBOL_RANGE}'."),
        (sent(symbol="B" * 51), -1100, f"Illegal characters found in parameter 'symbol'; legal range is '{SYMBOL_RANGE}'."),
        (sent("order.status", symbol="A", orderId=2**63), -1108, "Parameter 'orderId' overflowed."),
        (sent("order.status", symbol="A", orderId=str(2**63)), -1108, "Parameter 'orderId' overflowed."),
        (sent("klines", symbol="A", interval="1m", startTime=2**63), -1108, "Parameter 'startTime' overflowed."),
        (order(strategyId=10**20 - 1), -1108, "Parameter 'strategyId' overflowed."),
        (order(strategyType=10**20 - 1), -1108, "Parameter 'strategyType' overflowed."),
        (order(pegPriceType="PRIMARY_PEG", pegOffsetType="PRICE_LEVEL", pegOffsetValue=101), -1130, "Data sent for parameter 'pegOffsetValue' is not valid."),
        (order(type="MARKET", price=None), -1105, "Parameter 'price' was empty."),
    ],
)  # fmt: skip
def test_wrong_requests_get_the_documented_error(payload, code, message):
    error = parse(payload).request
    assert isinstance(error, ApiError)
    assert (error.status, error.code, error.message) == (400, code, message)


@pytest.mark.parametrize(("value", "flag"), [(True, True), ("true", True), (False, False), ("false", False)])
def test_rate_limits_can_be_asked_for_in_a_request(value, flag):
    envelope = parse(sent("ping", returnRateLimits=value))
    assert envelope.request == PingRequest()
    assert envelope.return_rate_limits is flag


def test_replies_are_assembled():
    plain = encode_reply("x", 200, b"result", b"{}", None)
    limited = encode_reply(None, 400, b"error", b'{"code":-1}', b"[]")
    assert plain == b'{"id":"x","status":200,"result":{}}'
    assert limited == b'{"id":null,"status":400,"error":{"code":-1},"rateLimits":[]}'


class Priced(Model, frozen=True, kw_only=True):
    price: Decimal


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_results_hold_no_exponent(value):
    encoded = encode_result([Priced(price=value)])
    text = msgspec.json.decode(encoded)[0]["price"]
    assert "E" not in text
    assert Decimal(text) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_read(payload):
    assert parse(payload).request is not None


# ------------------------------------------------------------------------------------------------------------ numbers


def refusal(payload):
    error = parse(payload).request
    assert isinstance(error, ApiError)
    return error.code, error.message


@pytest.mark.parametrize(
    "number",
    [
        "1e5",
        "5E4",
        "1e-3",
        "1e20",
        "1e1000",
        "1e99999999",
        "1e9999999999999999999",
        "1e-9999999999999999999",
        "-1",
        "-0.5",
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_an_amount_is_judged_as_it_was_written(number, quoted):
    text = f'"{number}"' if quoted else number
    payload = order(price="PRICE").replace(b'"PRICE"', text.encode())
    legal = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
    assert refusal(payload) == (-1100, f"Illegal characters found in parameter 'price'; legal range is '{legal}'.")


@pytest.mark.parametrize(
    "text",
    [
        *("-1", "1.5", "1e5", "1e9999999999999999999", "9" * 25),
        *('"-1"', '"1.5"', '"1e5"', '"+1"', '"abc"', '"1e9999999999999999999"', '"9999999999999999999999999"'),
    ],
)
def test_a_whole_number_is_judged_as_it_was_written(text):
    payload = sent("order.cancel", symbol="A", orderId="ID").replace(b'"ID"', text.encode())
    assert refusal(payload) == (
        -1100,
        "Illegal characters found in parameter 'orderId'; legal range is '^[0-9]{1,20}$'.",
    )


def test_numbers_with_a_point_are_amounts_and_are_signed_as_written():
    envelope = parse(order(quantity="Q").replace(b'"Q"', b"0.0010"))
    assert envelope.request.quantity == Decimal("0.001")
    assert signature_payload({"quantity": envelope.params["quantity"]}) == "quantity=0.0010"


@pytest.mark.parametrize("number", ["1e-09", "1.5", "1e5", "1e9999999999999999999"])
@pytest.mark.parametrize(("name", "code"), [("newClientOrderId", -1130), ("symbol", -1102), ("side", -1102)])
def test_a_number_is_no_text(name, code, number):
    assert refusal(order(**{name: "N"}).replace(b'"N"', number.encode()))[0] == code


@pytest.mark.parametrize("number", ["1.5", "1e5", "1e9999999999999999999"])
def test_a_number_with_a_point_or_an_exponent_is_no_id(number):
    assert refusal(b'{"id":%b,"method":"ping"}' % number.encode())[0] == -1100


def test_the_largest_whole_number_is_taken():
    assert parse(sent("order.status", symbol="A", orderId=LARGEST)).request.order_id == LARGEST


@pytest.mark.parametrize("name", ["newClientOrderId", "aboveClientOrderId", "listClientOrderId"])
@pytest.mark.parametrize("value", ["a b", "a" * 37, "é", "x.y", "x\n"])
def test_a_new_client_order_id_has_a_legal_range(name, value):
    method = "order.place" if name.startswith("new") else "orderList.place.oco"
    payload = order(newClientOrderId=value) if method == "order.place" else sent(
        method, symbol="A", side="SELL", quantity="1", aboveType="LIMIT_MAKER", belowType="STOP_LOSS", **{name: value}
    )  # fmt: skip
    legal = "^[a-zA-Z0-9-_]{1,36}$"
    assert refusal(payload) == (-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def test_symbols_of_other_scripts_are_taken():
    assert parse(sent(symbol="这是测试币USDT")).request == DepthRequest(symbol="这是测试币USDT")


# -------------------------------------------------------------------------------------------------------- double names


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":1,"method":"order.place","params":{"symbol":"A","price":"1","price":"2"}}',
        b'{"id":1,"method":"order.place","params":{"symbol":"A","price":"1","price" : "1"}}',
        b'{"id":1,"method":"order.place","params":{"symbol":"A","price":1,"\\u0070rice":1e9999999999999999999}}',
        b'{"id":1,"id":2,"method":"depth","params":{"symbol":"A"}}',
    ],
)
def test_a_name_that_comes_twice_is_refused(payload):
    assert refusal(payload) == (-1101, "Duplicate values for a parameter detected.")


def test_colons_in_values_are_no_names():
    request = parse(sent("klines", symbol="A", interval="1m", timeZone="5:45")).request
    assert request == KlinesRequest(symbol="A", interval=KlineInterval.MINUTE_1, time_zone="5:45")


def test_parameters_nested_too_deep_are_refused():
    depth = 700
    payload = b'{"id":1,"method":"ping","params":{"a":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"
    assert refusal(payload)[0] in (-1104, -1135)
