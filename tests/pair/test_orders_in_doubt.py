"""Orders in doubt: when it is said that there is none, and which order is meant by a client order id."""

from __future__ import annotations

import asyncio
import gc
from decimal import Decimal

import pytest

from cryptotrader import order_outcomes, order_registry
from cryptotrader.errors import OutcomeUnknown, RequestInvalid, RequestRejected
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.order_outcomes import OrderOutcomeUnknown
from paper_exchange import SYMBOL, Refused, Silence
from paper_trading import (
    buy,
    done_in_silence,
    raising,
    silent,
    trading,
    trading_again,
    unknown_and_not_done,
    unknown_but_done,
)
from virtual_clock import running_loop

UNKNOWN_ORDER = Refused(-2013, "Order does not exist.")
SETTLED = 15.0
"""Seconds after which nothing that was sent can take effect: recvWindow and Binance's own time-out."""


async def place_in_doubt(binance, exchange, fault, **fields):
    exchange.fault("order.place", fault)
    with pytest.raises(OrderOutcomeUnknown, match=r"order\.place: outcome unknown") as caught:
        await buy(binance, **fields)
    return caught.value


def no_events(exchange):
    exchange.tell = lambda account, event: None


def cut_user_stream(exchange):
    (listener,) = [peer for peer in exchange.peers if peer.subscriptions]
    exchange.drop(listener)


# --------------------------------------------------------------------------------------------------- questions refused


@pytest.mark.parametrize(("code", "status", "times"), [(-2015, 401, 1), (-1021, 400, 2)])
@pytest.mark.parametrize("seconds", [0, SETTLED])
async def test_a_refused_question_about_an_order_is_told_and_nothing_is_concluded(code, status, times, seconds):
    async with trading() as (binance, exchange):
        await buy(binance)
        no_events(exchange)
        doubt = await place_in_doubt(binance, exchange, unknown_but_done)
        await asyncio.sleep(seconds)
        exchange.fault("order.status", *[raising(Refused(code, "Not now.", status))] * times)
        with pytest.raises(RequestRejected, match=f"code {code}"):
            await doubt.resolve()
        assert (await doubt.resolve()).order_id == 2


@pytest.mark.parametrize("trouble", [raising(Refused(-1003, "Too much request weight used.", 429)), silent])
async def test_a_question_about_an_order_that_goes_unanswered_is_asked_again(trouble):
    async with trading() as (binance, exchange):
        await buy(binance)
        no_events(exchange)
        doubt = await place_in_doubt(binance, exchange, unknown_but_done)
        await asyncio.sleep(SETTLED)
        exchange.fault("order.status", trouble, trouble)
        assert (await doubt.resolve()).order_id == 2
        assert exchange.asked["order.status"] == 3


async def test_an_order_that_was_shown_by_an_event_is_there_though_the_exchange_does_not_know_it():
    async with trading() as (binance, exchange):
        await buy(binance)
        doubt = await place_in_doubt(binance, exchange, unknown_but_done)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 12)  # its database is behind
        assert (await doubt.resolve()).order_id == 2
        assert exchange.asked["order.status"] == 13


async def test_a_refused_look_through_all_orders_is_told_and_nothing_is_concluded():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.on_placed = exchange.expire  # while no events come: it is not open afterwards
        cut_user_stream(exchange)
        doubt = await place_in_doubt(binance, exchange, done_in_silence)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 10)
        exchange.fault("allOrders", raising(Refused(-2015, "Invalid API-key.", 401)))
        with pytest.raises(RequestRejected, match="code -2015"):
            await doubt.resolve(timeout=None)
        assert (await doubt.resolve(timeout=None)).status is OrderStatus.EXPIRED


@pytest.mark.parametrize("place", [0, 7], ids=["first", "last"])
async def test_more_orders_than_an_answer_holds_are_looked_through(monkeypatch, place):
    monkeypatch.setattr(order_outcomes, "_ROWS", 3)  # as if an answer held no more
    async with trading() as (binance, exchange):
        await buy(binance)
        asked, all_orders = [], exchange.on_allOrders

        def first_rows(peer, account, params):
            asked.append(params["startTime"])
            return all_orders(peer, account, params)[: params["limit"]]

        exchange.on_allOrders = first_rows
        exchange.on_placed = exchange.expire  # while no events come: none is open afterwards

        def among_others(peer, method, params, do):
            names = [f"other-{number}" for number in range(7)]
            names.insert(place, params["newClientOrderId"])
            for number, name in enumerate(names):
                time = exchange.now_ms() - 70 + 10 * number
                exchange.new_order(peer.account, params | {"newClientOrderId": name}, time=time)
            raise Silence

        cut_user_stream(exchange)
        doubt = await place_in_doubt(binance, exchange, among_others)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 10)
        assert (await doubt.resolve(timeout=120)).order_id == 2 + place
        assert len(set(asked)) > 3


