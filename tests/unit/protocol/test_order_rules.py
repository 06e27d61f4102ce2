from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import OrderType, Side, TimeInForce, plain
from cryptotrader.models.order_models import CancelReplaceMode, PegOffsetType, PegPriceType
from cryptotrader.protocol.order_rules import ORDER_FORMS, OcoLegs, OrderParameters
from cryptotrader.requests import (
    AllOrdersRequest,
    MyAllocationsRequest,
    MyPreventedMatchesRequest,
    MyTradesRequest,
    OrderAmendKeepPriorityRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderListCancelRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
    OrderListPlaceRequest,
    OrderListStatusRequest,
    OrderPlaceRequest,
    OrderStatusRequest,
    OrderTestRequest,
    SorOrderPlaceRequest,
    SorOrderTestRequest,
)
from cryptotrader.simulator.api_requests import decode_request
from cryptotrader.simulator.handlers import ApiError

GTC, IOC = TimeInForce.GTC, TimeInForce.IOC
LIMIT = {"time_in_force": GTC, "price": "1", "quantity": "2"}
STOP_LIMIT = {**LIMIT, "stop_price": "1.5"}
MINIMAL = [
    (OrderType.LIMIT, LIMIT),
    (OrderType.LIMIT_MAKER, {"price": "1", "quantity": "2"}),
    (OrderType.MARKET, {"quantity": "2"}),
    (OrderType.MARKET, {"quote_order_qty": "2"}),
    (OrderType.STOP_LOSS, {"quantity": "2", "stop_price": "1"}),
    (OrderType.STOP_LOSS, {"quantity": "2", "trailing_delta": 100}),
    (OrderType.STOP_LOSS_LIMIT, STOP_LIMIT),
    (OrderType.TAKE_PROFIT, {"quantity": "2", "stop_price": "1"}),
    (OrderType.TAKE_PROFIT_LIMIT, {**LIMIT, "trailing_delta": 100}),
]
ORDER = {"symbol": "A", "side": Side.BUY}
REPLACE = {**ORDER, "cancel_replace_mode": CancelReplaceMode.STOP_ON_FAILURE, "cancel_order_id": 1}
WORKING = {"symbol": "A", "working_type": OrderType.LIMIT_MAKER, "working_side": Side.BUY, "working_price": "1", "working_quantity": "2"}  # fmt: skip
ABOVE = {"pending_above_type": OrderType.LIMIT_MAKER, "pending_above_price": "3"}
BELOW = {"pending_below_type": OrderType.STOP_LOSS, "pending_below_stop_price": "0.5"}
OCO_SELL = {"symbol": "A", "side": Side.SELL, "quantity": "2", "above_type": OrderType.LIMIT_MAKER, "above_price": "3", "below_type": OrderType.STOP_LOSS, "below_stop_price": "1"}  # fmt: skip

SINGLE_ORDERS = [
    (OrderPlaceRequest, ORDER),
    (OrderTestRequest, ORDER),
    (OrderCancelReplaceRequest, REPLACE),
]


