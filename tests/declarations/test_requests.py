"""Every declared request: names, golden parameters, weight, rules and result."""

from __future__ import annotations

import importlib
import inspect
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import cryptotrader.requests
import golden_trading_requests
from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import OrderType, Side, SymbolStatus, SymbolStatusFilter, TickerType, snake_name
from cryptotrader.protocol.request import REGISTRY, Method, Request, SecurityType, Signing
from cryptotrader.requests import (
    AvgPriceRequest,
    BlockTradesHistoricalRequest,
    DepthRequest,
    ExchangeInfoRequest,
    ExecutionRulesRequest,
    KlinesRequest,
    OrderTestRequest,
    PingRequest,
    ReferencePriceCalculationRequest,
    ReferencePriceRequest,
    Ticker24hrRequest,
    TickerBookRequest,
    TickerPriceRequest,
    TickerRequest,
    TickerTradingDayRequest,
    TimeRequest,
    TradesAggregateRequest,
    TradesHistoricalRequest,
    TradesRecentRequest,
    UiKlinesRequest,
)

GOLDEN = [
    (PingRequest(), {}, 1),
    (TimeRequest(), {}, 1),
    (ExchangeInfoRequest(), {}, 20),
    (ExchangeInfoRequest(symbols=("BTCUSDT", "ETHBTC")), {"symbols": ["BTCUSDT", "ETHBTC"]}, 20),
    (ExchangeInfoRequest(permissions="SPOT"), {"permissions": "SPOT"}, 20),
    (ExchangeInfoRequest(permissions=("SPOT", "MARGIN")), {"permissions": ["SPOT", "MARGIN"]}, 20),
    (ExchangeInfoRequest(symbol_status=SymbolStatusFilter.HALT), {"symbolStatus": "HALT"}, 20),
    (ExecutionRulesRequest(), {}, 40),
    (ExecutionRulesRequest(symbol="BTCUSDT"), {"symbol": "BTCUSDT"}, 2),
    (ExecutionRulesRequest(symbols=("A",) * 30), {"symbols": ["A"] * 30}, 40),
    (DepthRequest(symbol="BTCUSDT"), {"symbol": "BTCUSDT"}, 5),
    (DepthRequest(symbol="BTCUSDT", limit=100), {"symbol": "BTCUSDT", "limit": 100}, 5),
    (DepthRequest(symbol="BTCUSDT", limit=101), {"symbol": "BTCUSDT", "limit": 101}, 25),
    (DepthRequest(symbol="BTCUSDT", limit=1000), {"symbol": "BTCUSDT", "limit": 1000}, 50),
    (DepthRequest(symbol="BTCUSDT", limit=5000), {"symbol": "BTCUSDT", "limit": 5000}, 250),
    (TradesRecentRequest(symbol="BTCUSDT", limit=1), {"symbol": "BTCUSDT", "limit": 1}, 25),
    (TradesHistoricalRequest(symbol="BTCUSDT", from_id=0), {"symbol": "BTCUSDT", "fromId": 0}, 25),
    (BlockTradesHistoricalRequest(symbol="BTCUSDT", from_id=9), {"symbol": "BTCUSDT", "fromId": 9}, 25),
    (TradesAggregateRequest(symbol="BTCUSDT", start_time=1, end_time=2), {"symbol": "BTCUSDT", "startTime": 1, "endTime": 2}, 4),
    (KlinesRequest(symbol="BTCUSDT", interval="1M", time_zone="-1:00"), {"symbol": "BTCUSDT", "interval": "1M", "timeZone": "-1:00"}, 2),
    (UiKlinesRequest(symbol="BTCUSDT", interval="1s"), {"symbol": "BTCUSDT", "interval": "1s"}, 2),
    (AvgPriceRequest(symbol="BTCUSDT"), {"symbol": "BTCUSDT"}, 2),
    (Ticker24hrRequest(), {}, 80),
    (Ticker24hrRequest(symbol="A"), {"symbol": "A"}, 2),
    (Ticker24hrRequest(symbols=("A",) * 21, type=TickerType.MINI), {"symbols": ["A"] * 21, "type": "MINI"}, 40),
    (Ticker24hrRequest(symbols=("A",) * 101), {"symbols": ["A"] * 101}, 80),
    (TickerTradingDayRequest(symbols=("A", "B")), {"symbols": ["A", "B"]}, 8),
    (TickerTradingDayRequest(symbols=("A",) * 60), {"symbols": ["A"] * 60}, 200),
    (TickerRequest(symbol="A", window_size="59m"), {"symbol": "A", "windowSize": "59m"}, 4),
    (TickerRequest(symbols=("A",) * 51), {"symbols": ["A"] * 51}, 200),
    (TickerPriceRequest(), {}, 4),
    (TickerPriceRequest(symbol="A"), {"symbol": "A"}, 2),
    (TickerPriceRequest(symbols=("A",)), {"symbols": ["A"]}, 4),
    (TickerBookRequest(symbol="A"), {"symbol": "A"}, 2),
    (ReferencePriceRequest(symbol="A"), {"symbol": "A"}, 2),
    (ReferencePriceCalculationRequest(symbol="A"), {"symbol": "A"}, 2),
    *golden_trading_requests.GOLDEN,
]  # fmt: skip