# ----------------------------------------------------------------------------------------------- which order is meant


async def test_of_several_orders_of_one_client_order_id_the_newest_is_meant():
    async with trading() as (binance, exchange):
        orders = []
        for _ in range(3):
            orders.append(await buy(binance, new_client_order_id="mine"))
            await orders[-1].cancel()
        other = await buy(binance, new_client_order_id="other")

        assert await binance.orders.resolve(SYMBOL, "mine") is orders[-1]
        assert await binance.orders.resolve(SYMBOL, "other") is other


async def test_orders_of_one_client_order_id_on_two_symbols_are_told_apart():
    async with trading() as (binance, _):
        mine = await buy(binance, new_client_order_id="mine")
        await mine.cancel()
        there = await binance.orders.place_limit(
            "ETHUSDT", Side.BUY, quantity="0.5", price="50000", new_client_order_id="mine"
        )
        assert await binance.orders.resolve(SYMBOL, "mine") is mine
        assert await binance.orders.resolve("ETHUSDT", "mine") is there


async def test_an_order_that_is_on_its_way_is_meant_and_not_an_earlier_one_of_its_id():
    async with trading() as (binance, exchange):
        await (await buy(binance, new_client_order_id="mine")).cancel()
        doubt = await place_in_doubt(binance, exchange, unknown_and_not_done, new_client_order_id="mine")
        assert await binance.orders.resolve(SYMBOL, "mine") is None
        assert await doubt.resolve() is None


async def test_the_orders_of_cancelled_calls_are_kept_up_to_a_number(monkeypatch):
    monkeypatch.setattr(order_registry, "_MOST_LEFT", 2)
    async with trading() as (binance, exchange):
        await buy(binance)
        for name in ("a", "b", "c"):
            exchange.fault("order.place", silent)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await buy(binance, new_client_order_id=name)
        gc.collect()
        for name in ("b", "c"):
            with pytest.raises(RequestInvalid, match="resolve it first"):
                await buy(binance, new_client_order_id=name)
        assert (await buy(binance, new_client_order_id="a")).order_id == 2


async def test_the_order_of_a_cancelled_call_is_meant_until_it_is_resolved_and_not_longer():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.fault("order.place", done_in_silence)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await buy(binance, new_client_order_id="mine")
        second = await binance.orders.resolve(SYMBOL, "mine")
        await second.cancel()
        third = await buy(binance, new_client_order_id="mine")
        assert await binance.orders.resolve(SYMBOL, "mine") is third


async def test_an_order_that_was_taken_for_the_new_one_can_be_followed_by_itself():
    async with trading() as (binance, exchange), trading_again(exchange) as other:
        await buy(binance)
        await other.user.wait_subscribed()
        tell, exchange.tell = exchange.tell, lambda account, event: None
        await buy(other, new_client_order_id="mine")  # of which the first client hears nothing yet
        exchange.tell = tell

        def others_is_traded(peer, method, params, do):
            exchange.fill(exchange.account, exchange.account.orders[1], "0.1")
            exchange.account.orders[1]["status"] = "CANCELED"  # of which nobody has heard yet
            return do()

        exchange.fault("order.place", others_is_traded)
        order = await buy(binance, new_client_order_id="mine")
        followed = await binance.orders.follow(SYMBOL, order_id=2)
        assert (order.order_id, order.status) == (3, OrderStatus.NEW)
        assert (followed.order_id, followed.executed_quantity) == (2, Decimal("0.1"))


async def test_an_order_of_an_id_that_was_made_up_is_found_whatever_its_time_says():
    async with trading() as (binance, exchange):
        await buy(binance)
        no_events(exchange)

        def long_ago(peer, method, params, do):
            exchange.new_order(peer.account, params, time=exchange.now_ms() - 60_000)
            raise Silence

        doubt = await place_in_doubt(binance, exchange, long_ago)
        assert (await doubt.resolve()).order_id == 2


async def test_an_order_of_another_program_that_was_heard_of_before_is_not_the_one_that_was_sent():
    async with trading() as (binance, exchange), trading_again(exchange) as other:
        await buy(binance)
        await (await buy(other, new_client_order_id="mine")).cancel()
        await binance.orders.open_orders()
        doubt = await place_in_doubt(binance, exchange, unknown_and_not_done, new_client_order_id="mine")
        assert await doubt.resolve() is None


