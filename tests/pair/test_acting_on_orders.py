"""Placing, changing and ending orders: what fails on the way, and what an order tells of itself."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import pytest

from cryptotrader.errors import ConnectFailed, OrderRejected, OutcomeUnknown, RateLimited, RequestInvalid
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import CancelRestrictions, ListOrderStatus, NewOrderRespType, OrderStatus
from cryptotrader.order_outcomes import OrderOutcomeUnknown, ReplacePartiallyApplied
from paper_exchange import SYMBOL, Refused, Silence
from paper_trading import buy, oco, raising, silent, trading, unknown_and_not_done
from virtual_clock import running_loop

BUSY = raising(Refused(-1008, "Server is currently overloaded with other requests."))


# --------------------------------------------------------------------------------------------------------- on the way


@pytest.mark.parametrize("verb", ["place", "replace"])
async def test_an_order_that_could_not_be_sent_at_all_may_be_sent_again(verb):
    async with trading() as (binance, exchange):
        old = await buy(binance)

        async def place():
            if verb == "place":
                return await buy(binance, new_client_order_id="mine")
            return (await old.replace(price="49000", quantity="0.5", new_client_order_id="mine")).placed

        binance._api._budgets.weights.close_until(running_loop().wall_seconds() + 3)
        placing = asyncio.ensure_future(place())
        await asyncio.sleep(1)
        exchange.refuses_dials = True
        exchange.kill()  # while it waits for request weight
        with pytest.raises(ConnectFailed, match="not connected within 10 s"):
            await placing
        assert exchange.asked[f"order.{'place' if verb == 'place' else 'cancelReplace'}"] == (verb == "place")
        exchange.refuses_dials = False
        await binance.user.wait_subscribed(timeout=60)
        assert (await place()).order_id == 2


async def test_a_replacement_that_was_refused_is_followed_no_more():
    async with trading() as (binance, exchange):
        old = await buy(binance)
        exchange.fault("order.cancelReplace", raising(Refused(-2010, "Account has insufficient balance.")))
        with pytest.raises(OrderRejected, match="insufficient balance") as caught:
            await old.replace(price="49000", quantity="0.5", new_client_order_id="mine")
        assert (await buy(binance, new_client_order_id="mine")).order_id == 2
        assert caught.value.code == -2010, "it is kept until now, and with it the order that was not placed"


async def test_the_half_of_a_replacement_that_was_not_placed_is_followed_no_more():
    async with trading() as (binance, exchange):
        old = await buy(binance)
        with pytest.raises(ReplacePartiallyApplied, match="partially failed") as caught:
            await old.replace(price="1000", quantity="2000", new_client_order_id="mine")
        assert (await buy(binance, new_client_order_id="mine")).order_id == 2
        assert (caught.value.cancelled, caught.value.placed) == (old, None)


async def test_filters_are_read_again_once_the_exchange_has_refused_by_one():
    async with trading() as (binance, exchange):
        exchange.fault("order.place", raising(Refused(-1013, "Filter failure: PRICE_FILTER")))
        with pytest.raises(OrderRejected, match="PRICE_FILTER"):
            await buy(binance)
        assert exchange.asked["exchangeInfo"] == 1
        await buy(binance)
        assert exchange.asked["exchangeInfo"] == 2
        exchange.fault("order.place", raising(Refused(-2010, "Account has insufficient balance.")))
        with pytest.raises(OrderRejected, match="insufficient balance"):
            await buy(binance)
        await buy(binance)
        assert exchange.asked["exchangeInfo"] == 2


async def test_filters_that_are_refused_leave_nothing_sent():
    async with trading() as (binance, exchange):
        exchange.fault("exchangeInfo", raising(Refused(-1003, "Too much request weight used.", 429)))
        with pytest.raises(RateLimited, match="Too much request weight used"):
            await buy(binance)
        assert exchange.asked["order.place"] == 0
        assert (await buy(binance)).order_id == 1


async def test_a_cancellation_of_all_orders_that_the_engine_refuses_is_told():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        exchange.fault("openOrders.cancelAll", raising(Refused(-2010, "This action is disabled on this account.")))
        with pytest.raises(OrderRejected, match="This action is disabled"):
            await binance.orders.cancel_all(SYMBOL)
        assert order.status is OrderStatus.NEW


@pytest.mark.parametrize("fields", [{}, {"type": OrderType.LIMIT}, {"side": Side.BUY}])
async def test_an_order_of_which_nothing_is_known_is_replaced_only_by_one_that_is_told_in_full(fields):
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.tell = lambda account, event: None
        told = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")

        def acknowledge(peer, method, params, do):
            answer = do()
            return {name: answer[name] for name in told}

        exchange.fault("order.place", acknowledge)
        acknowledged = await buy(binance, new_order_resp_type=NewOrderRespType.ACK)
        assert (acknowledged.side, acknowledged.type) == (None, None)
        with pytest.raises(RequestInvalid, match="side and type of the new order are needed"):
            await acknowledged.replace(price="49000", quantity="0.5", **fields)
        assert exchange.asked["order.cancelReplace"] == 0

        both = await acknowledged.replace(OrderType.LIMIT, side=Side.BUY, price="49000", quantity="0.5")
        assert (acknowledged.status, both.placed.order_id) == (OrderStatus.CANCELED, 3)


async def test_only_a_limit_order_is_given_a_time_in_force():
    async with trading() as (binance, exchange):
        asked = []
        for kind in (OrderType.LIMIT, OrderType.LIMIT_MAKER):
            order = await buy(binance)
            exchange.fault("order.cancelReplace", lambda peer, method, params, do: (asked.append(params), do())[1])
            await order.replace(kind, price="49000", quantity="0.5")
        assert [params.get("timeInForce") for params in asked] == [TimeInForce.GTC, None]


async def test_orders_and_lists_are_acted_upon_by_the_stream_as_by_themselves():
    async with trading() as (binance, exchange):
        orders = binance.orders
        first = await buy(binance)
        assert await orders.amend(first, "0.4") is first
        second = (await orders.replace(first, price="49000", quantity="0.4")).placed
        asked = []
        exchange.fault("order.cancel", lambda peer, method, params, do: (asked.append(params), do())[1])
        assert await orders.cancel(second, cancel_restrictions=CancelRestrictions.ONLY_NEW) is second
        placed = await orders.place_list(oco())
        assert await orders.cancel_list(placed) is placed

        assert [order.status for order in (first, second)] == [OrderStatus.CANCELED] * 2
        assert (first.quantity, placed.status) == (Decimal("0.4"), ListOrderStatus.ALL_DONE)
        assert [(params["orderId"], params["cancelRestrictions"]) for params in asked] == [(2, "ONLY_NEW")]


# ------------------------------------------------------------------------------------------------- what an order tells


async def test_orders_lists_and_replacements_say_which_they_are():
    async with trading() as (binance, _):
        order = await buy(binance, new_client_order_id="mine")
        shown = "PlacedOrder(BTCUSDT, 'mine', order_id=1, status=NEW, executed=0)"
        assert repr(order) == shown
        assert (order.order_list_id, order.average_price) == (-1, None)
        both = await order.replace(price="49000", quantity="0.4", new_client_order_id="other")
        assert repr(both) == (
            "Replacement(cancelled=PlacedOrder(BTCUSDT, 'mine', order_id=1, status=CANCELED, executed=0), "
            "placed=PlacedOrder(BTCUSDT, 'other', order_id=2, status=NEW, executed=0))"
        )
        placed = await binance.orders.place_list(
            oco(list_client_order_id="L", above_client_order_id="A", below_client_order_id="B")
        )
        assert repr(placed) == (
            "PlacedOrderList(BTCUSDT, 'L', EXECUTING, ("
            "PlacedOrder(BTCUSDT, 'A', order_id=3, status=NEW, executed=0), "
            "PlacedOrder(BTCUSDT, 'B', order_id=4, status=NEW, executed=0)))"
        )
        assert [each.order_list_id for each in placed.orders] == [1, 1]
        assert not placed.is_done
        assert placed.order("B") is placed.orders[1]
        with pytest.raises(KeyError, match="'L'"):
            placed.order("L")


async def test_reports_that_come_while_one_is_looked_at_are_told_in_order():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        (mine,) = exchange.account.orders
        seen = []
        async for report in order:
            seen.append((report.status, report.executed_quantity))
            if mine["status"] != "FILLED":
                exchange.fill(exchange.account, mine, "0.1")
                exchange.fill(exchange.account, mine, "0.4")
                await order.filled(timeout=5)  # while the first report is looked at
        assert seen == [
            (OrderStatus.NEW, Decimal(0)),
            (OrderStatus.PARTIALLY_FILLED, Decimal("0.1")),
            (OrderStatus.FILLED, Decimal("0.5")),
        ]


# ------------------------------------------------------------------------------------------------------------ late fills


def without_fills(exchange):
    """Orders are filled at once, and neither reply nor event tells of their fills."""
    exchange.on_placed = exchange.fill
    exchange.tell = lambda account, event: None
    place_order = exchange.on_order_place
    exchange.on_order_place = lambda peer, account, params: {
        key: value for key, value in place_order(peer, account, params).items() if key != "fills"
    }


@pytest.mark.parametrize("trouble", [BUSY, silent])
async def test_fills_are_asked_for_again_after_a_question_that_failed(trouble):
    async with trading() as (binance, exchange):
        await binance.user.wait_subscribed()
        without_fills(exchange)
        exchange.fault("myTrades", trouble, trouble)
        order = await buy(binance)
        assert (order.status, order.is_done) == (OrderStatus.FILLED, False)
        await order.filled(timeout=60)
        assert [fill.quantity for fill in order.fills] == [Decimal("0.5")]


async def test_fills_that_are_never_told_are_given_up_and_said_to_be_missing(caplog):
    async with trading() as (binance, exchange):
        await binance.user.wait_subscribed()
        without_fills(exchange)
        asked = []
        exchange.on_myTrades = lambda peer, account, params: asked.append(params.get("orderId")) or []
        order = await buy(binance, new_client_order_id="mine")
        with pytest.raises(TimeoutError):
            await order.filled(timeout=600)
        (record,) = [each for each in caplog.records if each.name == "cryptotrader.late_fills"]
        assert record.levelno == logging.WARNING
        assert record.getMessage() == (
            "PlacedOrder(BTCUSDT, 'mine', order_id=1, status=FILLED, executed=0.5) has executed more than its fills tell"
        )
        assert asked.count(1) == 7, "and the account was read after interruptions"


# ------------------------------------------------------------------------------------------------ amendments in doubt


async def test_an_amendment_in_doubt_waits_no_longer_than_until_it_shows():
    async with trading() as (binance, exchange):
        order = await buy(binance)

        def later(peer, method, params, do):
            amend = exchange.on_order_amend_keepPriority
            running_loop().call_later(5, amend, peer, peer.account, params)
            raise Silence

        exchange.fault("order.amend.keepPriority", later)
        with pytest.raises(OrderOutcomeUnknown, match="outcome unknown") as caught:
            await order.amend("0.3")
        assert caught.value.client_order_id == order.client_order_id
        begun = running_loop().time()
        assert (await caught.value.resolve()).quantity == Decimal("0.3")
        assert running_loop().time() - begun < 1


async def test_an_amendment_in_doubt_of_an_order_that_ends_is_resolved_by_its_end():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        exchange.fault("order.amend.keepPriority", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="outcome unknown") as caught:
            await order.amend("0.3")
        running_loop().call_later(2, exchange.fill, exchange.account, exchange.account.orders[0])
        begun = running_loop().time()
        assert (await caught.value.resolve()).quantity == Decimal("0.5")
        assert 2 <= running_loop().time() - begun < 3


async def test_a_test_of_an_order_without_an_answer_places_nothing():
    async with trading() as (binance, exchange):
        exchange.fault("order.test", silent)
        with pytest.raises(OutcomeUnknown, match=r"order\.test: outcome unknown"):
            await binance.orders.test(
                SYMBOL, Side.BUY, OrderType.LIMIT, quantity="0.5", price="50000", time_in_force=TimeInForce.GTC
            )
        assert exchange.account.orders == []
