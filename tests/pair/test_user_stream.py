from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.config import Backoff, Endpoint
from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.errors import (
    BalanceUnexplained,
    ConfigurationError,
    ConnectFailed,
    RequestRejected,
    TooManySubscriptions,
)
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.recovered_models import RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import (
    AccountPositionEvent,
    BalanceUpdateEvent,
    EventStreamTerminatedEvent,
    ExecutionReportEvent,
)
from cryptotrader.user_stream import UserStream
from paper_exchange import SYMBOL, PaperExchange, Refused, Silence
from virtual_clock import running_loop

FIRST, SECOND = Ed25519Key.generate("first"), HmacKey("second", "secret")


@asynccontextmanager
async def listening(*keys, backoff=None):
    """A user stream of a paper exchange, up."""
    keys = keys or (FIRST,)
    exchange = PaperExchange(*(key.api_key for key in keys))
    budgets = AddressBudgets()
    environment = Environment(
        dial=exchange.dial,
        budgets=lambda url: budgets,
        random=random.Random(1).random,
        clock_ns=running_loop().wall_ns,
    )
    user = UserStream(Endpoint.local(port=9443), *keys, backoff=backoff, environment=environment)
    try:
        yield user, exchange
    finally:
        await user.close()


class Told:
    """What a user stream told, errors among it, in order."""

    def __init__(self, user, key=None, *, control=False):
        self.all = []
        user.subscribe(key, callback=lambda event, _: self.all.append(event), control=control, on_error=self.all.append)

    def of(self, *kinds):
        return [event for event in self.all if isinstance(event, kinds)]

    def trades(self):
        """Trade ids in the order in which they were told."""
        return [
            event.trade.id if isinstance(event, RecoveredTrade) else event.trade_id
            for event in self.of(RecoveredTrade, ExecutionReportEvent)
            if isinstance(event, RecoveredTrade) or event.trade_id >= 0
        ]


def place(exchange, account, name, quantity="1"):
    """An order of the account, from elsewhere."""
    order = {"symbol": SYMBOL, "newClientOrderId": name, "side": "BUY", "type": "LIMIT", "price": "50000"}
    return exchange.new_order(account, order | {"quantity": quantity})


async def outage(exchange, *happenings, seconds=5):
    """The exchange cannot be reached while things happen there."""
    exchange.refuses_dials = True
    exchange.kill()
    for happen in happenings:
        await asyncio.sleep(1)
        happen()
    await asyncio.sleep(seconds)
    exchange.refuses_dials = False


async def test_events_come_typed_and_state_follows_them():
    async with listening() as (user, exchange):
        told = Told(user)
        await user.wait_subscribed()
        order = place(exchange, exchange.account, "a")
        exchange.fill(exchange.account, order, "0.4")
        await asyncio.sleep(1)

        kinds = [type(event) for event in told.all]
        assert kinds == [ExecutionReportEvent, ExecutionReportEvent, AccountPositionEvent]
        assert user.state().open_orders == {(SYMBOL, 1): Decimal("0.4")}
        assert user.state().balances["BTC"].free == Decimal("100.4")


async def test_several_accounts_share_a_socket_and_hear_their_own_events_only():
    async with listening(FIRST, SECOND) as (user, exchange):
        one, other = Told(user, FIRST), Told(user, SECOND)
        await user.wait_subscribed()
        for name, account in exchange.accounts.items():
            place(exchange, account, f"{name}-order")
        await asyncio.sleep(1)

        assert len(exchange.peers) == 1
        assert [event.client_order_id for event in one.all] == ["first-order"]
        assert [event.client_order_id for event in other.all] == ["second-order"]
        assert exchange.asked["userDataStream.subscribe"] == 1
        assert exchange.asked["userDataStream.subscribe.signature"] == 1


