"""Orders at an exchange that knows nothing of this library: placed, changed, ended, and in doubt."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal

import pytest

from cryptotrader.errors import OrderRejected, RequestRejected
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.models.order_models import NewOrderRespType, OrderStatus
from cryptotrader.order_outcomes import (
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    ReplaceOutcomeUnknown,
    ReplacePartiallyApplied,
)
from cryptotrader.requests import (
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
    OrderListPlaceRequest,
)
from scripted import replies
from scripted.events import EXECUTION_REPORT, FILL_REPORT, wrapped
from scripted.server import SILENT
from waiting import PATIENCE, soon, until
from witnessed import ED25519, HMAC, witnessed

BTC = "BTCUSDT"
LIMIT = {"quantity": "0.002", "price": "63000", "new_client_order_id": "mine-1"}
OCO = OrderListPlaceOcoRequest(
    symbol=BTC,
    side=Side.SELL,
    quantity="0.002",
    list_client_order_id="list-9",
    above_type=OrderType.LIMIT_MAKER,
    above_price="70000",
    above_client_order_id="leg-8",
    below_type=OrderType.STOP_LOSS,
    below_stop_price="60000",
    below_client_order_id="leg-9",
)
WORKING = {
    "symbol": BTC,
    "working_type": OrderType.LIMIT,
    "working_side": Side.BUY,
    "working_price": "63000",
    "working_quantity": "0.002",
    "working_time_in_force": "GTC",
    "pending_side": Side.SELL,
}
PAIR = {
    "pending_above_type": OrderType.LIMIT_MAKER,
    "pending_above_price": "70000",
    "pending_below_type": OrderType.STOP_LOSS,
    "pending_below_stop_price": "60000",
}


async def place(binance):
    return await soon(binance.orders.place_limit(BTC, Side.BUY, **LIMIT))


async def user_connection(exchange):
    """The connection that user data comes over."""
    method = re.compile(r"userDataStream\.subscribe.*")

    def found():
        return [api for api in exchange.apis if any(method.fullmatch(asked.method) for asked in api.asked)]

    return (await until(found))[0]


async def tell(exchange, event, client_order_id="mine-1"):
    client = await user_connection(exchange)
    await exchange.send(client, wrapped(event.replace("$clientOrderId", client_order_id)))


@pytest.mark.parametrize("key", [HMAC, ED25519], ids=["signed", "by session"])
async def test_an_order_is_placed_and_filled_by_its_events(key):
    async with witnessed(key) as (exchange, binance):
        order = await place(binance)
        assert (order.order_id, order.client_order_id, order.status) == (501, "mine-1", OrderStatus.NEW)
        (asked,) = [each for each in exchange.requests("order.place") if each.params["newOrderRespType"] == "FULL"]
        sent = {name: asked.params[name] for name in ("symbol", "side", "type", "timeInForce", "quantity", "price")}
        assert sent == {
            "symbol": BTC,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.002",
            "price": "63000",
        }
        await tell(exchange, EXECUTION_REPORT)
        await tell(exchange, FILL_REPORT)
        await soon(order.filled(None))
        assert (order.average_price, order.executed_quantity) == (Decimal(62999), Decimal("0.002"))
        assert [(fill.trade_id, fill.commission, fill.commission_asset) for fill in order.fills] == [
            (8810, Decimal("0.0000015"), "BTC")
        ]


async def test_an_event_before_the_reply_is_not_lost():
    async with witnessed(HMAC) as (exchange, binance):
        await soon(binance.user.wait_subscribed(PATIENCE))
        exchange.answers("order.place", SILENT)
        placing = asyncio.ensure_future(place(binance))
        await until(lambda: exchange.requests("order.place"))
        await tell(exchange, FILL_REPORT)
        (asked,) = exchange.requests("order.place")
        reply = replies.done(replies.FULL).replace("$newClientOrderId", "mine-1").replace("$id", str(asked.id))
        client = next(api for api in exchange.apis if api.number == asked.connection)
        await exchange.send(client, reply)
        order = await soon(placing)
        await soon(order.filled(None))
        assert [fill.trade_id for fill in order.fills] == [8810]


async def test_a_market_order_is_filled_by_its_reply():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.place", replies.done(replies.FILLED, replies.PLACED))
        order = await soon(binance.orders.place_market(BTC, Side.BUY, quantity="0.002"))
        await soon(order.filled(None))
        assert [fill.trade_id for fill in order.fills] == [8802, 8803]
        assert order.average_price == Decimal("64012.5")


@pytest.mark.parametrize(
    ("kind", "reply"),
    [("ACK", replies.ACK), ("RESULT", replies.RESULT), ("FULL", replies.FULL)],
    ids=lambda each: each[:6],
)
async def test_each_form_of_the_reply_to_a_placement_is_taken(kind, reply):
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.place", replies.done(reply, replies.PLACED))
        order = await soon(
            binance.orders.place_limit(BTC, Side.BUY, **LIMIT, new_order_resp_type=NewOrderRespType(kind))
        )
        assert (order.order_id, order.is_done) == (501, False)
        assert exchange.requests("order.place")[-1].params["newOrderRespType"] == kind


async def test_a_refused_order_is_sent_once_and_followed_no_more():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.place", replies.NO_FUNDS)
        with pytest.raises(OrderRejected, match="insufficient balance") as caught:
            await place(binance)
        assert caught.value.reason == "Account has insufficient balance for requested action."
        assert len(exchange.requests("order.place")) == 1


async def test_an_order_is_cancelled_amended_and_replaced():
    async with witnessed(HMAC) as (exchange, binance):
        order = await place(binance)
        await soon(order.amend("0.001"))
        assert order.quantity == Decimal("0.001")
        amendment = exchange.requests("order.amend.keepPriority")[-1].params
        assert (amendment["orderId"], amendment["newQty"], amendment["newClientOrderId"]) == (501, "0.001", "mine-1")
        await soon(order.cancel())
        assert order.status is OrderStatus.CANCELED
        assert exchange.requests("order.cancel")[-1].params["orderId"] == 501

        another = await soon(binance.orders.place_limit(BTC, Side.BUY, quantity="0.002", price="63000"))
        changed = await soon(another.replace(quantity="0.002", price="63000", time_in_force="GTC"))
        assert changed.placed.order_id == 503
        assert changed.cancelled is another


async def test_a_replacement_of_which_one_half_failed_tells_both():
    async with witnessed(HMAC) as (exchange, binance):
        order = await place(binance)
        exchange.answers("order.cancelReplace", replies.HALF_DONE)
        with pytest.raises(ReplacePartiallyApplied, match="partially failed") as caught:
            await soon(order.replace(quantity="0.002", price="63000", time_in_force="GTC"))
        assert caught.value.cancelled is order
        assert caught.value.placed is None
        assert order.status is OrderStatus.CANCELED
        assert caught.value.outcome.new_order_response.code == -2010
        assert len(exchange.requests("order.cancelReplace")) == 1


async def test_a_replacement_of_which_nothing_was_done_leaves_the_order():
    async with witnessed(HMAC) as (exchange, binance):
        order = await place(binance)
        exchange.answers("order.cancelReplace", replies.NOTHING_DONE)
        with pytest.raises(RequestRejected, match="cancel-replace failed"):
            await soon(order.replace(quantity="0.002", price="63000", time_in_force="GTC"))
        assert order.status is OrderStatus.NEW


async def test_nothing_to_cancel_is_no_error_where_all_are_to_be_cancelled():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("openOrders.cancelAll", replies.UNKNOWN_ORDER)
        assert await soon(binance.orders.cancel_all(BTC)) == []
        single, of_list = await soon(binance.orders.cancel_all(BTC))
        assert (single.order_id, of_list.order_list_id) == (501, 61)


async def test_a_routed_order_is_filled_by_allocations():
    async with witnessed(HMAC) as (_, binance):
        order = await soon(
            binance.orders.place_routed(
                BTC, Side.BUY, OrderType.LIMIT, quantity="0.005", price="64100", time_in_force="GTC"
            )
        )
        await soon(order.filled(None))
        assert (order.order_id, order.average_price) == (502, Decimal(64010))


LISTS = [
    (OCO, [601, 602]),
    (
        OrderListPlaceRequest(symbol=BTC, side=Side.SELL, price="70000", quantity="0.002", stop_price="60000"),
        [601, 602],
    ),
    (OrderListPlaceOtoRequest(**WORKING, pending_type=OrderType.MARKET, pending_quantity="0.002"), [601, 602]),
    (OrderListPlaceOtocoRequest(**WORKING, **PAIR, pending_quantity="0.002"), [601, 602, 603]),
    (OrderListPlaceOpoRequest(**WORKING, pending_type=OrderType.MARKET), [601, 602]),
    (OrderListPlaceOpocoRequest(**WORKING, **PAIR), [601, 602, 603]),
]


@pytest.mark.parametrize(("request_", "numbers"), LISTS, ids=[request_.api.name for request_, _ in LISTS])
async def test_a_list_is_placed_and_cancelled(request_, numbers):
    async with witnessed(HMAC) as (exchange, binance):
        placed = await soon(binance.orders.place_list(request_))
        assert (placed.order_list_id, [order.order_id for order in placed.orders]) == (61, numbers)
        assert len(exchange.requests(request_.api.name)) == 1
        await soon(placed.cancel())
        assert placed.status == "ALL_DONE"
        assert exchange.requests("orderList.cancel")[-1].params["orderListId"] == 61
        assert [order.status for order in placed.orders[:2]] == [OrderStatus.CANCELED] * 2


# ---------------------------------------------------------------------------------------------------------- in doubt


async def cut_where_asked(exchange, method):
    await until(lambda: exchange.requests(method), method)
    number = exchange.requests(method)[-1].connection
    await exchange.cut(next(api for api in exchange.apis if api.number == number))


async def test_an_order_whose_reply_never_comes_is_asked_for_and_not_sent_again():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.place", SILENT)
        placing = asyncio.ensure_future(place(binance))
        await cut_where_asked(exchange, "order.place")
        with pytest.raises(OrderOutcomeUnknown, match=r"order\.place: outcome unknown") as caught:
            await soon(placing)
        assert caught.value.client_order_id == "mine-1"
        order = await soon(caught.value.resolve(None))
        assert (order.order_id, order.status) == (501, OrderStatus.NEW)
        (question,) = exchange.requests("order.status")
        assert (question.params["symbol"], question.params["origClientOrderId"]) == (BTC, "mine-1")
        assert len(exchange.requests("order.place")) == 1


@pytest.mark.parametrize("reply", [replies.TIMED_OUT, replies.ODD_REPLY], ids=["-1007", "-1006"])
async def test_an_order_of_unknown_outcome_is_asked_for_until_it_is_there(reply):
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.place", reply)
        with pytest.raises(OrderOutcomeUnknown, match=r"[eE]xecution status unknown") as caught:
            await place(binance)
        exchange.answers("order.status", replies.NO_SUCH_ORDER)  # its database is behind
        order = await soon(caught.value.resolve(None))
        assert order.order_id == 501
        assert (len(exchange.requests("order.status")), len(exchange.requests("order.place"))) == (2, 1)


async def test_a_question_about_an_order_in_doubt_that_is_refused_concludes_nothing():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.place", replies.TIMED_OUT)
        with pytest.raises(OrderOutcomeUnknown, match="outcome unknown") as caught:
            await place(binance)
        exchange.answers("order.status", replies.NO_SUCH_KEY)
        with pytest.raises(RequestRejected, match="code -2015"):
            await soon(caught.value.resolve(None))
        assert (await soon(caught.value.resolve(None))).order_id == 501


async def test_a_cancellation_in_doubt_tells_how_the_order_stands():
    async with witnessed(HMAC) as (exchange, binance):
        order = await place(binance)
        exchange.answers("order.cancel", replies.TIMED_OUT)
        with pytest.raises(OrderOutcomeUnknown, match=r"order\.cancel: outcome unknown") as caught:
            await soon(order.cancel())
        exchange.answers("order.status", replies.done(replies.ORDER.replace('"NEW"', '"CANCELED"')))
        assert (await soon(caught.value.resolve(None))).status is OrderStatus.CANCELED
        assert len(exchange.requests("order.cancel")) == 1


async def test_a_replacement_in_doubt_asks_for_both_orders():
    async with witnessed(HMAC) as (exchange, binance):
        order = await place(binance)
        exchange.answers("order.cancelReplace", replies.TIMED_OUT)
        with pytest.raises(ReplaceOutcomeUnknown, match=r"order\.cancelReplace: outcome unknown") as caught:
            await soon(
                order.replace(quantity="0.002", price="63000", time_in_force="GTC", new_client_order_id="mine-2")
            )
        there = replies.done(replies.ORDER.replace("501", "503"))
        gone = replies.done(replies.ORDER.replace('"NEW"', '"CANCELED"'))
        exchange.answers("order.status", there, gone)
        both = await soon(caught.value.resolve(None))
        assert (both.placed.order_id, both.cancelled.status) == (503, OrderStatus.CANCELED)
        assert len(exchange.requests("order.cancelReplace")) == 1


async def test_a_list_in_doubt_is_asked_for_by_its_own_id():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("orderList.place.oco", replies.TIMED_OUT)
        with pytest.raises(OrderListOutcomeUnknown, match="outcome unknown") as caught:
            await soon(binance.orders.place_list(OCO))
        placed = await soon(caught.value.resolve(None))
        assert placed.order_list_id == 61
        assert exchange.requests("orderList.status")[0].params["origClientOrderId"] == "list-9"
        assert len(exchange.requests("orderList.place.oco")) == 1