def prefixed(prefix: str, values: dict[str, Any], *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {prefix + name: value for name, value in values.items() if name not in without}


# ------------------------------------------------------------------------------------------------------- single orders


@pytest.mark.parametrize(("kind", "base"), SINGLE_ORDERS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize(("type_", "values"), MINIMAL, ids=str)
def test_the_least_that_an_order_needs_passes_and_nothing_of_it_may_be_missing(kind, base, type_, values):
    assert kind(**base, type=type_, **values).params()["type"] == type_

    for name in values:
        rest = {other: value for other, value in values.items() if other != name}
        with pytest.raises(RequestInvalid, match=rf"{name}.* is required") as refused:
            kind(**base, type=type_, **rest).params()
        assert refused.value.method == kind.api.name


def test_every_order_type_is_in_the_table():
    assert set(ORDER_FORMS) == set(OrderType)
    assert {type_ for type_, _ in MINIMAL} == set(OrderType)


@pytest.mark.parametrize(
    ("type_", "values", "problem"),
    [
        (OrderType.LIMIT, {**LIMIT, "stop_price": "1"}, "stop_price cannot be sent for a LIMIT order"),
        (OrderType.LIMIT, {**LIMIT, "trailing_delta": 1}, "trailing_delta cannot be sent for a LIMIT order"),
        (OrderType.LIMIT, {**LIMIT, "quote_order_qty": "1"}, "quote_order_qty cannot be sent for a LIMIT order"),
        (OrderType.LIMIT_MAKER, LIMIT, "time_in_force cannot be sent for a LIMIT_MAKER order"),
        (OrderType.MARKET, {"quantity": "1", "price": "1"}, "price cannot be sent for a MARKET order"),
        (OrderType.MARKET, {"quantity": "1", "iceberg_qty": "1"}, "iceberg_qty cannot be sent for a MARKET order"),
        (OrderType.MARKET, {"quantity": "1", "quote_order_qty": "1"}, "send only one of quantity, quote_order_qty"),
        (
            OrderType.STOP_LOSS,
            {"quantity": "1", "stop_price": "1", "price": "1"},
            "price cannot be sent for a STOP_LOSS",
        ),
        (OrderType.LIMIT, {**LIMIT, "time_in_force": IOC, "iceberg_qty": "1"}, "iceberg_qty needs time_in_force GTC"),
        (OrderType.STOP_LOSS_LIMIT, {**STOP_LIMIT, "time_in_force": IOC, "iceberg_qty": "1"}, "iceberg_qty needs"),
        (OrderType.LIMIT, {**LIMIT, "strategy_type": 999_999}, "strategyType"),
        (OrderType.LIMIT, {**LIMIT, "new_client_order_id": "no blanks"}, "newClientOrderId"),
        (OrderType.LIMIT, {**LIMIT, "new_client_order_id": "x" * 37}, "newClientOrderId"),
        (OrderType.LIMIT, {**LIMIT, "new_client_order_id": "line\n"}, "newClientOrderId"),
        (OrderType.LIMIT, {**LIMIT, "price": 0.1}, "price: send decimals as str or Decimal"),
        (OrderType.LIMIT, {**LIMIT, "price": "-0.1"}, "price: -0.1 is negative"),
        (OrderType.LIMIT, {**LIMIT, "price": "NaN"}, "price: NaN is not a number"),
        (OrderType.LIMIT, {**LIMIT, "price": Decimal("Infinity")}, "price: Infinity is not a number"),
        (OrderType.LIMIT, {**LIMIT, "price": "1E-21"}, "more than 20 digits"),
        (OrderType.LIMIT, {**LIMIT, "price": Decimal("1E+999999999")}, "more than 20 digits"),
        (OrderType.LIMIT, {**LIMIT, "price": "cheap"}, "Invalid decimal string"),
        (OrderType("STOP"), LIMIT, "'STOP' is not documented"),
    ],
    ids=str,
)
def test_what_does_not_belong_to_an_order_is_refused_before_sending(type_, values, problem):
    with pytest.raises(RequestInvalid, match=problem):
        OrderPlaceRequest(**ORDER, type=type_, **values).params()


def test_an_iceberg_order_may_say_that_it_is_good_till_cancelled():
    for type_ in (OrderType.LIMIT, OrderType.LIMIT_MAKER):
        assert OrderPlaceRequest(**ORDER, type=type_, **LIMIT, iceberg_qty="1").params()["icebergQty"] == "1"


# ------------------------------------------------------------------------------------------------------- pegged orders

PRIMARY = {"peg_price_type": PegPriceType.PRIMARY_PEG}
MARKET = {"peg_price_type": PegPriceType.MARKET_PEG}
DEEPER = {"peg_offset_type": PegOffsetType.PRICE_LEVEL, "peg_offset_value": 100}
UNPRICED = {"time_in_force": GTC, "quantity": "2"}


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (OrderType.LIMIT, {**UNPRICED, **PRIMARY}),
        (OrderType.LIMIT, {**LIMIT, **PRIMARY, **DEEPER}),
        (OrderType.LIMIT, {**UNPRICED, **MARKET, "time_in_force": IOC}),
        (OrderType.LIMIT_MAKER, {"quantity": "2", **PRIMARY}),
        (OrderType.STOP_LOSS_LIMIT, {**UNPRICED, "stop_price": "1", **MARKET}),
        (OrderType.TAKE_PROFIT_LIMIT, {**UNPRICED, "stop_price": "1", **PRIMARY, "time_in_force": IOC}),
    ],
    ids=str,
)
def test_a_pegged_order_needs_no_price(type_, values):
    assert OrderPlaceRequest(**ORDER, type=type_, **values).params()["pegPriceType"] == values["peg_price_type"]


