"""Order lists whose answers are missing, refused or overtaken by events: placed once, known by the right id."""

from __future__ import annotations

import asyncio
import gc

import pytest

from cryptotrader.errors import OrderRejected, RequestInvalid, RequestRejected
from cryptotrader.models.order_models import ListOrderStatus, OrderStatus
from cryptotrader.order_outcomes import OrderListOutcomeUnknown
from paper_exchange import Refused
from paper_trading import (
    buy,
    done_in_silence,
    oco,
    raising,
    trading,
    trading_again,
    unknown_and_not_done,
    unknown_but_done,
)
from virtual_clock import running_loop

IDS = {"list_client_order_id": "L", "above_client_order_id": "A", "below_client_order_id": "B"}
UNKNOWN_LIST = Refused(-2013, "Order list does not exist.")
UNKNOWN_ORDER = Refused(-2013, "Order does not exist.")
UNKNOWN = Refused(-1007, "Timeout waiting for response from backend server.", 500)
SETTLED = 15.0
"""Seconds after which nothing that was sent can take effect: recvWindow and Binance's own time-out."""


def quiet_about_orders(exchange):
    """From now on only lists are told of by events."""
    tell = exchange.tell
    exchange.tell = lambda account, event: event["e"] == "listStatus" and tell(account, event)


async def place_in_doubt(binance, **fields):
    with pytest.raises(OrderListOutcomeUnknown, match=r"orderList\.place\.oco: outcome unknown") as caught:
        await binance.orders.place_list(oco(**fields))
    return caught.value


# ---------------------------------------------------------------------------------------------------- not placed, or late


async def test_a_list_that_takes_effect_late_is_found():
    async with trading() as (binance, exchange):

        def late(peer, method, params, do):
            running_loop().call_later(SETTLED - 1, exchange.on_orderList_place_oco, peer, peer.account, params)
            raise UNKNOWN

        exchange.fault("orderList.place.oco", late)
        doubt = await place_in_doubt(binance)
        exchange.tell = lambda account, event: None  # nothing but the exchange's answer tells of it
        placed = await doubt.resolve()

        assert (placed.order_list_id, placed.status) == (1, ListOrderStatus.EXECUTING)
        assert len(exchange.account.lists) == 1


async def test_that_there_is_no_list_is_said_only_when_nothing_can_come_any_more():
    async with trading() as (binance, exchange):
        exchange.fault("orderList.place.oco", unknown_and_not_done)
        doubt = await place_in_doubt(binance)
        given_up = running_loop().time()

        assert await doubt.resolve() is None
        assert SETTLED <= running_loop().time() - given_up < SETTLED + 0.1
        assert exchange.asked["orderList.status"] > 3
        assert exchange.asked["orderList.place.oco"] == 1


@pytest.mark.parametrize("told", ["executionReport", "listStatus"])
async def test_a_list_that_an_event_has_shown_is_there_though_the_exchange_does_not_know_it(told):
    async with trading() as (binance, exchange):
        await buy(binance)
        tell = exchange.tell
        exchange.tell = lambda account, event: event["e"] == told and tell(account, event)

        def done_and_told(peer, method, params, do):
            do()
            exchange.report_list(exchange.account, exchange.account.lists[0])
            raise UNKNOWN

        exchange.fault("orderList.place.oco", done_and_told)
        exchange.fault("orderList.status", *[raising(UNKNOWN_LIST)] * 12)  # its database is behind
        placed = await (await place_in_doubt(binance)).resolve()

        assert (placed.order_list_id, [order.order_id for order in placed.orders]) == (1, [2, 3])
        assert exchange.asked["orderList.status"] == 13


async def test_orders_of_a_list_that_cannot_be_asked_for_yet_do_not_make_it_one_that_was_not_placed():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.tell = lambda account, event: None
        exchange.fault("orderList.place.oco", unknown_but_done)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 10)
        placed = await (await place_in_doubt(binance)).resolve()

        assert [order.status for order in placed.orders] == [OrderStatus.NEW] * 2


async def test_the_ids_of_a_list_that_was_not_placed_may_be_sent_again_once_that_is_certain():
    async with trading() as (binance, exchange):
        exchange.fault("orderList.place.oco", unknown_and_not_done)
        doubt = await place_in_doubt(binance, **IDS)
        with pytest.raises(RequestInvalid, match="'A' is on its way; resolve it first"):
            await binance.orders.place_list(oco(**IDS))
        assert await doubt.resolve() is None
        assert (await binance.orders.place_list(oco(**IDS))).order_list_id == 1


