"""Each filter refuses one step beyond its bound, by name, and admits what lies on it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from cryptotrader.config import TimeUnit
from cryptotrader.models import base_models as models
from cryptotrader.models.base_models import OrderType, SymbolStatus
from cryptotrader.requests import ExchangeInfoRequest
from cryptotrader.simulator.handlers.registry import answer
from cryptotrader.simulator.venue.events import ListKind
from cryptotrader.simulator.venue.filters import _ROWS
from cryptotrader.simulator.venue.list_placement import NewOrderList
from cryptotrader.simulator.venue.rejections import Rejection
from cryptotrader.simulator.venue.symbols import raw_filters
from venue_bench import Bench, units

D = Decimal


def with_filters(*filters):
    bench = Bench()
    bench.market.info = replace(bench.market.info, raw_filters=raw_filters(filters))
    return bench


def order(side="BUY", kind="LIMIT", quantity=1, price=94_000, **more):
    return {"side": side, "kind": kind, "quantity": quantity, "price": price, **more}


def at_market(side="BUY", **more):
    return order(side, "MARKET", price=0, **more)


PRICE = models.PriceFilter(min_price=D(90_000), max_price=D(94_000), tick_size=D("0.5"))
PERCENT = models.PercentPriceFilter(multiplier_up=D("1.01"), multiplier_down=D("0.99"), avg_price_mins=5)
BY_SIDE = models.PercentPriceBySideFilter(
    bid_multiplier_up=D("1.01"), bid_multiplier_down=D("0.9"), ask_multiplier_up=D("1.1"), ask_multiplier_down=D("0.99"), avg_price_mins=5,
)  # fmt: skip
LOT = models.LotSizeFilter(min_qty=D("0.1"), max_qty=D(5), step_size=D("0.1"))
MARKET_LOT = models.MarketLotSizeFilter(min_qty=D("0.1"), max_qty=D(3), step_size=D("0.1"))
MIN_NOTIONAL = models.MinNotionalFilter(min_notional=D(9500), apply_to_market=True, avg_price_mins=5)
NOTIONAL = models.NotionalFilter(
    min_notional=D(9500), apply_min_to_market=True, max_notional=D(95_000), apply_max_to_market=True, avg_price_mins=0,
)  # fmt: skip
PARTS = models.IcebergPartsFilter(limit=3)
TRAILING = models.TrailingDeltaFilter(
    min_trailing_above_delta=10, max_trailing_above_delta=20, min_trailing_below_delta=30, max_trailing_below_delta=40
)
POSITION = models.MaxPositionFilter(max_position=D(1_000_002))
ASSET_BASE = models.MaxAssetFilter(asset="BTC", limit=D(2))
ASSET_QUOTE = models.MaxAssetFilter(asset="USDT", limit=D(95_000))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (PRICE, order(price=94_000), order(price="94000.5")),
        (PRICE, order(price=90_000), order(price="89999.5")),
        (PRICE, order(price="93999.5"), order(price="93999.4")),
        (PRICE, order("SELL", "STOP_LOSS_LIMIT", stop_price=93_000), order("SELL", "STOP_LOSS_LIMIT", stop_price=94_001)),
        (PERCENT, order("SELL", price=95_950), order("SELL", price="95950.01")),
        (PERCENT, order(price=94_050), order(price="94049.99")),
        (BY_SIDE, order(price=85_500), order(price="85499.99")),
        (BY_SIDE, order("SELL", price=94_050), order("SELL", price="94049.99")),
        (LOT, order(quantity="0.1"), order(quantity="0.05")),
        (LOT, order(quantity=5), order(quantity="5.1")),
        (LOT, order(quantity="0.2"), order(quantity="0.25")),
        (LOT, order(iceberg_quantity="0.1"), order(iceberg_quantity="0.05")),
        (MARKET_LOT, at_market(quantity=3), at_market(quantity="3.1")),
        (MARKET_LOT, order(quantity=4), at_market(quantity="0.05")),
        (MIN_NOTIONAL, order(quantity="0.1", price=95_000), order(quantity="0.1", price=94_999)),
        (MIN_NOTIONAL, at_market(quantity="0.1"), at_market(quantity="0.09")),
        (NOTIONAL, order(quantity="0.1", price=95_000), order(quantity="0.1", price=94_999)),
        (NOTIONAL, order(price=95_000), order(price="95000.01")),
        (NOTIONAL, at_market(quantity=0, quote_quantity=95_000), at_market(quantity=0, quote_quantity=95_001)),
        (NOTIONAL, at_market(quantity=1), at_market(quantity="1.01")),
        (PARTS, order(quantity=3, iceberg_quantity=1), order(quantity="3.1", iceberg_quantity=1)),
        (TRAILING, order("BUY", "STOP_LOSS_LIMIT", trailing_delta=10), order("BUY", "STOP_LOSS_LIMIT", trailing_delta=9)),
        (TRAILING, order("SELL", "TAKE_PROFIT_LIMIT", trailing_delta=20), order("SELL", "TAKE_PROFIT_LIMIT", trailing_delta=21)),
        (TRAILING, order("SELL", "STOP_LOSS_LIMIT", trailing_delta=40), order("SELL", "STOP_LOSS_LIMIT", trailing_delta=41)),
        (TRAILING, order("BUY", "TAKE_PROFIT_LIMIT", trailing_delta=30), order("BUY", "TAKE_PROFIT_LIMIT", trailing_delta=29)),
        (POSITION, order(quantity=2), order(quantity="2.1")),
        (POSITION, order("SELL", quantity=3), order(quantity=3)),
    ],
)  # fmt: skip
def test_a_filter_admits_its_bound_and_refuses_what_is_beyond(rule, good, bad):
    bench = with_filters(rule)
    bench.trading.test(1, bench.new(**good))
    with pytest.raises(Rejection, match=f"Filter failure: {type(rule).__struct_config__.tag}$") as caught:
        bench.trading.test(1, bench.new(**bad))
    assert (caught.value.code, caught.value.message) == (-1013, f"Filter failure: {type(rule).__struct_config__.tag}")


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (ASSET_BASE, order(quantity=2), order(quantity="2.1")),
        (ASSET_QUOTE, order(price=95_000), order(price=95_001)),
        (ASSET_QUOTE, at_market(quantity=0, quote_quantity=95_000), at_market(quantity=0, quote_quantity=95_001)),
    ],
)
def test_asset_filters_bound_what_one_order_moves(rule, good, bad):
    bench = with_filters()
    bench.desk.rulebook.asset_filters = (rule,)
    bench.trading.test(1, bench.new(**good))
    with pytest.raises(Rejection, match="-1013: Filter failure: MAX_ASSET"):
        bench.trading.test(1, bench.new(**bad))


def plain(bench):
    return bench.new("BUY", "LIMIT", "0.1", 94_000)


def stop(bench):
    return bench.new("BUY", "STOP_LOSS_LIMIT", "0.1", 96_000, stop_price=96_000)


def iceberg(bench):
    return bench.new("BUY", "LIMIT", "0.1", 94_000, iceberg_quantity="0.05")


COUNTED = [
    (models.MaxNumOrdersFilter(max_num_orders=2), plain),
    (models.MaxNumAlgoOrdersFilter(max_num_algo_orders=2), stop),
    (models.MaxNumIcebergOrdersFilter(max_num_iceberg_orders=2), iceberg),
    (models.ExchangeMaxNumOrdersFilter(max_num_orders=2), plain),
    (models.ExchangeMaxNumAlgoOrdersFilter(max_num_algo_orders=2), stop),
    (models.ExchangeMaxNumIcebergOrdersFilter(max_num_iceberg_orders=2), iceberg),
]


@pytest.mark.parametrize(("rule", "make"), COUNTED)
def test_so_many_orders_may_be_open_and_not_one_more(rule, make):
    is_wide = type(rule).__struct_config__.tag.startswith("EXCHANGE")
    bench = with_filters(*(() if is_wide else (rule,)))
    bench.desk.rulebook.exchange_filters = (rule,) if is_wide else ()
    first = bench.trading.place(1, make(bench)).order
    bench.trading.place(1, make(bench))
    with pytest.raises(Rejection, match=f"-1013: Filter failure: {type(rule).__struct_config__.tag}"):
        bench.trading.place(1, make(bench))
    bench.trading.place(2, make(bench))
    bench.cancel(first)
    bench.trading.place(1, make(bench))


@pytest.mark.parametrize(
    "rule",
    [
        models.MaxNumOrderListsFilter(max_num_order_lists=1),
        models.ExchangeMaxNumOrderListsFilter(max_num_order_lists=1),
    ],
)
def test_so_many_lists_may_be_open_and_not_one_more(rule):
    is_wide = type(rule).__struct_config__.tag.startswith("EXCHANGE")
    bench = with_filters(*(() if is_wide else (rule,)))
    bench.desk.rulebook.exchange_filters = (rule,) if is_wide else ()
    legs = (bench.new("SELL", "LIMIT_MAKER", 1, 96_000), bench.new("SELL", "STOP_LOSS", 1, stop_price=94_000))
    bench.place_list(1, "OCO", *legs)
    with pytest.raises(Rejection, match=f"Filter failure: {type(rule).__struct_config__.tag}"):
        bench.place_list(1, "OCO", *legs)
    bench.trading.cancel_all(1, "BTCUSDT")
    bench.place_list(1, "OCO", *legs)


def test_a_list_must_fit_as_a_whole():
    bench = with_filters(models.MaxNumOrdersFilter(max_num_orders=2))
    triple = (
        bench.new("BUY", "LIMIT", 1, 94_000),
        bench.new("SELL", "LIMIT_MAKER", 1, 96_000),
        bench.new("SELL", "STOP_LOSS", 1, stop_price=94_000),
    )
    with pytest.raises(Rejection, match="MAX_NUM_ORDERS"):
        bench.trading.place_list(1, NewOrderList(kind=ListKind.OTOCO, legs=triple))


def test_so_many_amendments_are_allowed_and_not_one_more():
    bench = with_filters(models.MaxNumOrderAmendsFilter(max_num_order_amends=2), LOT)
    placed = bench.limit(1, "BUY", 4, 94_000)
    with pytest.raises(Rejection, match="-2038: Filter failure: LOT_SIZE"):
        bench.trading.amend(1, bench.key(placed), units("3.05"))
    for quantity in (3, 2):
        bench.trading.amend(1, bench.key(placed), units(quantity))
    with pytest.raises(Rejection, match="-2038: Filter failure: MAX_NUM_ORDER_AMENDS"):
        bench.trading.amend(1, bench.key(placed), units(1))


def test_pegged_orders_must_pass_at_the_pegged_price():
    bench = with_filters()
    bench.limit(2, "BUY", 1, 94_000)
    bench.market.info = replace(
        bench.market.info,
        raw_filters=raw_filters([models.PriceFilter(min_price=D(1), max_price=D(93_000), tick_size=D(1))]),
    )
    with pytest.raises(Rejection, match="PRICE_FILTER"):
        bench.limit(1, "BUY", 1, 0, peg_price_type="PRIMARY_PEG")


def test_every_declared_kind_of_filter_has_a_check():
    assert set(_ROWS) == set(models.KnownFilter.__args__)


def test_what_the_exchange_shows_is_what_it_enforces():
    bench = with_filters(models.LotSizeFilter(min_qty=D(3), max_qty=D(4), step_size=D(1)))
    bench.desk.rulebook.exchange_filters = (models.ExchangeMaxNumOrdersFilter(max_num_orders=7),)
    shown = answer(bench.exchange, ExchangeInfoRequest(), TimeUnit.MILLISECOND)
    assert shown.symbols[0].raw_filters == bench.market.info.raw_filters
    assert shown.raw_exchange_filters == [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 7}]


# ------------------------------------------------------------------------------------------------------------- flags


@pytest.mark.parametrize(
    ("change", "request_", "text"),
    [
        ({"order_types": [OrderType.LIMIT]}, at_market(), "Market orders are not supported for this symbol."),
        ({"order_types": [OrderType.LIMIT]}, order("SELL", "STOP_LOSS", stop_price=94_000, price=0), "Stop loss orders are not supported for this symbol."),
        ({"order_types": [OrderType.LIMIT]}, order("SELL", "TAKE_PROFIT_LIMIT", stop_price=96_000), "Take profit limit orders are not supported for this symbol."),
        ({"iceberg_allowed": False}, order(iceberg_quantity="0.5"), "Iceberg orders are not supported for this symbol."),
        ({"quote_order_qty_market_allowed": False}, at_market(quantity=0, quote_quantity=50), "Quote order qty market orders are not support for this symbol."),
        ({"allow_trailing_stop": False}, order("SELL", "STOP_LOSS_LIMIT", trailing_delta=50), "Trailing stop orders are not supported for this symbol."),
        ({"peg_instructions_allowed": False}, order(peg_price_type="PRIMARY_PEG"), "Pegged orders are not supported for this symbol."),
        ({"permission_sets": [["SPOT"], ["TRD_GRP_004"]]}, order(), "This symbol is not permitted for this account."),
    ],
)  # fmt: skip
def test_a_feature_that_is_off_is_refused(change, request_, text):
    bench = Bench()
    bench.market.info = replace(bench.market.info, **change)
    with pytest.raises(Rejection, match=re.escape(text)) as caught:
        bench.trading.place(1, bench.new(**request_))
    assert caught.value.message == text


@pytest.mark.parametrize("status", [SymbolStatus.HALT, SymbolStatus.BREAK, SymbolStatus.CANCEL_ONLY])
def test_a_closed_market_takes_no_orders_but_lets_them_go(status):
    bench = Bench()
    placed = bench.limit(1, "BUY", 1, 94_000)
    bench.market.status = status
    with pytest.raises(Rejection, match=r"Market is closed\."):
        bench.limit(1, "BUY", 1, 94_000)
    bench.cancel(placed)


def test_unknown_symbols_and_disabled_accounts_are_refused():
    bench = Bench()
    with pytest.raises(Rejection, match=r"-1121: Invalid symbol\."):
        bench.place(1, "BUY", "LIMIT", 1, 94_000, symbol="NOPE")
    bench.trading.account(1).can_trade = False
    with pytest.raises(Rejection, match=r"-2010: This action is disabled on this account\."):
        bench.limit(1, "BUY", 1, 94_000)
