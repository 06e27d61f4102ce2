"""A golden message for each result of the public methods, each stream and each event of ours: decoded, read, encoded."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.models.base_models import Model, PriceLevel, SymbolStatus
from cryptotrader.models.control_models import Gap, Reconnected, ServerShutdown
from cryptotrader.models.market_models import CalculationType, Empty
from cryptotrader.protocol.channel import CHANNELS
from cryptotrader.protocol.request import REGISTRY, SecurityType

MINI = {
    "symbol": "ETHBTC",
    "openPrice": "0.05000000",
    "highPrice": "0.05200000",
    "lowPrice": "0.04900000",
    "lastPrice": "0.05100000",
    "volume": "120.50000000",
    "quoteVolume": "6.12345678",
    "openTime": 1700000000000,
    "closeTime": 1700086399999,
    "firstId": 10,
    "lastId": 99,
    "count": 90,
}
TICKER = MINI | {"priceChange": "-0.00100000", "priceChangePercent": "-1.961", "weightedAvgPrice": "0.05081707"}
TICKER_24HR = TICKER | {
    "prevClosePrice": "0.05000001",
    "lastQty": "0.30000000",
    "bidPrice": "0.05099000",
    "bidQty": "4.00000000",
    "askPrice": "0.05101000",
    "askQty": "5.10000000",
}
BOOK_TICKER = {"symbol": "ETHBTC", "bidPrice": "0.0509", "bidQty": "1", "askPrice": "0.0510", "askQty": "2.50"}
KLINE = [
    1700000000000, "1.10", "1.30", "1.00", "1.20", "50.00", 1700000059999, "58.5000", 7, "20.00", "23.4", "0",
]  # fmt: skip
TRADE = {"id": 7, "price": "0.05", "qty": "2.000", "quoteQty": "0.100", "time": 1700000000001, "isBuyerMaker": True}
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "ICEBERG_PARTS", "limit": 100},
    {"filterType": "OF_A_LATER_DATE", "bound": "1"},
]
SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "CANCEL_ONLY",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "baseCommissionPrecision": 8,
    "quoteCommissionPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"],
    "icebergAllowed": True,
    "ocoAllowed": True,
    "otoAllowed": True,
    "opoAllowed": False,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": False,
    "cancelReplaceAllowed": True,
    "amendAllowed": True,
    "pegInstructionsAllowed": False,
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "filters": FILTERS,
    "permissions": [],
    "permissionSets": [["SPOT", "TRD_GRP_004"]],
    "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
    "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_MAKER"],
}
EXCHANGE = {
    "timezone": "UTC",
    "serverTime": 1700000000002,
    "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}],
    "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
    "symbols": [SYMBOL],
}

RESULTS: list[tuple[str, Any]] = [
    ("ping", {}),
    ("time", {"serverTime": 1700000000003}),
    ("exchangeInfo", EXCHANGE),
    ("exchangeInfo", EXCHANGE | {"sors": [{"baseAsset": "BTC", "symbols": ["BTCUSDT", "BTCUSDC"]}]}),
    ("executionRules", {"symbolRules": [{"symbol": "A", "rules": [{"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.05"}]}]}),
    ("depth", {"lastUpdateId": 5, "bids": [["0.10", "3.000"], ["0.09", "1"]], "asks": []}),
    ("trades.recent", [TRADE | {"isBestMatch": True}]),
    ("trades.historical", [TRADE | {"isBestMatch": False}]),
    ("blockTrades.historical", [TRADE]),
    ("trades.aggregate", [{"a": 3, "p": "0.1", "q": "2.0", "f": 8, "l": 9, "T": 1700000000004, "m": False, "M": True}]),
    ("klines", [KLINE]),
    ("uiKlines", [KLINE, KLINE]),
    ("avgPrice", {"mins": 5, "price": "9.35751834", "closeTime": 1700000000005}),
    ("ticker", MINI),
    ("ticker", [TICKER, TICKER]),
    ("ticker.24hr", TICKER_24HR),
    ("ticker.24hr", [MINI]),
    ("ticker.tradingDay", TICKER),
    ("ticker.tradingDay", [MINI, TICKER]),
    ("ticker.price", {"symbol": "ETHBTC", "price": "0.05100000"}),
    ("ticker.price", [{"symbol": "ETHBTC", "price": "0.05100000"}]),
    ("ticker.book", BOOK_TICKER),
    ("ticker.book", [BOOK_TICKER]),
    ("referencePrice", {"symbol": "A", "referencePrice": "10.00", "timestamp": 1700000000006}),
    ("referencePrice", {"symbol": "A", "referencePrice": None, "timestamp": 1700000000006}),
    ("referencePrice.calculation", {"symbol": "A", "calculationType": "EXTERNAL", "externalCalculationId": 2}),
    ("referencePrice.calculation", {"symbol": "A", "calculationType": "ARITHMETIC_MEAN", "bucketCount": 5, "bucketWidthMs": 100}),
]  # fmt: skip

HEAD = {"E": 1700000000100, "s": "ETHBTC"}
WINDOW = HEAD | {
    "p": "-0.001", "P": "-1.96", "o": "0.052", "h": "0.053", "l": "0.050", "c": "0.051", "w": "0.0511", "v": "10.0",
    "q": "0.511", "O": 1700000000000, "C": 1700003599999, "F": 1, "L": 5, "n": 5,
}  # fmt: skip
BAR = {
    "t": 1700000000000, "T": 1700000059999, "s": "ETHBTC", "i": "1m", "f": 1, "L": 5, "o": "0.10", "c": "0.20", "h": "0.25",
    "l": "0.05", "v": "100", "n": 5, "x": True, "q": "15.0", "V": "50", "Q": "7.50", "B": "0",
}  # fmt: skip
MINI_EVENT = HEAD | {
    "e": "24hrMiniTicker",
    "c": "0.051",
    "o": "0.052",
    "h": "0.053",
    "l": "0.050",
    "v": "10.0",
    "q": "0.5",
}
TRADE_EVENT = HEAD | {"t": 12, "p": "0.001000", "q": "100.50", "T": 1700000000099, "m": True}
AGGREGATE = HEAD | {"a": 4, "p": "0.001000", "q": "100.50", "f": 12, "l": 13, "T": 1700000000099, "m": False, "M": True}
PARTIAL = {"lastUpdateId": 160, "bids": [["0.0024", "10"]], "asks": [["0.0026", "100.00"]]}
UPDATE = HEAD | {"e": "depthUpdate", "U": 157, "u": 160, "b": [["0.0024", "10"]], "a": [["0.0026", "0.000"]]}

EVENTS: dict[str, Any] = {
    "reference_price": {"e": "referencePrice", "s": "A", "r": None, "t": 1700000000100},
    "aggregate_trade": AGGREGATE | {"e": "aggTrade"},
    "trade": TRADE_EVENT | {"e": "trade", "M": True},
    "block_trade": TRADE_EVENT | {"e": "blockTrade"},
    "kline": HEAD | {"e": "kline", "k": BAR},
    "kline_time_zone": HEAD | {"e": "kline", "k": BAR | {"i": "1d"}},
    "mini_ticker": MINI_EVENT,
    "all_mini_tickers": [MINI_EVENT, MINI_EVENT | {"s": "BTCUSDT"}],
    "ticker": WINDOW | {"e": "24hrTicker", "x": "0.0521", "Q": "1.0", "b": "0.0509", "B": "3", "a": "0.0511", "A": "4.0"},
    "window_ticker": WINDOW | {"e": "1hTicker"},
    "all_window_tickers": [WINDOW | {"e": "4hTicker"}, WINDOW | {"e": "4hTicker", "s": "BTCUSDT"}],
    "book_ticker": {"u": 400900217, "s": "BNBUSDT", "b": "25.35190000", "B": "31.21", "a": "25.3652", "A": "40.66"},
    "average_price": HEAD | {"e": "avgPrice", "i": "5m", "w": "25776.86000000", "T": 1700000000050},
    "partial_depth": PARTIAL,
    "partial_depth_100ms": PARTIAL | {"bids": []},
    "depth": UPDATE,
    "depth_100ms": UPDATE | {"a": []},
}  # fmt: skip


def again(value: Any) -> Any:
    """What was decoded, as parsed JSON."""
    if isinstance(value, Model):
        return json.loads(value.to_json())
    return [again(item) for item in value]


@pytest.mark.parametrize(("method", "result"), RESULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_result_comes_back_as_it_was(method, result):
    decoded = REGISTRY[method].result_decoder.decode(json.dumps(result))
    assert again(decoded) == result


def test_each_public_method_has_a_golden_result():
    public = {
        name
        for name, kind in REGISTRY.items()
        if kind.api.security is SecurityType.NONE and kind.__module__.split(".")[-2] in {"general", "market_data"}
    }
    assert {method for method, _ in RESULTS} == public


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_an_event_comes_back_as_it_was(channel):
    event = EVENTS[channel.name]
    payload = json.dumps(event).encode()

    assert again(channel.decode(payload)) == event
    assert again(channel.decode_combined(b'{"stream":"any","data":%b}' % payload).data) == event


@pytest.mark.parametrize("channel", [row for row in CHANNELS if row.event_type], ids=lambda channel: channel.name)
def test_an_event_of_another_type_is_refused(channel):
    event = json.loads(json.dumps(EVENTS[channel.name]))
    for item in event if channel.many else [event]:
        item["e"] = "anotherType"
    with pytest.raises(ValueError, match="anotherType"):
        channel.decode(json.dumps(event).encode())


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_missing_field_is_refused(channel):
    event = EVENTS[channel.name]
    first = event[0] if channel.many else event
    for name in first.keys() - {"e", "M"}:  # the type is known from the stream, and M has no meaning left
        torn = {key: value for key, value in first.items() if key != name}
        with pytest.raises(ValueError, match=f"missing required field `{name}`"):
            channel.decode(json.dumps([torn] if channel.many else torn).encode())


def test_values_are_read_by_name_and_exactly():
    trade = CHANNELS[2].decode(json.dumps(EVENTS["trade"]).encode())
    assert (trade.symbol, trade.trade_id, trade.is_buyer_maker) == ("ETHBTC", 12, True)
    assert (trade.price, str(trade.price), trade.quantity) == (Decimal("0.001"), "0.001000", Decimal("100.5"))

    info = REGISTRY["exchangeInfo"].result_decoder.decode(json.dumps(EXCHANGE)).symbols[0]
    assert info.status is SymbolStatus.CANCEL_ONLY
    assert [type(rule).__name__ for rule in info.filters] == ["PriceFilter", "IcebergPartsFilter"]

    book = REGISTRY["depth"].result_decoder.decode(json.dumps(RESULTS[5][1]))
    assert book.bids == [PriceLevel(Decimal("0.10"), Decimal(3)), PriceLevel(Decimal("0.09"), Decimal(1))]

    mini = REGISTRY["ticker"].result_decoder.decode(json.dumps(MINI))
    assert (mini.price_change, mini.last_price) == (None, Decimal("0.051"))


def test_a_value_of_a_later_date_keeps_its_text():
    sample = {"symbol": "A", "calculationType": "LATER"}
    decoded = REGISTRY["referencePrice.calculation"].result_decoder.decode(json.dumps(sample))
    assert decoded.calculation_type.value == "LATER"
    assert decoded.calculation_type not in CalculationType.__members__.values()
    assert again(decoded) == sample


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (ServerShutdown(event_time=5), {"e": "serverShutdown", "E": 5}),
        (
            Reconnected(streams=("a@trade",), lost_ns=1, back_ns=2, reason="reset"),
            {"streams": ["a@trade"], "lost_ns": 1, "back_ns": 2, "reason": "reset"},
        ),
        (Gap(symbol="A", first=1, last=2), {"symbol": "A", "first": 1, "last": 2, "why": ""}),
        (Empty(), {}),
    ],
)
def test_a_control_message_comes_back_as_it_was(message, sent):
    assert again(message) == sent
    assert type(message).from_json(json.dumps(sent)) == message