@pytest.mark.parametrize(
    ("type_", "values", "problem"),
    [
        (
            OrderType.LIMIT,
            {**LIMIT, **PRIMARY, "peg_offset_value": 1},
            "send both of peg_offset_type, peg_offset_value",
        ),
        (OrderType.LIMIT, {**LIMIT, **DEEPER}, "peg_price_type is required with peg_offset_type"),
        (OrderType.LIMIT, {**LIMIT, **PRIMARY, **DEEPER, "peg_offset_value": 101}, "pegOffsetValue"),
        (OrderType.LIMIT, {**LIMIT, **PRIMARY, "time_in_force": IOC}, "time_in_force must be GTC"),
        (OrderType.LIMIT_MAKER, {"quantity": "2", **MARKET}, "cannot follow the opposite side"),
        (OrderType.MARKET, {"quantity": "2", **MARKET}, "peg_price_type cannot be sent for a MARKET order"),
        (OrderType.STOP_LOSS, {"quantity": "2", "stop_price": "1", **PRIMARY}, "cannot be sent for a STOP_LOSS order"),
    ],
    ids=str,
)
def test_a_peg_that_does_not_fit_is_refused_before_sending(type_, values, problem):
    with pytest.raises(RequestInvalid, match=problem):
        OrderPlaceRequest(**ORDER, type=type_, **values).params()


# ---------------------------------------------------------------------------------------------------- legs of lists


@pytest.mark.parametrize(("type_", "values"), [row for row in MINIMAL if "quote_order_qty" not in row[1]], ids=str)
def test_a_pending_order_needs_what_a_single_one_needs(type_, values):
    pending = {"pending_type": type_, "pending_side": Side.SELL}
    legs = {
        OrderListPlaceOtoRequest: prefixed("pending_", values),
        OrderListPlaceOpoRequest: prefixed("pending_", values, without=("quantity",)),
    }
    for kind, leg in legs.items():
        kind(**WORKING, **pending, **leg).params()
        for name in leg:
            if name == "pending_quantity":
                continue  # mandatory at construction
            rest = {other: value for other, value in leg.items() if other != name}
            with pytest.raises(RequestInvalid, match=rf"{name}.* is required"):
                kind(**WORKING, **pending, **rest).params()


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        (
            OrderListPlaceOtoRequest,
            {"working_type": OrderType.LIMIT},
            "working_time_in_force is required for a LIMIT order",
        ),
        (OrderListPlaceOtoRequest, {"working_type": OrderType.MARKET}, "working_type must be LIMIT or LIMIT_MAKER"),
        (OrderListPlaceOtoRequest, {"working_time_in_force": GTC}, "working_time_in_force cannot be sent"),
        (OrderListPlaceOtoRequest, {"pending_price": "1"}, "pending_price cannot be sent for a MARKET order"),
        (OrderListPlaceOtoRequest, {"working_peg_offset_value": 1}, "send both of working_peg_offset_type"),
    ],
    ids=str,
)
def test_a_leg_that_does_not_fit_is_refused_before_sending(kind, values, problem):
    complete = {**WORKING, "pending_type": OrderType.MARKET, "pending_side": Side.SELL, "pending_quantity": "1"}
    kind(**complete).params()

    with pytest.raises(RequestInvalid, match=problem):
        kind(**{**complete, **values}).params()