async def test_a_list_that_was_refused_is_followed_no_more():
    async with trading() as (binance, exchange):
        exchange.fault("orderList.place.oco", raising(Refused(-2010, "Account has insufficient balance.")))
        with pytest.raises(OrderRejected, match="insufficient balance"):
            await binance.orders.place_list(oco(**IDS))
        again = await binance.orders.place_list(oco(**IDS))
        assert (again.order_list_id, [order.order_id for order in again.orders]) == (1, [1, 2])


# --------------------------------------------------------------------------------------------------------- cancellations


async def test_a_list_is_cancelled_with_its_orders():
    async with trading() as (binance, exchange):
        placed = await binance.orders.place_list(oco())
        assert await placed.cancel() is placed
        assert (placed.status, placed.is_done) == (ListOrderStatus.ALL_DONE, True)
        assert [order.status for order in placed.orders] == [OrderStatus.CANCELED] * 2
        with pytest.raises(OrderRejected, match="Unknown order list sent"):
            await placed.cancel()


@pytest.mark.parametrize(
    ("fault", "status", "seconds"),
    [
        (unknown_but_done, ListOrderStatus.ALL_DONE, 0),
        (done_in_silence, ListOrderStatus.ALL_DONE, 0),
        (unknown_and_not_done, ListOrderStatus.EXECUTING, SETTLED),
    ],
)
async def test_a_cancelled_list_without_an_answer_resolves_to_the_list_as_it_stands(fault, status, seconds):
    async with trading() as (binance, exchange):
        placed = await binance.orders.place_list(oco(**IDS))
        exchange.tell = lambda account, event: None
        exchange.fault("orderList.cancel", fault)
        with pytest.raises(OrderListOutcomeUnknown, match=r"orderList\.cancel: outcome unknown") as caught:
            await placed.cancel()
        assert caught.value.list_client_order_id == "L"
        begun = running_loop().time()
        assert await caught.value.resolve() is placed
        assert seconds <= running_loop().time() - begun < seconds + 5
        assert placed.status is status
        ended = OrderStatus.NEW if status is ListOrderStatus.EXECUTING else OrderStatus.CANCELED
        assert [order.status for order in placed.orders] == [ended] * 2
        assert exchange.asked["orderList.cancel"] == 1


async def test_a_list_whose_number_is_not_known_is_cancelled_by_the_id_it_was_sent_with():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.tell = lambda account, event: None
        exchange.fault("orderList.place.oco", unknown_but_done)
        await place_in_doubt(binance, **IDS)
        (placed,) = binance.orders._desk._registry._unnumbered_lists.values()
        assert placed.order_list_id is None
        asked = []
        exchange.fault("orderList.cancel", lambda peer, method, params, do: (asked.append(params), do())[1])
        await placed.cancel()

        assert (asked[0]["listClientOrderId"], asked[0].get("orderListId")) == ("L", None)
        assert [order.status for order in placed.orders] == [OrderStatus.CANCELED] * 2


# ------------------------------------------------------------------------------------------------ events before the reply


async def test_a_list_is_known_by_its_event_before_its_reply():
    async with trading() as (binance, exchange):
        await buy(binance)
        quiet_about_orders(exchange)

        def told_first(peer, method, params, do):
            do()
            exchange.report_list(exchange.account, exchange.account.lists[0])
            raise UNKNOWN

        exchange.fault("orderList.place.oco", told_first)
        doubt = await place_in_doubt(binance, **IDS)
        exchange.account.lists[0]["listClientOrderId"] = "another"  # it is found by its number only
        assert (await doubt.resolve(timeout=5)).order_list_id == 1


async def test_the_event_of_another_list_of_the_same_id_is_not_of_the_one_that_is_on_its_way():
    async with trading() as (binance, exchange):
        await buy(binance)
        async with trading_again(exchange) as other:
            tell, exchange.tell = exchange.tell, lambda account, event: None
            await other.orders.place_list(oco(list_client_order_id="L"))  # with orders of other ids
            exchange.tell = tell
        exchange.account.lists[0] |= {"listOrderStatus": "ALL_DONE", "listStatusType": "ALL_DONE"}

        def first_one_is_told_of(peer, method, params, do):
            exchange.report_list(exchange.account, exchange.account.lists[0])
            raise UNKNOWN

        exchange.fault("orderList.place.oco", first_one_is_told_of)
        exchange.fault("orderList.status", *[raising(UNKNOWN_LIST)] * 12)
        assert await (await place_in_doubt(binance, **IDS)).resolve() is None


