from __future__ import annotations

import asyncio
import decimal
from decimal import Decimal

import msgspec
import pytest

from cryptotrader.errors import ConfigurationError, FilterViolated, RequestRejected
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
        self.tick = "0.01"

    async def call(self, request):
        self.asked += 1
        if request.symbol == "NOSUCH":
            raise RequestRejected("exchangeInfo", 400, -1121, "Invalid symbol.")
        body = symbol_info(request.symbol)
        body["filters"] = [each | {"tickSize": self.tick} if "tickSize" in each else each for each in body["filters"]]
        symbol = msgspec.convert(body, SymbolInfo, strict=False)
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
    with pytest.raises(ConfigurationError, match=f"cannot begin with '{prefix}'"):
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
        with pytest.raises(FilterViolated, match=name) as caught:
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


async def test_filters_are_read_again_before_an_order_is_refused_for_old_ones_and_each_day():
    exchange = Exchange()
    check = FilterCheck(exchange)
    await check.passed(order(), SYMBOL)
    exchange.tick = "0.001"
    with pytest.raises(FilterViolated, match=r"50000\.001 is no multiple of 0\.01"):
        await check.passed(order(price="50000.001"), SYMBOL)
    assert exchange.asked == 1
    await asyncio.sleep(60)
    await check.passed(order(price="50000.001"), SYMBOL)
    assert exchange.asked == 2
    await asyncio.sleep(60)
    with pytest.raises(FilterViolated, match=r"50000\.0001 is no multiple of 0\.001"):
        await check.passed(order(price="50000.0001"), SYMBOL)
    assert exchange.asked == 3
    await asyncio.sleep(86_399)
    await check.passed(order(), SYMBOL)
    assert exchange.asked == 3
    await asyncio.sleep(1)
    await check.passed(order(), SYMBOL)
    assert exchange.asked == 4


async def test_a_symbol_that_there_is_not_is_named():
    with pytest.raises(RequestRejected, match="exchangeInfo: NOSUCH: Invalid symbol"):
        await FilterCheck(Exchange()).rules("NOSUCH")


async def test_texts_in_place_of_enums_are_held_against_the_filters_and_rounded():
    texts = {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
    request = OrderPlaceRequest(symbol=SYMBOL, quantity="0.0000000001", price="50000", **texts)
    with pytest.raises(FilterViolated, match=r"0\.0000000001 is below 0\.00001") as caught:
        await FilterCheck(Exchange()).passed(request, SYMBOL)
    assert caught.value.filter == "LOT_SIZE"

    rounded = await FilterCheck(Exchange(), rounds=True).passed(
        OrderPlaceRequest(symbol=SYMBOL, quantity="0.123456", price="50000.001", **texts), SYMBOL
    )
    assert (rounded.quantity, rounded.price) == (Decimal("0.12345"), Decimal("50000.00"))
    assert rounded.type is OrderType.LIMIT


async def test_the_decimal_context_of_the_caller_does_not_reach_into_checks():
    with decimal.localcontext() as context:
        context.prec = 3
        check = FilterCheck(Exchange(), rounds=True)
        rounded = await check.passed(order(quantity="0.123456", price="50123.377"), SYMBOL)
        assert str(rounded.quantity) == "0.12345"
        assert str(rounded.price) == "50123.38"
        await FilterCheck(Exchange()).passed(order(quantity="0.12345", price="50123.37"), SYMBOL)
