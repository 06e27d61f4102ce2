"""The client's trading side against the local exchange."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from cryptotrader.errors import (
    BalanceUnexplained,
    Banned,
    FilterViolated,
    OrderNotFilled,
    OrderRejected,
    RateLimited,
    RequestRejected,
)
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import CancelReplaceMode, ListOrderStatus, OrderStatus
from cryptotrader.models.user_models import ExecutionReportEvent
from cryptotrader.order_outcomes import OrderOutcomeUnknown, ReplacePartiallyApplied
from cryptotrader.requests import (
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
)
from trading_pair import SYMBOL, desk


async def best(binance):
    """The best bid and the best ask."""
    book = await binance.market.order_book(SYMBOL)
    return book.best_bid.price, book.best_ask.price


async def rest(binance, quantity="0.5", below=500):
    """A buy order that rests below the market."""
    bid, _ = await best(binance)
    return await binance.orders.place_limit(SYMBOL, Side.BUY, quantity=quantity, price=bid - below)


@pytest.mark.parametrize("key", ["ed25519", "hmac", "rsa"])
async def test_a_market_order_is_filled_and_its_reply_and_events_agree(key):
    async with desk() as at, at.client(key=key) as binance:
        order = await binance.orders.place_market(SYMBOL, Side.BUY, quantity="0.5")
        await order.filled(timeout=5)
        await asyncio.sleep(1)

        assert order.executed_quantity == Decimal("0.5")
        assert sum(fill.quote_quantity for fill in order.fills) == order.cumulative_quote_quantity
        assert len({fill.trade_id for fill in order.fills}) == len(order.fills)
        state = binance.user.state()
        account = at.exchange.venue.trading.account(at.keys[0].uid)
        assert state.open_orders == {}
        assert state.balances["USDT"].free == Decimal(account.free("USDT")) / 10**8


async def test_a_market_order_may_spend_an_amount():
    async with desk() as at, at.client() as binance:
        order = await binance.orders.place_market(SYMBOL, Side.BUY, quote_quantity="1000")
        await order.filled(timeout=5)

        assert Decimal(990) < order.cumulative_quote_quantity <= Decimal(1000)
        assert order.quantity == order.executed_quantity


async def test_an_order_that_rests_is_filled_by_another_account():
    async with desk() as at, at.client(0) as maker, at.client(1) as taker:
        bid, ask = await best(maker)
        order = await maker.orders.place_limit_maker(SYMBOL, Side.BUY, quantity="0.5", price=ask - Decimal("0.01"))
        assert order.status is OrderStatus.NEW
        waiting = asyncio.ensure_future(order.filled(timeout=5))
        sold = await taker.orders.place_limit(
            SYMBOL, Side.SELL, quantity="0.5", price=bid, time_in_force=TimeInForce.IOC
        )
        await sold.done(timeout=5)
        await waiting

        shared = {fill.trade_id for fill in order.fills} & {fill.trade_id for fill in sold.fills}
        assert shared
        assert order.average_price == ask - Decimal("0.01")


async def test_conditional_orders_are_placed_by_their_type():
    async with desk() as at, at.client() as binance:
        bid, ask = await best(binance)
        stop = await binance.orders.place(SYMBOL, Side.SELL, OrderType.STOP_LOSS, quantity="0.1", stop_price=bid - 1000)
        trailing = await binance.orders.place(
            SYMBOL,
            Side.SELL,
            OrderType.TAKE_PROFIT_LIMIT,
            quantity="0.1",
            price=ask + 500,
            time_in_force=TimeInForce.GTC,
            trailing_delta=100,
        )
        with pytest.raises(OrderRejected, match="code -2010") as refused:
            await binance.orders.place_limit_maker(SYMBOL, Side.BUY, quantity="0.1", price=ask + 10)

        assert (stop.type, trailing.type) == (OrderType.STOP_LOSS, OrderType.TAKE_PROFIT_LIMIT)
        assert refused.value.reason == "Order would immediately match and take."
        assert {each.order_id for each in await binance.orders.open_orders()} == {stop.order_id, trailing.order_id}
        await binance.orders.cancel_all(SYMBOL)
        assert (stop.status, trailing.status) == (OrderStatus.CANCELED, OrderStatus.CANCELED)


async def test_an_order_is_amended_replaced_and_cancelled():
    async with desk() as at, at.client() as binance:
        order = await rest(binance)
        name = order.client_order_id
        await order.amend("0.4")
        assert (order.quantity, order.client_order_id) == (Decimal("0.4"), name)

        both = await order.replace(price=order.price - 10, quantity="0.3")
        assert (order.status, both.placed.status) == (OrderStatus.CANCELED, OrderStatus.NEW)
        with pytest.raises(ReplacePartiallyApplied, match="code -2021") as caught:
            await order.replace(price=order.price, quantity="0.3", cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE)
        assert caught.value.cancelled is None
        assert caught.value.placed.status is OrderStatus.NEW

        await both.placed.cancel()
        with pytest.raises(OrderNotFilled, match="CANCELED with 0 executed"):
            await both.placed.filled(timeout=5)


def lists(bid, ask):
    """One list of each kind."""
    up, down = ask + 1000, bid - 1000
    pair = {"type": OrderType.LIMIT_MAKER, "price": up}, {"type": OrderType.STOP_LOSS, "stop_price": down}
    work = {"type": OrderType.LIMIT, "side": Side.BUY, "price": bid - 500, "quantity": "0.1"}
    work |= {"time_in_force": TimeInForce.GTC}
    single = {"type": OrderType.LIMIT_MAKER, "side": Side.SELL, "price": up}

    def legs(**named):
        return {f"{leg}_{name}": value for leg, fields in named.items() for name, value in fields.items()}

    above, below = pair
    pending = legs(pending_above=above, pending_below=below) | {"pending_side": Side.SELL}
    return {
        "oco": OrderListPlaceOcoRequest(
            symbol=SYMBOL, side=Side.SELL, quantity="0.1", **legs(above=above, below=below)
        ),
        "oto": OrderListPlaceOtoRequest(symbol=SYMBOL, **legs(working=work, pending=single | {"quantity": "0.1"})),
        "otoco": OrderListPlaceOtocoRequest(symbol=SYMBOL, pending_quantity="0.1", **legs(working=work), **pending),
        "opo": OrderListPlaceOpoRequest(symbol=SYMBOL, **legs(working=work, pending=single)),
        "opoco": OrderListPlaceOpocoRequest(symbol=SYMBOL, **legs(working=work), **pending),
    }


@pytest.mark.parametrize(("kind", "count"), [("oco", 2), ("oto", 2), ("otoco", 3), ("opo", 2), ("opoco", 3)])
async def test_a_list_of_each_kind_is_placed_followed_and_cancelled(kind, count):
    async with desk() as at, at.client() as binance:
        placed = await binance.orders.place_list(lists(*await best(binance))[kind])
        assert placed.status is ListOrderStatus.EXECUTING
        assert len({order.order_id for order in placed.orders} - {None}) == count
        assert [each.order_list_id for each in await binance.orders.open_lists()] == [placed.order_list_id]
        await placed.cancel()
        await placed.done(timeout=5)

        assert {order.status for order in placed.orders} == {OrderStatus.CANCELED}
        assert placed.status is ListOrderStatus.ALL_DONE


async def test_a_pair_ends_when_one_of_its_orders_is_filled():
    async with desk() as at, at.client() as binance:
        bid, ask = await best(binance)
        request = OrderListPlaceOcoRequest(
            symbol=SYMBOL,
            side=Side.SELL,
            quantity="0.1",
            above_type=OrderType.LIMIT_MAKER,
            above_price=ask + Decimal("0.01"),
            below_type=OrderType.STOP_LOSS,
            below_stop_price=bid - 5000,
        )
        placed = await binance.orders.place_list(request)
        buyer = at.client(1)
        async with buyer:
            while not placed.orders[0].is_done:
                await buyer.orders.place_market(SYMBOL, Side.BUY, quantity="5")
                await asyncio.sleep(0.2)
        await placed.done(timeout=5)

        assert [order.status for order in placed.orders] == [OrderStatus.FILLED, OrderStatus.EXPIRED]


@pytest.mark.parametrize("kind", ["timeout", "unexpected"])
@pytest.mark.parametrize("done", [True, False])
async def test_an_unknown_outcome_is_resolved_to_the_truth(kind, done):
    async with desk() as at, at.client() as binance:
        await rest(binance)
        at.exchange.fault(kind, count=1, done=done)
        with pytest.raises(OrderOutcomeUnknown, match=r"code -1006|code -1007") as caught:
            await rest(binance)
        order = await caught.value.resolve()

        assert (order is not None) is done
        assert len(at.exchange.venue.desk.history.orders[at.keys[0].uid, SYMBOL]) == 1 + done


@pytest.mark.parametrize("key", ["ed25519", "hmac"])
@pytest.mark.parametrize("ahead", [10.0, -10.0])
async def test_a_clock_ten_seconds_off_is_followed(key, ahead):
    async with desk() as at, at.client(key=key, ahead=ahead) as binance:
        order = await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.5", price="90000")

        assert order.status is OrderStatus.NEW
        assert len(at.exchange.venue.desk.history.orders[at.keys[0].uid, SYMBOL]) == 1


async def test_refusals_say_what_happened():
    async with desk() as at, at.client() as binance:
        order = await rest(binance)
        with pytest.raises(OrderRejected, match="code -2010") as poor:
            await rest(binance, quantity="90")
            await rest(binance, quantity="90")
        assert poor.value.reason == "Account has insufficient balance for requested action."
        with pytest.raises(OrderRejected, match="code -2010") as double:
            await binance.orders.place_limit(
                SYMBOL,
                Side.BUY,
                quantity="0.5",
                price=order.price,
                new_client_order_id=order.client_order_id,
            )
        assert double.value.reason == "Duplicate order sent."
        with pytest.raises(FilterViolated, match=r"LOT_SIZE: 0\.0000001 is below 0\.00001") as violated:
            await rest(binance, quantity="0.0000001")
        assert violated.value.filter == "LOT_SIZE"
        with pytest.raises(OrderRejected, match="code -1013") as refused:
            await rest(binance, below=80_000)
        assert refused.value.reason == "PERCENT_PRICE_BY_SIDE"
        await order.cancel()
        assert order.status is OrderStatus.CANCELED


@pytest.mark.parametrize("key", ["hmac", "ed25519"])
async def test_a_revoked_key_is_refused(key):
    async with desk() as at, at.client(key=key) as binance:
        await rest(binance)
        await asyncio.sleep(1)
        at.exchange.revoke(getattr(at.keys[0], key).api_key)
        with pytest.raises(RequestRejected, match="code -2015") as caught:
            await rest(binance)

        assert caught.value.code == -2015


async def test_nothing_is_sent_into_a_ban():
    async with desk() as at, at.client() as binance:
        order = await rest(binance)
        at.exchange.fault("ban", seconds=300)
        with pytest.raises(Banned, match="code -1003") as caught:
            await order.cancel()
        assert caught.value.until is not None
        with pytest.raises(RateLimited, match="by this library's own count"):
            await order.cancel()
        await asyncio.sleep(301)
        assert (await order.cancel()).status is OrderStatus.CANCELED


async def test_an_order_is_routed_over_books_and_its_allocations_are_its_fills():
    async with desk("BTCUSDT", "BTCUSDC") as at, at.client() as binance:
        order = await binance.orders.place_routed(SYMBOL, Side.BUY, OrderType.MARKET, quantity="0.5")
        await order.filled(timeout=5)
        await asyncio.sleep(1)

        assert order.life.used_sor
        assert order.executed_quantity == sum(fill.quantity for fill in order.fills)
        keys = [(fill.trade_id, fill.allocation_id) for fill in order.fills]
        assert len(set(keys)) == len(keys)


async def test_several_accounts_share_one_user_stream():
    async with desk() as at, at.client(0) as one, at.client(1) as other:
        user = at.user_stream(at.keys[0].ed25519, at.keys[1].rsa)
        heard = {0: [], 1: []}
        for account, key in enumerate((at.keys[0].ed25519, at.keys[1].rsa)):
            user.subscribe(key, callback=lambda event, _, account=account: heard[account].append(event))
        await user.wait_subscribed()
        orders = [await rest(one), await rest(other)]
        await asyncio.sleep(1)
        await user.close()

        for account, order in enumerate(orders):
            reports = [event for event in heard[account] if isinstance(event, ExecutionReportEvent)]
            assert [event.client_order_id for event in reports] == [order.client_order_id]


async def test_a_deposit_during_an_outage_is_named_and_trades_are_not():
    async with desk() as at, at.client() as binance:
        errors = []
        binance.user.subscribe(callback=lambda event, _: None, on_error=errors.append)
        order = await rest(binance)
        at.exchange.fault("refuse", seconds=10, connection="api")
        at.exchange.fault("drop", connection="api")
        await asyncio.sleep(1)
        at.exchange.deposit(at.keys[0].uid, "BNB", "3")
        async with at.client(1) as seller:
            at.exchange.clear_faults()
            await seller.orders.place_market(SYMBOL, Side.SELL, quantity="0.01")
        await asyncio.sleep(60)

        assert [type(error) for error in errors] == [BalanceUnexplained]
        assert (errors[0].asset, errors[0].found - errors[0].expected) == ("BNB", Decimal(3))
        assert order.status is OrderStatus.NEW