async def test_a_late_event_of_an_earlier_list_of_the_same_ids_is_not_of_the_new_one():
    async with trading() as (binance, exchange):
        first = await binance.orders.place_list(oco(**IDS))
        await first.cancel()
        ended = exchange.account.lists[0]
        del first  # nobody follows it any more: only its number tells it from the new one

        def first_one_is_told_of(peer, method, params, do):
            quiet_about_orders(exchange)
            exchange.report_list(exchange.account, ended)
            raise UNKNOWN

        exchange.fault("orderList.place.oco", first_one_is_told_of)
        exchange.fault("orderList.status", *[raising(UNKNOWN_LIST)] * 12)
        assert await (await place_in_doubt(binance, **IDS)).resolve() is None


async def test_the_reply_has_the_last_word_on_which_list_was_placed():
    async with trading() as (binance, exchange):
        await buy(binance)
        quiet_about_orders(exchange)
        tell, exchange.tell = exchange.tell, lambda account, event: None
        async with trading_again(exchange) as other:
            others = await other.orders.place_list(oco(**IDS))  # of which the first client hears nothing yet
            await others.cancel()
        exchange.tell = tell
        first = exchange.account.lists[0]

        def others_is_told_of(peer, method, params, do):
            exchange.report_list(exchange.account, first | {"listOrderStatus": "EXECUTING"})
            return do()

        exchange.fault("orderList.place.oco", others_is_told_of)
        placed = await binance.orders.place_list(oco(**IDS))
        assert (placed.order_list_id, placed.status) == (2, ListOrderStatus.EXECUTING)
        exchange.report_list(exchange.account, first)
        await asyncio.sleep(1)
        assert (placed.order_list_id, placed.status) == (2, ListOrderStatus.EXECUTING)
        assert [order.order_id for order in placed.orders] == [4, 5]


async def test_a_late_event_of_an_earlier_order_of_the_same_id_is_not_of_an_order_of_the_list():
    async with trading() as (binance, exchange):
        await binance.orders.place_list(oco(**IDS))  # nobody follows it any more
        gc.collect()

        def first_one_is_filled(peer, method, params, do):
            exchange.fill(exchange.account, exchange.account.orders[0])
            raise UNKNOWN

        exchange.account.lists[0]["listClientOrderId"] = "another"
        exchange.fault("orderList.place.oco", first_one_is_filled)
        assert await (await place_in_doubt(binance, **IDS)).resolve() is None


async def test_the_end_of_a_list_is_told_by_its_event():
    async with trading() as (binance, exchange):
        first, second = [await binance.orders.place_list(oco()) for _ in range(2)]
        exchange.account.lists[1] |= {"listOrderStatus": "ALL_DONE", "listStatusType": "ALL_DONE"}
        exchange.report_list(exchange.account, exchange.account.lists[1])
        exchange.account.lists[1] |= {"listOrderStatus": "EXECUTING", "listStatusType": "EXEC_STARTED"}
        exchange.report_list(exchange.account, exchange.account.lists[1])  # late: it does not go back
        await binance.orders.open_lists()  # events that were sent before its answer have come

        assert (first.status, second.status) == (ListOrderStatus.EXECUTING, ListOrderStatus.ALL_DONE)


# --------------------------------------------------------------------------------------------------- questions refused


@pytest.mark.parametrize(("code", "status", "times"), [(-2015, 401, 1), (-1021, 400, 2)])
async def test_a_refused_question_about_a_list_is_told_and_nothing_is_concluded(code, status, times):
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.tell = lambda account, event: None
        exchange.fault("orderList.place.oco", unknown_but_done)
        doubt = await place_in_doubt(binance)
        await asyncio.sleep(SETTLED)
        exchange.fault("orderList.status", *[raising(Refused(code, "Not now.", status))] * times)
        with pytest.raises(RequestRejected, match=f"code {code}"):
            await doubt.resolve()
        assert (await doubt.resolve()).order_list_id == 1


async def test_a_question_about_a_list_that_is_refused_for_weight_is_asked_again():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.tell = lambda account, event: None
        exchange.fault("orderList.place.oco", unknown_but_done)
        doubt = await place_in_doubt(binance)
        await asyncio.sleep(SETTLED)
        exchange.fault("orderList.status", *[raising(Refused(-1003, "Too much request weight used.", 429))] * 2)
        assert (await doubt.resolve()).order_list_id == 1
        assert exchange.asked["orderList.status"] == 3


async def test_a_list_of_another_program_that_was_heard_of_before_is_not_the_one_that_was_sent():
    async with trading() as (binance, exchange):
        await buy(binance)
        async with trading_again(exchange) as other:
            await other.orders.place_list(oco(list_client_order_id="L"))
        exchange.report_list(exchange.account, exchange.account.lists[0])
        await binance.orders.open_lists()  # the event has come before this answer
        exchange.fault("orderList.place.oco", unknown_and_not_done)
        assert await (await place_in_doubt(binance, **IDS)).resolve() is None
