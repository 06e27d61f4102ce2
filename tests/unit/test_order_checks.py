from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from cryptotrader.errors import ConfigurationError, FilterViolated
from cryptotrader.models.base_models import OrderType, Side, SymbolInfo, TimeInForce
from cryptotrader.models.market_models import ExchangeInfo
from cryptotrader.order_checks import ClientIds, FilterCheck, order_ids
from cryptotrader.requests import (
    OrderAmendKeepPriorityRequest,
    OrderCancelReplaceRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderPlaceRequest,
)
from paper_frames import symbol_info

SYMBOL = "BTCUSDT"


class Exchange:
    """Answers ``exchangeInfo`` and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    async def call(self, request):
        self.asked += 1
        symbol = msgspec.convert(symbol_info(request.symbol), SymbolInfo, strict=False)
        return ExchangeInfo(timezone="UTC", server_time=0, rate_limits=[], raw_exchange_filters=[], symbols=[symbol])


def order(**fields):
    known = {"type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC, "quantity": "1", "price": "50000"}
    return OrderPlaceRequest(symbol=SYMBOL, side=Side.BUY, **known | fields)


def otoco(**fields):
    known = {
        "working_type": OrderType.LIMIT,
        "working_side": Side.BUY,
        "working_price": "50000",
        "working_quantity": "1",
        "working_time_in_force": TimeInForce.GTC,
        "pending_side": Side.SELL,
        "pending_quantity": "1",
        "pending_above_type": OrderType.LIMIT_MAKER,
        "pending_above_price": "60000",
        "pending_below_type": OrderType.STOP_LOSS,
        "pending_below_stop_price": "40000",
    }
    return OrderListPlaceOtocoRequest(symbol=SYMBOL, **known | fields)


def oco(**fields):
    known = {"above_type": OrderType.LIMIT_MAKER, "above_price": "60000", "below_type": OrderType.STOP_LOSS}
    return OrderListPlaceOcoRequest(
        symbol=SYMBOL, side=Side.SELL, **{"quantity": "1", "below_stop_price": "40000"} | known | fields
    )


def test_every_order_of_a_request_gets_an_id_of_its_own():
    ids = ClientIds()
    request = ids.complete(otoco(working_client_order_id="mine"))

    assert order_ids(request)[0] == "mine"
    assert len({*order_ids(request), request.list_client_order_id}) == 4
    assert all(each.startswith("ct-") and len(each) == 23 for each in order_ids(request)[1:])


def test_a_leg_that_is_left_out_gets_no_id():
    request = ClientIds().complete(otoco(pending_below_type=None, pending_below_stop_price=None))

    assert request.pending_below_client_order_id is None
    assert len(order_ids(request)) == 2


def test_ids_of_orders_that_exist_are_left_alone():
    replacing = OrderCancelReplaceRequest(
        symbol=SYMBOL, cancel_replace_mode="STOP_ON_FAILURE", cancel_order_id=1, side=Side.BUY, type=OrderType.MARKET
    )
    completed = ClientIds().complete(replacing)

    assert (completed.cancel_orig_client_order_id, completed.cancel_new_client_order_id) == (None, None)
    assert order_ids(completed) == [completed.new_client_order_id]


@pytest.mark.parametrize("prefix", ["x" * 17, "a b", "ä"])
def test_a_prefix_that_binance_does_not_take_is_refused(prefix):
    with pytest.raises(ConfigurationError):
        ClientIds(prefix)


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (order(price="0.001"), "PRICE_FILTER"),
        (order(quantity="0.000001"), "LOT_SIZE"),
        (OrderAmendKeepPriorityRequest(symbol=SYMBOL, order_id=1, new_qty="0.123456"), "LOT_SIZE"),
        (oco(quantity="0.0000011"), "LOT_SIZE"),
        (oco(below_stop_price="40000.001"), "PRICE_FILTER"),
        (otoco(working_quantity="9001"), "LOT_SIZE"),
        (otoco(pending_quantity="9001"), "LOT_SIZE"),
        (otoco(pending_above_price="60000.001"), "PRICE_FILTER"),
        (otoco(pending_below_stop_price="40000.001"), "PRICE_FILTER"),
    ],
)
async def test_each_leg_is_held_against_the_filters(request_, name):
    exchange = Exchange()
    check = FilterCheck(exchange)
    for _ in range(2):
        with pytest.raises(FilterViolated) as caught:
            await check.passed(request_, SYMBOL)
        assert caught.value.filter == name
    assert exchange.asked == 1


async def test_a_pending_order_whose_quantity_is_not_known_passes():
    opo = OrderListPlaceOpoRequest(
        symbol=SYMBOL,
        working_type=OrderType.LIMIT,
        working_side=Side.BUY,
        working_price="50000",
        working_quantity="1",
        working_time_in_force=TimeInForce.GTC,
        pending_type=OrderType.LIMIT_MAKER,
        pending_side=Side.SELL,
        pending_price="60000",
    )

    assert (await FilterCheck(Exchange()).passed(opo, SYMBOL)).params() == opo.params()


async def test_rounding_reaches_every_amount_of_every_leg():
    check = FilterCheck(Exchange(), rounds=True)
    rounded = await check.passed(
        otoco(working_quantity="1.000019", pending_above_price="60000.006", pending_below_stop_price="39999.999"),
        SYMBOL,
    )

    assert rounded.working_quantity == Decimal("1.00001")
    assert rounded.pending_above_price == Decimal("60000.01")
    assert rounded.pending_below_stop_price == Decimal("40000.00")
    amended = await check.passed(OrderAmendKeepPriorityRequest(symbol=SYMBOL, order_id=1, new_qty="0.123456"), SYMBOL)
    assert amended.new_qty == Decimal("0.12345")


async def test_quantities_of_the_quote_asset_are_not_rounded():
    market = OrderPlaceRequest(symbol=SYMBOL, side=Side.BUY, type=OrderType.MARKET, quote_order_qty="10.123456")

    assert (await FilterCheck(Exchange(), rounds=True).passed(market, SYMBOL)).params() == market.params()


async def test_filters_are_not_read_where_nothing_is_checked():
    exchange = Exchange()
    await FilterCheck(exchange, checks=False).passed(order(price="0.001"), SYMBOL)

    assert exchange.asked == 0


async def test_forgotten_filters_are_read_again():
    exchange = Exchange()
    check = FilterCheck(exchange)
    for _ in range(2):
        await check.passed(order(), SYMBOL)
        check.forget()

    assert exchange.asked == 2
