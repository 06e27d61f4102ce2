"""What keeps an account followed when questions are refused, callbacks fail, or our own code does."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from cryptotrader.account_recovery import AccountReader
from cryptotrader.config import Timeouts
from cryptotrader.credentials import HmacKey
from cryptotrader.errors import ConfigurationError, ConnectFailed, RequestRejected
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.models.recovered_models import RecoveredOrder, RecoveredTrade
from cryptotrader.models.user_models import EventStreamTerminatedEvent, ExecutionReportEvent
from paper_exchange import SYMBOL, Refused, Silence
from paper_trading import KEY, listen, listening, raising, silent
from virtual_clock import running_loop

OTHER = HmacKey("other", "secret")
BUSY = raising(Refused(-1008, "Server is currently overloaded with other requests."))
NO_SUCH_SYMBOL = raising(Refused(-1121, "Invalid symbol."))


def patient(*keys):
    return listening(*keys, timeouts=Timeouts(stale=1e6))  # the paper exchange sends no pings


def place(exchange, name="a", account=None):
    """An order of the account, from elsewhere."""
    order = {"symbol": SYMBOL, "newClientOrderId": name, "side": "BUY", "type": "LIMIT", "price": "50000"}
    return exchange.new_order(account or exchange.account, order | {"quantity": "1"})


def of(told, *kinds):
    return [event for event in told if isinstance(event, kinds)]


def names(told):
    return [event.client_order_id for event in of(told, ExecutionReportEvent)]


# --------------------------------------------------------------------------------------------- callbacks that fail


async def test_a_callback_that_fails_on_an_event_fails_alone():
    async with patient() as (user, exchange):
        errors = []

        def fails(event, received_ns):
            raise ZeroDivisionError(event.client_order_id)

        user.subscribe(callback=fails, on_error=errors.append)
        told = listen(user)
        await user.wait_subscribed()
        for name in ("a", "b"):
            place(exchange, name)
        await asyncio.sleep(1)

        assert [str(error) for error in errors] == ["a", "b"]
        assert all(isinstance(error, ZeroDivisionError) for error in errors)
        assert names(told) == ["a", "b"]


async def test_a_callback_that_fails_without_anybody_to_tell_is_logged(caplog):
    async with patient() as (user, exchange):

        def fails(event, received_ns):
            raise ZeroDivisionError("a bug of the caller's")

        user.subscribe(callback=fails)
        told = listen(user)
        await user.wait_subscribed()
        place(exchange)
        await asyncio.sleep(1)

        (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
        assert "user data of pape…: a bug of the caller's" in record.getMessage()
        assert record.exc_info[0] is ZeroDivisionError
        assert names(told) == ["a"]


@pytest.mark.parametrize("fails_on", [RecoveredTrade, RecoveredOrder])
async def test_a_callback_that_fails_on_what_was_read_back_keeps_nobody_from_being_up(fails_on):
    async with patient() as (user, exchange):
        errors = []

        def fails(event, received_ns):
            if isinstance(event, fails_on):
                raise ZeroDivisionError

        user.subscribe(callback=fails, on_error=errors.append)
        told = listen(user)
        await user.wait_subscribed()
        order = place(exchange)
        await asyncio.sleep(1)
        exchange.kill()
        exchange.fill(exchange.account, order)
        await asyncio.sleep(1)
        await user.wait_subscribed(timeout=60)
        place(exchange, "b")
        await asyncio.sleep(1)

        assert [type(error) for error in errors] == [ZeroDivisionError]
        assert [type(event) for event in told[1:]] == [RecoveredTrade, RecoveredOrder, ExecutionReportEvent]


async def test_a_callback_may_let_go_of_what_another_iterates():
    async with patient() as (user, exchange):
        kept = []

        def lets_go(event, received_ns):
            kept.clear()

        user.subscribe(callback=lets_go)
        kept.append(user.subscribe())
        told = listen(user)
        await user.wait_subscribed()
        gc.collect()
        place(exchange)
        await asyncio.sleep(1)

        assert (names(told), kept) == (["a"], [])


# ------------------------------------------------------------------------------------------------- errors of our own


async def test_an_error_in_our_own_code_is_told_and_the_account_comes_up_all_the_same(monkeypatch, caplog):
    async with patient() as (user, exchange):
        read, errors = AccountReader.read, [ZeroDivisionError("a bug of ours"), KeyError("another")]

        async def fails_twice(self, *args, **options):
            if errors:
                raise errors.pop(0)
            return await read(self, *args, **options)

        monkeypatch.setattr(AccountReader, "read", fails_twice)
        told = listen(user)
        await user.wait_subscribed(timeout=60)
        place(exchange)
        await asyncio.sleep(1)

        assert [type(event) for event in told] == [ZeroDivisionError, KeyError, ExecutionReportEvent]
        failures = [each for each in caplog.records if each.exc_info is not None]
        assert [each.getMessage() for each in failures] == ["user data of pape… could not be read"] * 2
        assert exchange.asked["userDataStream.subscribe"] == 1


async def test_an_error_in_our_own_code_that_lasts_is_what_who_waits_is_told(monkeypatch):
    async with patient() as (user, _):

        async def fails(self, *args, **options):
            raise ZeroDivisionError("a bug of ours")

        monkeypatch.setattr(AccountReader, "read", fails)
        with pytest.raises(ConnectFailed, match="no user data within 15 s; user data of pape…: a bug of ours"):
            await user.wait_subscribed(timeout=15)


async def test_an_error_over_one_account_keeps_no_other_waiting(monkeypatch):
    async with patient(KEY, OTHER) as (user, exchange):
        read = AccountReader.read

        async def fails_for_other(self, key, *args, **options):
            if key is OTHER:
                raise ZeroDivisionError("a bug of ours")
            return await read(self, key, *args, **options)

        monkeypatch.setattr(AccountReader, "read", fails_for_other)
        told = listen(user)
        await user.wait_subscribed(key=KEY)
        place(exchange)
        await asyncio.sleep(60)
        assert [type(event) for event in told] == [ExecutionReportEvent]


# -------------------------------------------------------------------------------------- questions refused, in reading


async def test_what_is_refused_to_the_last_is_what_who_waits_is_told():
    async with patient() as (user, exchange):
        exchange.fault("openOrders.status", *[BUSY] * 30)
        with pytest.raises(RequestRejected, match=r"openOrders\.status: Server is currently overloaded"):
            await user.wait_subscribed(timeout=15)


@pytest.mark.parametrize(
    ("troubles", "status"),
    [([BUSY] * 2, OrderStatus.EXPIRED), ([raising(Refused(-2026, "Order was archived."))], None)],
    ids=["busy", "archived"],
)
async def test_an_order_that_ended_during_an_outage_is_asked_for_until_the_answer_is_certain(troubles, status):
    async with patient() as (user, exchange):
        told = listen(user, control=True)
        await user.wait_subscribed()
        order = place(exchange)
        await asyncio.sleep(1)
        exchange.fault("order.status", *troubles)
        exchange.kill()
        exchange.expire(exchange.account, order)
        await asyncio.sleep(1)
        await user.wait_subscribed(timeout=60)

        assert [event.order.status for event in of(told, RecoveredOrder)] == ([] if status is None else [status])
        assert len(of(told, Reconnected)) == 1
        assert of(told, Exception) == []
        assert user.state().open_orders == {}
        assert exchange.asked["order.status"] == len(troubles) + (status is not None)


@pytest.mark.parametrize(
    "troubles", [[BUSY] * 3, [NO_SUCH_SYMBOL, BUSY]], ids=["all symbols", "each symbol after a refusal of all"]
)
async def test_a_symbol_is_not_forgotten_because_the_exchange_is_busy(troubles):
    async with patient() as (user, exchange):
        told = listen(user)
        await user.wait_subscribed()
        order = place(exchange)
        await asyncio.sleep(1)
        exchange.fault("exchangeInfo", *troubles)
        exchange.kill()
        exchange.fill(exchange.account, order)
        await asyncio.sleep(1)
        await user.wait_subscribed(timeout=60)

        assert [event.trade.id for event in of(told, RecoveredTrade)] == [1]
        assert of(told, Exception) == []
        assert user.state().symbols == {SYMBOL}
        assert exchange.asked["exchangeInfo"] == len(troubles) + 1


# ------------------------------------------------------------------------------------ events that come at odd moments


async def test_events_that_come_before_the_answer_to_the_subscription_are_told_once():
    async with patient() as (user, exchange):

        def events_first(peer, method, params, do):
            answer = do()
            place(exchange, "a")
            return answer

        exchange.fault("userDataStream.subscribe", events_first)
        told = listen(user)
        await user.wait_subscribed()
        place(exchange, "b")
        await asyncio.sleep(1)
        assert names(told) == ["a", "b"]


async def test_events_of_a_subscription_that_nobody_has_are_left_alone(caplog):
    async with patient() as (user, exchange):
        told = listen(user)
        await user.wait_subscribed()
        event = {"e": "balanceUpdate", "E": exchange.now_ms(), "a": "BNB", "d": "2", "T": exchange.now_ms()}
        (peer,) = exchange.peers
        peer.send({"subscriptionId": 1, "event": event})
        peer.send({"subscriptionId": None, "event": event})
        exchange.tell(exchange.account, {"e": "eventStreamTerminated", "E": exchange.now_ms()})
        await asyncio.sleep(1)
        assert [*peer.subscriptions] == [0, 1], "the number is given to a subscription afterwards"
        place(exchange)
        await asyncio.sleep(1)

        assert [type(event) for event in told] == [EventStreamTerminatedEvent, ExecutionReportEvent]
        (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
        assert "a user data event of no subscription" in record.getMessage()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_subscription_that_ends_while_the_account_is_read_is_made_again_and_nothing_is_lost(is_first):
    async with patient() as (user, exchange):
        told = listen(user)
        if not is_first:
            await user.wait_subscribed()
            exchange.kill()
        made = exchange.asked["userDataStream.subscribe"]

        def ends(peer, method, params, do):
            answer = do()
            place(exchange, "before")
            exchange.tell(exchange.account, {"e": "eventStreamTerminated", "E": exchange.now_ms()})
            peer.subscriptions.clear()
            exchange.fill(exchange.account, place(exchange, "meanwhile"))
            exchange.deposit(exchange.account, "BNB", 5)
            exchange.fault("userDataStream.subscribe", *[BUSY] * 4)
            return answer

        exchange.fault("account.status", ends)
        await asyncio.sleep(5)
        assert (user.is_followed(), user.up_since()) == (True, None)
        with pytest.raises(RequestRejected, match="overloaded"):
            await user.wait_subscribed(timeout=0.1)
        await user.wait_subscribed(timeout=60)
        place(exchange, "after")
        await asyncio.sleep(1)

        assert exchange.asked["userDataStream.subscribe"] == made + 6
        assert len(of(told, EventStreamTerminatedEvent)) == 1
        assert [event.trade.id for event in of(told, RecoveredTrade)] == [1]
        assert [event.order.client_order_id for event in of(told, RecoveredOrder)] == ["before"]
        assert names(told) == ["after"]
        assert [error.asset for error in of(told, Exception)] == ["BNB"]


async def test_the_strays_of_lost_answers_are_ended_and_other_accounts_kept():
    async with patient(KEY, OTHER) as (user, exchange):
        ended = []

        def subscribe_once(peer, account, params):
            if account in peer.subscriptions.values():
                raise Refused(-2035, "User Data Stream subscription already active.")
            return subscribe(peer, account, params)

        def unsubscribe(peer, account, params):
            ended.append(peer.subscriptions.pop(params["subscriptionId"]).api_key)
            return {}

        def done_in_silence(peer, method, params, do):
            do()
            raise Silence

        subscribe, exchange.on_userDataStream_subscribe_signature = exchange.on_userDataStream_subscribe, subscribe_once
        exchange.on_userDataStream_unsubscribe = unsubscribe
        exchange.on_session_subscriptions = lambda peer, account, params: [
            {"subscriptionId": number} for number in peer.subscriptions
        ]
        exchange.fault("userDataStream.subscribe.signature", done_in_silence)
        told, others = listen(user), listen(user, OTHER)
        await user.wait_subscribed(timeout=60)
        place(exchange, "mine")
        place(exchange, "others", exchange.accounts["other"])
        await asyncio.sleep(1)

        assert ended == ["other"]
        assert (names(told), names(others)) == (["mine"], ["others"])


async def test_strays_are_left_alone_while_the_answer_to_another_subscription_is_on_its_way():
    async with patient(KEY, OTHER) as (user, exchange):
        numbers, receive, subscribe = [], exchange.receive, exchange.on_userDataStream_subscribe
        exchange.receive = lambda peer, frame: (numbers.append(frame["id"]), receive(peer, frame))

        def subscribe_once(peer, account, params):
            if account in peer.subscriptions.values():
                raise Refused(-2035, "User Data Stream subscription already active.")
            return subscribe(peer, account, params)

        def done_in_silence(peer, method, params, do):
            do()
            raise Silence

        def answered_late(peer, method, params, do):
            reply = {"id": numbers[-1], "status": 200, "result": do()}
            running_loop().call_later(8, peer.send, reply)
            raise Silence

        exchange.on_userDataStream_subscribe_signature = subscribe_once
        exchange.on_session_subscriptions = lambda peer, account, params: [
            {"subscriptionId": number} for number in peer.subscriptions
        ]
        exchange.fault("userDataStream.subscribe.signature", done_in_silence, BUSY)
        exchange.fault("userDataStream.subscribe", silent, answered_late)
        told, others = listen(user), listen(user, OTHER)
        await user.wait_subscribed(timeout=60)
        place(exchange, "mine")
        place(exchange, "others", exchange.accounts["other"])
        await asyncio.sleep(1)

        assert (names(told), names(others)) == (["mine"], ["others"])
        assert exchange.asked["userDataStream.subscribe"] == 2


# ------------------------------------------------------------------------------------------------------- what is known


async def test_open_lists_are_known_as_they_are_told_and_as_they_are_read():
    async with patient() as (user, exchange):
        row = {
            "contingencyType": "OCO",
            "listStatusType": "EXEC_STARTED",
            "listOrderStatus": "EXECUTING",
            "symbol": SYMBOL,
            "transactionTime": exchange.now_ms(),
            "orders": [],
        }
        lists = [row | {"orderListId": number, "listClientOrderId": f"L{number}"} for number in (1, 2, 3)]
        exchange.account.lists += lists[:2]
        listen(user)
        await user.wait_subscribed()
        assert user.state().order_lists == {1, 2}

        exchange.account.lists.append(lists[2])
        exchange.report_list(exchange.account, lists[2])
        lists[0] |= {"listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE"}
        exchange.report_list(exchange.account, lists[0])
        await asyncio.sleep(1)
        assert user.state().order_lists == {2, 3}

        exchange.kill()
        lists[1] |= {"listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE"}
        exchange.account.lists.append(row | {"orderListId": 4, "listClientOrderId": "L4"})
        await asyncio.sleep(1)
        await user.wait_subscribed(timeout=60)
        assert user.state().order_lists == {3, 4}


async def test_a_key_that_the_stream_was_not_given_is_named():
    async with patient() as (user, exchange):
        for ask in (user.subscribe, user.state, user.is_followed, user.up_since):
            with pytest.raises(ConfigurationError, match="was not given this key"):
                ask(OTHER)
        with pytest.raises(ConfigurationError, match="was not given this key"):
            await user.wait_subscribed(key=OTHER)
        assert exchange.asked.total() == 0