async def test_an_order_that_was_read_back_before_is_not_the_one_that_was_sent():
    async with trading() as (binance, exchange):
        await buy(binance)
        cut_user_stream(exchange)
        order = {"symbol": SYMBOL, "newClientOrderId": "mine", "side": "BUY", "type": "LIMIT", "quantity": "1"}
        theirs = exchange.new_order(exchange.account, order, time=exchange.now_ms() + 60_000)
        await asyncio.sleep(5)
        assert binance.user.state().open_orders.keys() == {(SYMBOL, 1), (SYMBOL, 2)}
        theirs["status"] = "CANCELED"
        doubt = await place_in_doubt(binance, exchange, unknown_and_not_done, new_client_order_id="mine")
        assert await doubt.resolve() is None


async def test_an_order_is_known_by_its_cancellation_which_bears_another_id():
    async with trading() as (binance, exchange):
        await buy(binance)
        tell, exchange.tell = exchange.tell, lambda account, event: None
        doubt = await place_in_doubt(binance, exchange, unknown_but_done, new_client_order_id="mine")
        exchange.tell = tell
        by = {"orderId": 2, "newClientOrderId": "cancelled"}  # from elsewhere
        exchange.on_order_cancel(None, exchange.account, by)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 10)  # its database is behind
        order = await doubt.resolve()
        assert (order.order_id, order.status, order.client_order_id) == (2, OrderStatus.CANCELED, "mine")


async def test_following_tells_at_once_how_an_order_stands():
    async with trading() as (binance, exchange):
        known = await buy(binance)
        assert await binance.orders.follow(SYMBOL, order_id=1) is known
        assert exchange.asked["order.status"] == 1

        no_events(exchange)
        await place_in_doubt(binance, exchange, unknown_but_done, new_client_order_id="mine")
        exchange.fill(exchange.account, exchange.account.orders[1], "0.2")
        order = await binance.orders.follow(SYMBOL, client_order_id="mine")
        assert (order.order_id, order.executed_quantity, len(order.fills)) == (2, Decimal("0.2"), 1)


async def test_an_order_of_an_earlier_run_whose_question_goes_unanswered_is_still_in_doubt():
    async with trading() as (first, exchange):
        await buy(first, new_client_order_id="mine")
        async with trading_again(exchange) as later:
            exchange.fault("order.status", *[silent] * 10)
            with pytest.raises(TimeoutError):
                await later.orders.resolve(SYMBOL, "mine", timeout=20)
            exchange.faults.clear()
            assert (await later.orders.resolve(SYMBOL, "mine")).order_id == 1


# ---------------------------------------------------------------------------------------- answers that tell no outcome


async def test_a_cancellation_in_doubt_of_an_order_that_is_not_there_says_so():
    async with trading() as (binance, exchange):
        exchange.fault("order.cancel", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match=r"order\.cancel: outcome unknown") as caught:
            await binance.orders.cancel(SYMBOL, client_order_id="never")
        with pytest.raises(RequestRejected, match="Order does not exist"):
            await caught.value.resolve()


async def test_a_cancellation_of_all_orders_without_an_answer_is_told_as_such():
    async with trading() as (binance, exchange):
        exchange.fault("openOrders.cancelAll", silent)
        with pytest.raises(OutcomeUnknown, match=r"openOrders\.cancelAll: outcome unknown"):
            await binance.orders.cancel_all(SYMBOL)


async def test_a_cancellation_in_doubt_waits_no_longer_than_until_the_order_has_ended():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        exchange.fault("order.cancel", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="outcome unknown") as caught:
            await order.cancel()
        running_loop().call_later(5, exchange.fill, exchange.account, exchange.account.orders[0])
        begun = running_loop().time()
        assert (await caught.value.resolve()).status is OrderStatus.FILLED
        assert 5 <= running_loop().time() - begun < 6


async def test_an_ended_order_of_an_earlier_run_is_looked_for_among_all_orders():
    async with trading() as (first, exchange):
        await buy(first, new_client_order_id="mine")
        exchange.expire(exchange.account, exchange.account.orders[0])
        async with trading_again(exchange) as later:
            exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 10)  # its database is behind
            order = await later.orders.resolve(SYMBOL, "mine")
            assert (order.order_id, order.status) == (1, OrderStatus.EXPIRED)
            assert exchange.asked["order.status"] == 11