async def test_trades_that_were_missed_are_told_once_in_order_before_newer_events():
    async with listening() as (user, exchange):
        told, account = Told(user, control=True), exchange.account
        await user.wait_subscribed()
        first, second = (place(exchange, account, name) for name in "ab")
        exchange.fill(account, first, "0.1")
        await asyncio.sleep(1)
        await outage(
            exchange,
            lambda: exchange.fill(account, second, "0.2"),
            lambda: exchange.fill(account, first),
            lambda: exchange.fill(account, second, "0.3"),
        )
        await user.wait_subscribed(timeout=60)
        exchange.fill(account, second)
        await asyncio.sleep(1)

        assert told.trades() == [1, 2, 3, 4, 5]
        (back,) = told.of(Reconnected)
        after = told.all[told.all.index(back) + 1 :]
        assert [type(event) for event in after[:3]] == [RecoveredTrade] * 3
        recovered = {event.order.order_id: event.order for event in told.of(RecoveredOrder)}
        assert (recovered[1].status, recovered[2].executed_quantity) == ("FILLED", Decimal("0.5"))
        assert told.of(Exception) == []
        assert user.state().open_orders == {}


async def test_trades_while_the_account_is_read_are_told_once():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a", "10")

        def trade_first(peer, method, params, do):
            exchange.fill(account, order, "1")
            return do()

        for method in ("openOrders.status", "account.status", "myTrades"):
            exchange.fault(method, trade_first)
        await outage(exchange)
        await user.wait_subscribed(timeout=60)
        await asyncio.sleep(1)

        assert told.trades() == [1, 2, 3]
        assert told.of(RecoveredTrade, Exception) == []  # their events came, and tell more


async def test_more_trades_than_an_answer_holds_are_read_on():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a", "100")
        await outage(exchange, lambda: [exchange.fill(account, order, "0.01") for _ in range(2500)])
        await user.wait_subscribed(timeout=60)

        assert told.trades() == list(range(1, 2501))
        assert told.of(Exception) == []


async def test_an_outage_of_days_is_read_back_a_day_at_a_time():
    async with listening(backoff=Backoff(maximum=3600)) as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a")
        spans = []
        fills = [lambda: exchange.fill(account, order, "0.2")]
        exchange.fault(
            "myTrades", *[lambda peer, method, params, do: (spans.append(params), do())[1] for _ in range(4)]
        )
        await outage(exchange, *fills, seconds=3.5 * 86_400)
        await user.wait_subscribed(timeout=7200)

        assert told.trades() == [1]
        assert all(span["endTime"] - span["startTime"] <= 86_400_000 for span in spans)
        assert len(spans) == 4


async def test_a_deposit_during_an_outage_is_unexplained_and_named():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a")
        await outage(exchange, lambda: exchange.fill(account, order), lambda: exchange.deposit(account, "BNB", 5))
        await user.wait_subscribed(timeout=60)

        (error,) = told.of(BalanceUnexplained)
        assert (error.asset, error.expected, error.found) == ("BNB", Decimal(10), Decimal(15))
        assert told.trades() == [1]

        exchange.kill()
        await asyncio.sleep(10)
        assert len(told.of(BalanceUnexplained)) == 1


async def test_balances_that_events_did_not_come_to_tell_are_explained_by_those_that_came():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a")
        tell = exchange.tell
        exchange.tell = lambda account, event: event["e"] == "executionReport" and tell(account, event)
        exchange.fill(account, order)
        tell(account, {"e": "balanceUpdate", "E": exchange.now_ms(), "a": "BNB", "d": "2", "T": exchange.now_ms()})
        exchange.deposit(account, "BNB", 2)
        await asyncio.sleep(1)
        await outage(exchange)
        await user.wait_subscribed(timeout=60)

        assert len(told.of(BalanceUpdateEvent)) == 1
        assert told.of(Exception) == []


async def test_an_order_that_ended_during_an_outage_is_told():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a")
        await asyncio.sleep(1)
        await outage(exchange, lambda: exchange.expire(account, order), lambda: place(exchange, account, "b"))
        await user.wait_subscribed(timeout=60)

        assert [(event.order.order_id, event.order.status) for event in told.of(RecoveredOrder)] == [
            (2, "NEW"),
            (1, "EXPIRED"),
        ]