LEG_ORDERS = {type_: values for type_, values in MINIMAL if "quote_order_qty" not in values}
ALLOWED = {
    Side.SELL: ({OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}, {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}),
    Side.BUY: ({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}, {OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}),
}  # fmt: skip


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("above", OrderType)
@pytest.mark.parametrize("below", OrderType)
def test_which_types_an_oco_pair_may_have(side, above, below):
    legs = {"above_type": above, "below_type": below}
    for prefix, type_ in (("above_", above), ("below_", below)):
        legs |= prefixed(prefix, LEG_ORDERS[type_], without=("quantity",))
    oco = OrderListPlaceOcoRequest(symbol="A", side=side, quantity="2", **legs)
    otoco = OrderListPlaceOtocoRequest(**WORKING, pending_side=side, pending_quantity="2", **prefixed("pending_", legs))

    for request, name in ((oco, "above_type|below_type"), (otoco, "pending_above_type|pending_below_type")):
        if above in ALLOWED[side][0] and below in ALLOWED[side][1]:
            assert request.params()
        else:
            with pytest.raises(RequestInvalid, match=name):
                request.params()


@pytest.mark.parametrize(
    ("side", "above", "below", "code"),
    [
        (Side.BUY, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS, -1165),
        (Side.SELL, OrderType.STOP_LOSS, OrderType.LIMIT_MAKER, -1166),
        (Side.BUY, OrderType.LIMIT_MAKER, OrderType.LIMIT_MAKER, -1168),
        (Side.BUY, OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, -1196),
        (Side.SELL, OrderType.STOP_LOSS_LIMIT, OrderType.STOP_LOSS, -1197),
        (Side.BUY, OrderType.TAKE_PROFIT, OrderType.LIMIT_MAKER, -1198),
        (Side.SELL, OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT_LIMIT, -1199),
        (Side.SELL, OrderType.MARKET, OrderType.STOP_LOSS, -1158),
    ],
)
def test_a_misplaced_oco_leg_has_its_own_code(side, above, below, code):
    broken = OcoLegs().broken_by({"side": side, "above_type": above, "below_type": below})

    assert broken is not None
    assert broken.code == code


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        (OrderListPlaceOcoRequest, {**OCO_SELL, "above_price": None}, "above_price is required for a LIMIT_MAKER order"),
        (OrderListPlaceOcoRequest, {**OCO_SELL, "below_stop_price": None}, "one of below_stop_price, below_trailing_delta"),
        (OrderListPlaceOcoRequest, {**OCO_SELL, "above_iceberg_qty": "1", "above_time_in_force": IOC}, "above_iceberg_qty needs"),
        (OrderListPlaceOtocoRequest, {**WORKING, **ABOVE, "pending_side": Side.SELL, "pending_quantity": "1"}, "pending_below_type is required for an OCO pair"),
        (OrderListPlaceOpocoRequest, {**WORKING, **ABOVE, **BELOW, "pending_side": Side.BUY}, "pending_side must be SELL, not BUY"),
        (OrderListPlaceOpocoRequest, {**WORKING, **ABOVE, **BELOW, "pending_side": Side.SELL, "working_side": Side.SELL}, "working_side must be BUY"),
        (OrderListPlaceRequest, {**ORDER, "price": "1", "quantity": "1"}, "one of stop_price, trailing_delta is required"),
        (OrderListPlaceRequest, {**ORDER, "price": "1", "quantity": "1", "stop_price": "1", "stop_limit_price": "1"}, "send both of stop_limit_price, stop_limit_time_in_force"),
        (OrderListPlaceRequest, {**ORDER, "price": "1", "quantity": "1", "stop_price": "1", "stop_iceberg_qty": "1"}, "stop_iceberg_qty needs stop_limit_time_in_force GTC"),
        (SorOrderPlaceRequest, {**ORDER, "type": OrderType.STOP_LOSS, "quantity": "1"}, "type must be LIMIT or MARKET, not STOP_LOSS"),
        (SorOrderTestRequest, {**ORDER, "type": OrderType.LIMIT, "quantity": "1", "price": "1"}, "time_in_force is required"),
        (SorOrderPlaceRequest, {**ORDER, "type": OrderType.MARKET, "quantity": "1", "price": "1"}, "price cannot be sent for a MARKET"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_lists_and_routed_orders_are_checked_before_sending(kind, values, problem):
    with pytest.raises(RequestInvalid, match=problem):
        kind(**values).params()


# ------------------------------------------------------------------------------------------------------ other requests

DAY = 86_400_000


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (OrderCancelRequest(symbol="A"), "one of order_id, orig_client_order_id is required"),
        (OrderStatusRequest(symbol="A"), "one of order_id, orig_client_order_id is required"),
        (OrderAmendKeepPriorityRequest(symbol="A", new_qty="1"), "one of order_id, orig_client_order_id is required"),
        (OrderListCancelRequest(symbol="A"), "one of order_list_id, list_client_order_id is required"),
        (OrderListStatusRequest(), "one of orig_client_order_id, order_list_id is required"),
        (MyPreventedMatchesRequest(symbol="A"), "one of prevented_match_id, order_id is required"),
        (MyPreventedMatchesRequest(symbol="A", prevented_match_id=1, order_id=1), "send only one of"),
        (MyTradesRequest(symbol="A", order_id=1, start_time=1), "order_id cannot be sent with start_time"),
        (MyAllocationsRequest(symbol="A", from_allocation_id=1, end_time=1), "from_allocation_id cannot be sent with"),
        (AllOrdersRequest(symbol="A", start_time=1, end_time=DAY + 2), "more than 24 hours apart"),
        (AllOrdersRequest(symbol="A", start_time=10**15, end_time=10**15 + DAY * 1000 + 1), "more than 24 hours apart"),
        (AllOrdersRequest(symbol="A", limit=1001), "<= 1000"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_other_requests_are_checked_before_sending(request_, problem):
    with pytest.raises(RequestInvalid, match=problem):
        request_.params()


def test_a_day_may_be_asked_for_in_either_unit():
    in_ms = AllOrdersRequest(symbol="A", start_time=1, end_time=DAY + 1).params()
    in_us = AllOrdersRequest(symbol="A", start_time=10**15, end_time=10**15 + DAY * 1000).params()

    assert in_ms == {"symbol": "A", "startTime": 1, "endTime": DAY + 1}
    assert in_us == {"symbol": "A", "startTime": 10**15, "endTime": 10**15 + DAY * 1000}


# ---------------------------------------------------------------------------------------------- what the exchange says


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"type": "STOP_LOSS", "price": None, "timeInForce": None}, -1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
        ({"type": "MARKET", "price": None, "timeInForce": None, "quoteOrderQty": "1"}, -1128, "Conflicting fields: ['quantity', 'quoteOrderQty']"),
        ({"icebergQty": "1", "timeInForce": "FOK"}, -1014, "Unsupported order combination."),
        ({"pegPriceType": "PRIMARY_PEG", "pegOffsetValue": 1}, -1128, "Fields [pegOffsetType, pegOffsetValue] must be sent together or omitted entirely."),
        ({"type": "ICEBERG"}, -1116, "Invalid orderType."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"timeInForce": "GTD"}, -1115, "Invalid timeInForce."),
        ({"pegPriceType": "MID"}, -1210, "Invalid pegPriceType."),
        ({"newOrderRespType": "SOME"}, -1130, "Data sent for parameter 'newOrderRespType' is not valid."),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_the_exchange_answers_from_the_same_table(changes, code, text):
    complete = {"symbol": "A", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "1", "quantity": "1"}
    decode_request(OrderPlaceRequest, complete)

    with pytest.raises(ApiError, match=re.escape(text)) as refused:
        decode_request(
            OrderPlaceRequest, {name: value for name, value in (complete | changes).items() if value is not None}
        )
    assert (refused.value.code, refused.value.message) == (code, text)


