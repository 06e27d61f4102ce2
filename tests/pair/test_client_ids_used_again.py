"""Client order ids of the caller's own are used again: what is told of the earlier order is not of the new one."""

from __future__ import annotations

import asyncio
import gc

import pytest

from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import ListOrderStatus, OrderStatus
from cryptotrader.order_outcomes import OrderListOutcomeUnknown, OrderOutcomeUnknown, ReplaceOutcomeUnknown
from paper_exchange import Silence
from paper_trading import (
    buy,
    done_in_silence,
    oco,
    trading,
    trading_again,
    unknown_and_not_done,
    unknown_but_done,
)
from trading_pair import SYMBOL, desk
from virtual_clock import running_loop


@pytest.mark.parametrize("seconds", [0, 2, 10])
@pytest.mark.parametrize("is_kept", [True, False])
async def test_an_unknown_outcome_does_not_resolve_to_the_earlier_order(seconds, is_kept):
    async with trading() as (binance, exchange):
        first = await buy(binance, new_client_order_id="mine")
        exchange.fill(exchange.account, exchange.account.orders[0])
        await first.filled(timeout=5)
        if not is_kept:
            del first
            gc.collect()
        await asyncio.sleep(seconds)
        exchange.fault("order.place", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await buy(binance, new_client_order_id="mine")
        assert await caught.value.resolve() is None


@pytest.mark.parametrize("fault", [unknown_but_done, done_in_silence])
async def test_an_order_of_an_id_that_was_used_before_is_found(fault):
    async with trading() as (binance, exchange):
        await (await buy(binance, new_client_order_id="mine")).cancel()
        exchange.fault("order.place", fault)
        with pytest.raises(OrderOutcomeUnknown, match=r"code -1007|no reply in time") as caught:
            await buy(binance, new_client_order_id="mine")
        second = await caught.value.resolve(timeout=5)
        assert (second.order_id, second.status) == (2, OrderStatus.NEW)


async def test_an_earlier_order_that_another_program_placed_is_known_by_its_time():
    async with trading() as (binance, exchange), trading_again(exchange) as other:
        await buy(binance)
        tell, exchange.tell = exchange.tell, lambda account, event: None
        await (await buy(other, new_client_order_id="mine")).cancel()
        exchange.tell = tell
        await asyncio.sleep(1.5)
        exchange.fault("order.place", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await buy(binance, new_client_order_id="mine")
        assert await caught.value.resolve() is None


async def test_a_clock_that_was_ahead_does_not_hide_the_order():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.ahead = -10.0  # the order is refused for its time, the clock looked at, the order sent again
        exchange.fault("order.place", lambda peer, method, params, do: do(), done_in_silence)
        exchange.tell = lambda account, event: None
        with pytest.raises(OrderOutcomeUnknown, match="no reply in time") as caught:
            await buy(binance, new_client_order_id="mine")
        assert (await caught.value.resolve()).order_id == 2


async def test_a_replacement_that_keeps_the_id_is_not_the_order_that_it_was_to_replace():
    async with trading() as (binance, exchange):
        first = await buy(binance, new_client_order_id="mine")
        await asyncio.sleep(2)
        exchange.fault("order.cancelReplace", unknown_and_not_done)
        with pytest.raises(ReplaceOutcomeUnknown, match="code -1006") as caught:
            await first.replace(price="49000", quantity="0.5", new_client_order_id="mine")
        both = await caught.value.resolve()
        assert (both.cancelled, both.placed, first.status) == (first, None, OrderStatus.NEW)

        replaced = await first.replace(price="49000", quantity="0.5", new_client_order_id="mine")
        assert (first.status, replaced.placed.order_id) == (OrderStatus.CANCELED, 2)


@pytest.mark.parametrize("seconds", [0, 40])
async def test_a_list_of_own_ids_does_not_resolve_to_the_earlier_list(seconds):
    ids = {"list_client_order_id": "L", "above_client_order_id": "A", "below_client_order_id": "B"}
    async with trading() as (binance, exchange):
        first = await binance.orders.place_list(oco(**ids))
        for order in exchange.account.orders:
            exchange.expire(exchange.account, order)
        exchange.account.lists[0]["listOrderStatus"] = "ALL_DONE"
        await first.done(timeout=5)
        del first
        await asyncio.sleep(seconds)
        exchange.fault("orderList.place.oco", unknown_and_not_done)
        with pytest.raises(OrderListOutcomeUnknown, match="code -1006") as caught:
            await binance.orders.place_list(oco(**ids))
        assert await caught.value.resolve() is None

        exchange.account.lists.reverse()  # of lists of one id the exchange tells the newest
        exchange.fault("orderList.place.oco", unknown_but_done)
        with pytest.raises(OrderListOutcomeUnknown, match="code -1007") as caught:
            await binance.orders.place_list(oco(**ids))
        exchange.account.lists.reverse()
        second = await caught.value.resolve()
        assert (second.order_list_id, second.status) == (2, ListOrderStatus.EXECUTING)
        assert [order.order_id for order in second.orders] == [3, 4]


async def test_an_earlier_list_that_another_program_placed_is_known_by_the_time_of_its_orders():
    async with trading() as (binance, exchange):
        await buy(binance)
        async with trading_again(exchange) as other:
            await other.orders.place_list(oco(list_client_order_id="L"))
        exchange.account.lists[0] |= {"transactionTime": exchange.now_ms() + 10_000}
        await asyncio.sleep(5)
        exchange.fault("orderList.place.oco", unknown_and_not_done)
        with pytest.raises(OrderListOutcomeUnknown, match="code -1006") as caught:
            await binance.orders.place_list(oco(list_client_order_id="L"))
        assert await caught.value.resolve() is None


async def test_an_event_of_a_dropped_order_is_not_of_the_new_one():
    async with trading() as (binance, exchange):
        await buy(binance, new_client_order_id="mine")
        gc.collect()

        def first_is_filled(peer, method, params, do):
            exchange.fill(exchange.account, exchange.account.orders[0])
            return do()

        exchange.fault("order.place", first_is_filled)
        second = await buy(binance, price="49000", new_client_order_id="mine")
        await asyncio.sleep(1)
        assert (second.order_id, second.status, second.fills) == (2, OrderStatus.NEW, ())


async def test_the_reply_has_the_last_word_on_which_order_was_placed(caplog):
    async with trading() as (binance, exchange), trading_again(exchange) as other:
        await buy(binance)
        await other.user.wait_subscribed()
        quiet, exchange.tell = exchange.tell, lambda account, event: None
        await buy(other, new_client_order_id="mine")  # of which the first client hears nothing yet
        exchange.tell = quiet
        heard = []

        def others_is_traded(peer, method, params, do):
            exchange.fill(exchange.account, exchange.account.orders[1], "0.1")
            exchange.account.orders[1]["status"] = "CANCELED"  # of which nobody has heard yet
            number = numbers[0]
            running_loop().call_later(0.5, lambda: heard.append(running_loop().create_task(told_of_mine())))
            running_loop().call_later(1.0, lambda: peer.send({"id": number, "status": 200, "result": do()}))
            raise Silence

        async def told_of_mine():
            order = binance.orders._desk._registry.newest(SYMBOL, "mine")
            return [report.status async for report in order]

        numbers, receive = [], exchange.receive
        exchange.receive = lambda peer, frame: (numbers.insert(0, frame["id"]), receive(peer, frame))
        exchange.fault("order.place", others_is_traded)
        order = await buy(binance, price="49000", new_client_order_id="mine")
        assert (order.order_id, order.status, order.fills) == (3, OrderStatus.NEW, ())
        assert "what was heard of order 2 was not of order 3" in caplog.text
        exchange.fill(exchange.account, exchange.account.orders[2], "0.2")
        exchange.fill(exchange.account, exchange.account.orders[2])
        assert await heard[0] == ["PARTIALLY_FILLED", "NEW", "PARTIALLY_FILLED", "FILLED"]


async def test_orders_of_one_id_in_a_row_are_told_apart_on_an_exchange_whose_replies_overtake_events():
    async with desk() as at, at.client() as binance:
        book = await binance.market.order_book(SYMBOL)
        low, high = book.best_bid.price - 500, book.best_ask.price + 50
        at.exchange.fault("delay", connection="api", seconds=0.05, probability=0.5)
        for _ in range(12):
            await buy(binance, "0.001", high, new_client_order_id="bot-1")
            resting = await buy(binance, "0.001", low, new_client_order_id="bot-1")
            await asyncio.sleep(1)
            assert resting.status is OrderStatus.NEW
            await resting.cancel()


async def test_an_id_whose_order_is_in_doubt_is_not_sent_again_until_it_is_resolved():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.fault("order.place", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await buy(binance, new_client_order_id="mine")
        with pytest.raises(RequestInvalid, match="on its way"):
            await buy(binance, new_client_order_id="mine")
        await caught.value.resolve()
        assert (await buy(binance, new_client_order_id="mine")).side is Side.BUY