async def test_a_subscription_that_the_exchange_ends_is_made_again():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a")
        exchange.tell(account, {"e": "eventStreamTerminated", "E": exchange.now_ms()})
        for peer in exchange.peers:
            peer.subscriptions.clear()
        exchange.fill(account, order)
        await asyncio.sleep(1)
        await user.wait_subscribed()

        assert len(told.of(EventStreamTerminatedEvent)) == 1
        assert told.trades() == [1]
        assert exchange.killed == 0


async def test_an_account_that_cannot_be_read_at_first_is_tried_again():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account

        def silent(peer, method, params, do):
            raise Silence

        def limited(peer, method, params, do):
            raise Refused(-1003, "Too much request weight used.", 429, {"retryAfter": exchange.now_ms() + 2000})

        exchange.fault("account.status", silent, limited)
        await user.wait_subscribed(timeout=60)
        place(exchange, account, "a")
        await asyncio.sleep(1)

        assert len(told.of(ExecutionReportEvent)) == 1
        assert told.of(Exception) == []
        assert (exchange.asked["userDataStream.subscribe"], exchange.asked["openOrders.status"]) == (1, 3)


async def test_a_key_that_is_refused_is_told_and_not_asked_for_again():
    async with listening(FIRST, SECOND) as (user, exchange):
        one, other = Told(user, FIRST), Told(user, SECOND)
        del exchange.accounts["second"]
        with pytest.raises(RequestRejected, match="code -2015") as caught:
            await user.wait_subscribed()
        assert caught.value.code == -2015
        place(exchange, exchange.account, "a")
        await asyncio.sleep(60)

        assert len(one.of(ExecutionReportEvent)) == 1
        assert [error.code for error in other.all] == [-2015]
        late = Told(user, SECOND)
        assert [error.code for error in late.all] == [-2015], "who asks later is told, too"
        assert exchange.asked["userDataStream.subscribe.signature"] == 1


async def test_a_connection_whose_subscriptions_are_used_up_is_left_for_another():
    async with listening() as (user, exchange):
        told, account = Told(user), exchange.account
        await user.wait_subscribed()
        order = place(exchange, account, "a")

        def used_up(peer, method, params, do):
            raise Refused(-2042, "Maximum subscription ID reached for this connection.")

        exchange.fault("userDataStream.subscribe", used_up)
        exchange.tell(account, {"e": "eventStreamTerminated", "E": exchange.now_ms()})
        for peer in exchange.peers:
            peer.subscriptions.clear()
        exchange.fill(account, order)
        await asyncio.sleep(30)

        assert told.trades() == [1]
        assert told.of(Exception) == []
        assert exchange.asked["session.logon"] == 2


async def test_too_many_subscriptions_at_a_time_are_told():
    async with listening(FIRST, SECOND) as (user, exchange):
        other = Told(user, SECOND)

        def full(peer, method, params, do):
            raise Refused(-1191, "Too many subscriptions. Connection may create up to '1' subscriptions at a time.")

        exchange.fault("userDataStream.subscribe.signature", full)
        with pytest.raises(TooManySubscriptions, match="up to '1'"):
            await user.wait_subscribed()

        assert [type(error) for error in other.all] == [TooManySubscriptions]


async def test_iteration_yields_events_and_ends_with_the_stream():
    async with listening() as (user, exchange):
        events = aiter(user)
        await user.wait_subscribed()
        place(exchange, exchange.account, "a")
        assert (await anext(events)).client_order_id == "a"
        await user.close()
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_stream_that_gives_up_says_so():
    async with listening(backoff=Backoff(attempts=3)) as (user, exchange):
        exchange.refuses_dials = True
        with pytest.raises(ConnectFailed, match="gave up"):
            await user.wait_subscribed(timeout=600)


async def test_a_stream_needs_each_key_once():
    with pytest.raises(ConfigurationError, match="a key for each account, each once"):
        UserStream(Endpoint.local(port=9443))
    with pytest.raises(ConfigurationError, match="a key for each account, each once"):
        UserStream(Endpoint.local(port=9443), FIRST, FIRST)
    with pytest.raises(ConfigurationError, match="takes 1000 accounts; use another for the others"):
        UserStream(Endpoint.local(port=9443), *(HmacKey(f"key{number}", "secret") for number in range(1001)))
