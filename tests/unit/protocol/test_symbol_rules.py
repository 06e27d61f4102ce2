from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.models.base_models import OrderType, Side, SymbolInfo
from cryptotrader.protocol.symbol_rules import SymbolRules
from paper_frames import symbol_info

EXTRA = [
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "50.000", "stepSize": "0.00100"},
    {"filterType": "ICEBERG_PARTS", "limit": 10},
    {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2000,
        "minTrailingBelowDelta": 20,
        "maxTrailingBelowDelta": 1000,
    },
]


def rules(*extra):
    body = symbol_info("BTCUSDT")
    return SymbolRules(msgspec.convert(body | {"filters": [*body["filters"], *extra]}, SymbolInfo, strict=False))


@pytest.mark.parametrize(
    ("order", "broken"),
    [
        ({"price": "50000", "quantity": "1"}, None),
        ({"price": "0.001", "quantity": "1"}, "PRICE_FILTER"),
        ({"price": "2000000", "quantity": "1"}, "PRICE_FILTER"),
        ({"price": "50000.001", "quantity": "1"}, "PRICE_FILTER"),
        ({"price": "50000", "quantity": "1", "stop_price": "49000.001"}, "PRICE_FILTER"),
        ({"price": "50000", "quantity": "0.000001"}, "LOT_SIZE"),
        ({"price": "50000", "quantity": "9001"}, "LOT_SIZE"),
        ({"price": "50000", "quantity": "1.000001"}, "LOT_SIZE"),
        ({"price": "50000", "quantity": "1", "iceberg_qty": "0.0000001"}, "LOT_SIZE"),
        ({"price": "50000", "quantity": "1", "iceberg_qty": "0.1"}, None),
        ({"price": "50000", "quantity": "1", "iceberg_qty": "0.09"}, "ICEBERG_PARTS"),
        ({"price": "50000", "quantity": "0.00009"}, "NOTIONAL"),
        ({"price": "50000", "quantity": "181"}, "NOTIONAL"),
        ({"type": OrderType.MARKET, "quantity": "0.001"}, None),
        ({"type": OrderType.MARKET, "quantity": "0.0015"}, "MARKET_LOT_SIZE"),
        ({"type": OrderType.MARKET, "quantity": "51"}, "MARKET_LOT_SIZE"),
        ({"type": OrderType.STOP_LOSS, "quantity": "1", "side": Side.BUY, "trailing_delta": 10}, None),
        ({"type": OrderType.STOP_LOSS, "quantity": "1", "side": Side.SELL, "trailing_delta": 10}, "TRAILING_DELTA"),
        ({"type": OrderType.STOP_LOSS, "quantity": "1", "side": Side.SELL, "trailing_delta": 1500}, "TRAILING_DELTA"),
        ({"type": OrderType.TAKE_PROFIT, "quantity": "1", "side": Side.SELL, "trailing_delta": 1500}, None),
        ({"type": OrderType.TAKE_PROFIT, "quantity": "1", "side": Side.BUY, "trailing_delta": 1500}, "TRAILING_DELTA"),
    ],
)
def test_the_first_broken_filter_is_named(order, broken):
    amounts = {name: Decimal(value) if type(value) is str else value for name, value in order.items()}
    found = rules(*EXTRA).violation(**{"type": OrderType.LIMIT, "side": Side.BUY} | amounts)

    assert (None if found is None else found[0]) == broken


def test_a_symbol_without_filters_takes_everything():
    body = symbol_info("BTCUSDT") | {"filters": []}
    free = SymbolRules(msgspec.convert(body, SymbolInfo, strict=False))

    assert free.violation(type=OrderType.LIMIT, side=Side.BUY, price=Decimal("0.1"), quantity=Decimal("1e-9")) is None
    assert free.round_price(Decimal("1.23456")) == Decimal("1.23456")
    assert free.round_quantity(Decimal("1.23456")) == Decimal("1.23456")


AMOUNTS = st.decimals(min_value="0.00001", max_value=900_000, places=8)


@given(price=AMOUNTS, quantity=AMOUNTS)
def test_rounded_amounts_are_on_their_steps_and_near(price, quantity):
    known = rules(*EXTRA)
    rounded_price, rounded = known.round_price(price), known.round_quantity(quantity)
    at_market = known.round_quantity(quantity, at_market=True)

    assert rounded_price % Decimal("0.01") == 0
    assert abs(rounded_price - price) <= Decimal("0.005")
    assert 0 <= quantity - rounded < Decimal("0.00001")
    assert rounded % Decimal("0.00001") == 0
    assert 0 <= quantity - at_market < Decimal("0.001")
    assert at_market % Decimal("0.001") == 0