@pytest.mark.parametrize(("request_", "params", "weight"), GOLDEN, ids=lambda value: type(value).__name__)
def test_golden_parameters_and_weight(request_, params, weight):
    assert request_.params() == params
    assert request_.weight == weight
    assert msgspec.convert(json.loads(json.dumps(params)), type(request_)).params() == params


def test_every_method_has_a_golden_request():
    assert {type(request) for request, _, _ in GOLDEN} == set(REGISTRY.values())


@pytest.mark.parametrize("name", REGISTRY)
def test_a_method_names_its_file_and_its_class(name):
    request = REGISTRY[name]
    module = importlib.import_module(request.__module__)
    snake = snake_name(name)

    assert Path(module.__file__ or "").stem == snake
    assert request.__name__ == "".join(part[:1].upper() + part[1:] for part in snake.split("_")) + "Request"
    assert request.__name__ in cryptotrader.requests.__all__
    assert request.api.source


@pytest.mark.parametrize("name", REGISTRY)
def test_a_request_file_has_no_logic(name):
    module = importlib.import_module(REGISTRY[name].__module__)
    source = inspect.getsource(module)

    assert "def " not in source
    assert " if " not in source
    assert not {"apiKey", "signature", "timestamp", "recvWindow"} & set(REGISTRY[name].__struct_encode_fields__)


def test_how_a_request_is_proven():
    signing = {name: kind.api.signing for name, kind in REGISTRY.items() if kind.api.security is not SecurityType.NONE}

    assert len(signing) == 32
    assert {name for name, how in signing.items() if how is Signing.ALWAYS} == {
        "session.logon",
        "userDataStream.subscribe.signature",
    }
    assert {name for name, how in signing.items() if how is Signing.NEVER} == {"userDataStream.subscribe"}
    assert {name for name, kind in REGISTRY.items() if kind.api.is_signed} == set(signing) - {
        "userDataStream.subscribe"
    }


def test_what_is_free_when_it_succeeds():
    """Source: changelog of 2026-04-02."""
    assert {name for name, kind in REGISTRY.items() if kind.api.free_on_success} == {
        "order.place", "sor.order.place", "order.cancel", "openOrders.cancelAll", "order.cancelReplace", "orderList.place",
        "orderList.place.oco", "orderList.place.oto", "orderList.place.otoco", "orderList.place.opo", "orderList.place.opoco",
        "orderList.cancel",
    }  # fmt: skip


def test_how_many_unfilled_orders_a_request_adds():
    assert {name: kind.api.orders for name, kind in REGISTRY.items() if kind.api.orders} == {
        "order.place": 1, "order.cancelReplace": 1, "sor.order.place": 1, "orderList.place": 1, "orderList.place.oco": 2,
        "orderList.place.oto": 2, "orderList.place.otoco": 3, "orderList.place.opo": 2, "orderList.place.opoco": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (DepthRequest(symbol=5), "Expected `str`"),
        (DepthRequest(symbol="A", limit=0), ">= 1"),
        (DepthRequest(symbol="A", limit=5001), "<= 5000"),
        (DepthRequest(symbol="A", limit=1.5), "not float"),
        (DepthRequest(symbol="A", symbol_status=SymbolStatus("NEW_PHASE")), "NEW_PHASE"),
        (DepthRequest(symbol="A", symbol_status=SymbolStatus.CANCEL_ONLY), "Invalid enum value 'CANCEL_ONLY'"),
        (TradesHistoricalRequest(symbol="A", from_id=-1), ">= 0"),
        (TradesHistoricalRequest(symbol="A", limit=Decimal("NaN")), "Expected `int | null`"),
        (OrderTestRequest(symbol="A", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal("NaN")), "not a number"),
        (KlinesRequest(symbol="A", interval="9m"), "Invalid enum value '9m'"),
        (KlinesRequest(symbol="A", interval="1m", time_zone="15:00"), "matching regex"),
        (KlinesRequest(symbol="A", interval="1m", time_zone="-13:00"), "matching regex"),
        (TickerRequest(symbol="A", window_size="60m"), "matching regex"),
        (TickerRequest(), "one of symbol, symbols is required"),
        (TickerRequest(symbol="A", symbols=("B",)), "send only one of symbol, symbols"),
        (Ticker24hrRequest(symbols=()), "length >= 1"),
        (ExchangeInfoRequest(symbol="A", permissions="SPOT"), "send only one of"),
        (
            ExchangeInfoRequest(symbol="A", symbol_status=SymbolStatusFilter.HALT),
            "symbol_status cannot be sent with symbol",
        ),
        (TradesAggregateRequest(symbol="A", from_id=1, end_time=2), "from_id cannot be sent with end_time"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_wrong_parameters_are_refused_before_sending(request_, problem):
    with pytest.raises(RequestInvalid, match=problem):
        request_.params()


def test_a_missing_parameter_is_refused_at_construction():
    with pytest.raises(TypeError, match="symbol"):
        DepthRequest()  # type: ignore[call-arg]


def test_a_request_must_declare_its_method():
    with pytest.raises(TypeError, match="declares no api"):

        class NamelessRequest(Request[int], frozen=True, kw_only=True):
            symbol: str


def test_a_method_is_declared_once():
    with pytest.raises(TypeError, match=r"depth is declared by .*DepthRequest and .*OtherRequest"):

        class OtherRequest(Request[int], frozen=True, kw_only=True):
            api = Method("depth")