VALUES: dict[str, Any] = {
    "time_in_force": st.sampled_from(TimeInForce),
    "price": st.just(Decimal(1)),
    "quantity": st.just(Decimal(1)),
    "quote_order_qty": st.just(Decimal(1)),
    "stop_price": st.just(Decimal(1)),
    "trailing_delta": st.just(100),
    "iceberg_qty": st.just(Decimal(1)),
    "peg_price_type": st.sampled_from(PegPriceType),
    "peg_offset_value": st.just(1),
    "peg_offset_type": st.sampled_from(PegOffsetType),
}


@given(st.sampled_from(OrderType), st.fixed_dictionaries({}, optional=VALUES))
def test_client_and_exchange_agree_and_a_leg_is_judged_like_a_single_order(type_, values):
    request = OrderPlaceRequest(**ORDER, type=type_, **values)
    broken = request.violation()
    leg = OrderParameters("above_").broken_by({"above_type": type_, **prefixed("above_", values)})

    assert (broken is None) == (leg is None)
    sent = plain(msgspec.to_builtins(request, builtin_types=(Decimal,)))
    assert [request.violation(sent), request.violation(sent)] == [broken, broken]
    if broken is None:
        params = request.params()
        assert decode_request(OrderPlaceRequest, params).params() == params
        return
    with pytest.raises(RequestInvalid, match=re.escape(broken.problem)) as invalid:
        request.params()
    assert broken.problem in str(invalid.value)
    sent = msgspec.to_builtins(request)
    with pytest.raises(ApiError, check=lambda refused: refused.code == broken.code):
        decode_request(OrderPlaceRequest, sent)


@given(st.decimals(min_value=0, max_value=10**9, places=8))
def test_an_amount_as_text_goes_to_the_wire_as_written_and_as_decimal_without_exponent(amount):
    for value in (amount, format(amount, "f"), str(amount)):
        params = OrderPlaceRequest(**ORDER, type=OrderType.MARKET, quantity=value).params()
        assert params["quantity"] == format(amount, "f")


@pytest.mark.parametrize("text", ["1_0", "٣", " 1", "+1", "1 ", "1\n", "1e1_0", ".5", "5."])
def test_an_amount_as_text_is_what_it_looks_like(text):
    with pytest.raises(RequestInvalid, match="quantity"):
        OrderPlaceRequest(**ORDER, type=OrderType.MARKET, quantity=text).params()


def test_texts_become_what_they_stand_for():
    request = OrderPlaceRequest(symbol="A", side="BUY", type="MARKET", quantity="0.10").checked()

    assert (request.side, request.type, request.quantity) == (Side.BUY, OrderType.MARKET, Decimal("0.10"))
    assert type(request.type) is OrderType
    assert request.params()["quantity"] == "0.10"


@pytest.mark.parametrize(
    ("symbol", "problem"),
    [
        ("btcusdt", "'btcusdt' is not a symbol; did you mean BTCUSDT?"),
        ("BTC/USDT", "did you mean BTCUSDT?"),
        ("", "'' is not a symbol"),
        ("A" * 21, "is not a symbol"),
        ("BTCUSDT\n", "is not a symbol"),
        ("\ud800", "is not Unicode text"),
    ],
)
def test_what_cannot_be_a_symbol_is_not_sent(symbol, problem):
    with pytest.raises(RequestInvalid, match=re.escape(problem)):
        OrderCancelRequest(symbol=symbol, order_id=1).params()


def test_names_that_are_not_ascii_are_symbols():
    assert OrderCancelRequest(symbol="这是测试币456", order_id=1).params()["symbol"] == "这是测试币456"


def test_text_that_cannot_be_encoded_is_not_sent():
    with pytest.raises(RequestInvalid, match="origClientOrderId"):
        OrderCancelRequest(symbol="A", orig_client_order_id="\ud800").params()
