"""What the diagnostics of accounts, sessions and trading make of any answer that is off, and of what goes wrong.

Client and exchange share one virtual clock, so that each test meets the market at the same moment of its life.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from msgspec.structs import replace

from cryptotrader.api_connection import ApiConnection
from cryptotrader.client import Binance
from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.diagnostics import account_diagnostic, session_diagnostic, trading_diagnostic
from cryptotrader.diagnostics.trial import Outcome
from cryptotrader.errors import OutcomeUnknown, RequestRejected
from cryptotrader.models.account_models import OrderTestResponse, UserDataSubscription
from cryptotrader.models.base_models import Side, SymbolStatus
from cryptotrader.models.order_models import CancelReplaceResult, ContingencyType, ListOrderStatus, OrderStatus
from cryptotrader.requests import OpenOrdersStatusRequest
from cryptotrader.simulator import ExchangeAccount
from diagnosed import diagnose, exchange_in_memory, trial_of
from lived_in_account import live
from paired import machine

ACCOUNT, SESSION, TRADING = account_diagnostic.SCRIPT, session_diagnostic.SCRIPT, trading_diagnostic.SCRIPT
SCRIPTS, NAMES = (ACCOUNT, SESSION, TRADING), ("account", "session", "trading")
SKIPPED_BY_KIND = {"session.logon": "refused", "userDataStream.subscribe": "it needs a session that is logged on"}


@asynccontextmanager
async def market(*, lived_in=False, **settings):
    """An exchange of few trades with smart order routing, whose account may have a past."""
    async with exchange_in_memory("BTCUSDT", "BTCUSDC", rate=1, **settings) as exchange:
        if lived_in:
            await live(exchange.endpoint, exchange.demo_keys[0].ed25519, environment=machine(exchange.dial))
        yield exchange


# ------------------------------------------------------------------------------------------------- answers that are off


def tampered(monkeypatch, method, change):
    """Let each answer to a method come changed."""
    original = ApiConnection.call

    async def call(self, request, **options):
        if request.api.name == method and isinstance(change, Exception):
            raise change
        answer = await original(self, request, **options)
        return change(answer) if request.api.name == method else answer

    monkeypatch.setattr(ApiConnection, "call", call)


def having(**fields):
    """An answer with other fields."""
    return lambda answer: replace(answer, **fields)


def each_having(**fields):
    return lambda answers: [replace(answer, **fields) for answer in answers]


def nothing(_):
    return []


def offering(**fields):
    """``exchangeInfo`` with another description of the symbol."""
    return lambda info: replace(info, symbols=[replace(info.symbols[0], **fields)])


def on_the_other_side(order):
    """An order of the side that it is not of, whichever that is."""
    return replace(order, side=Side.SELL if order.side is Side.BUY else Side.BUY)


def free_of_charge(commission):
    return replace(commission, standard_commission=commission.tax_commission)


ONE_SUBSCRIPTION = [UserDataSubscription(subscription_id=99)]
OTHER_FILTERS = [{"filterType": "MAX_ASSET", "asset": "DOGE", "limit": "1"}]
OTHER_TICK = [{"filterType": "PRICE_FILTER", "minPrice": "1", "maxPrice": "2", "tickSize": "3"}]
OFF = [
    (ACCOUNT, "account.status", "account.status", having(taker_commission=99), "taker: 99 basis points"),
    (ACCOUNT, "account.commission", "account.commission", having(symbol="ETHUSDT"), "of ETHUSDT"),
    (ACCOUNT, "account.rateLimits.orders", "exchangeInfo", having(rate_limits=[]), "not those of exchangeInfo"),
    (ACCOUNT, "myFilters", "myFilters", having(raw_asset_filters=OTHER_FILTERS), "of other assets: DOGE"),
    (ACCOUNT, "myFilters", "myFilters", having(raw_symbol_filters=OTHER_TICK), "PriceFilter differs from exchangeInfo"),
    (ACCOUNT, "myFilters", "myFilters", having(raw_symbol_filters=OTHER_TICK * 2), "told twice: PRICE_FILTER"),
    (ACCOUNT, "allOrders", "allOrders", lambda orders: orders[::-1], "order ids do not ascend"),
    (ACCOUNT, "openOrders.status", "account.status", having(balances=[]), "orders offer 0.50000000 BTC, and 0 are locked"),
    (ACCOUNT, "openOrders.status", "openOrders.status", each_having(status=OrderStatus.CANCELED), "is CANCELED"),
    (ACCOUNT, "order.status", "order.status", having(price=Decimal(1)), "price is 1, and 70000.00000000 in allOrders"),
    (ACCOUNT, "order.amendments", "order.amendments", lambda told: told[:1], "amended to 0.20000000, and the order is"),
    (ACCOUNT, "allOrderLists", "order.status", having(order_list_id=-1), "is of list -1, not 0"),
    (ACCOUNT, "openOrderLists.status", "openOrders.status", nothing, "are open and none of their orders is"),
    (ACCOUNT, "orderList.status", "orderList.status", having(list_client_order_id="x"), "list 0: another client id"),
    (ACCOUNT, "myTrades", "trades.historical", each_having(price=Decimal(1)), "in trades.historical"),
    (ACCOUNT, "myTrades", "trades.historical", nothing, "is missing in trades.historical"),
    (ACCOUNT, "myTrades", "order.status", on_the_other_side, "is on the other side of its order"),
    (ACCOUNT, "myAllocations", "order.status", having(used_sor=None), "used no smart order routing"),
    (ACCOUNT, "myAllocations", "order.status", having(executed_quantity=Decimal(1)), "executed 1, its fills"),
    (ACCOUNT, "myPreventedMatches", "myPreventedMatches", nothing, "names a prevented match, and none is told"),
    (SESSION, "session.logon", "session.logon", having(api_key="x"), "the log-on's answer tells another key"),
    (SESSION, "session.logon", "session.status", having(api_key="x"), "somebody is logged on before the log-on"),
    (SESSION, "session.status", "session.status", lambda told: replace(told, server_time=told.server_time + 9_000), "set this machine's clock: the exchange is +"),
    (SESSION, "session.status", "session.status", having(user_data_stream=False), "and session.status does not tell"),
    (SESSION, "session.logout", "session.logout", having(api_key="x"), "somebody is logged on after a log-out of nobody"),
    (SESSION, "session.logout", "session.subscriptions", nothing, "the log-out ended a subscription by signature"),
    (SESSION, "session.subscriptions", "session.subscriptions", nothing, "is active, and [] are told"),
    (SESSION, "userDataStream.subscribe", "session.subscriptions", lambda _: ONE_SUBSCRIPTION, "outlive the log-out"),
    (SESSION, "userDataStream.subscribe.signature", "session.subscriptions", lambda _: ONE_SUBSCRIPTION, "refused is active"),
    (SESSION, "userDataStream.unsubscribe", "session.subscriptions", lambda _: ONE_SUBSCRIPTION, "are left when all were ended"),
    (TRADING, "order.place", "order.status", having(price=Decimal(1)), "and 1 in order.status"),
    (TRADING, "order.place", "order.place", having(status=OrderStatus.EXPIRED), "is EXPIRED, far from the market"),
    (TRADING, "order.test", "account.commission", free_of_charge, "the commission of the order is"),
    (TRADING, "order.test", "order.test", lambda _: OrderTestResponse(), "no commission is told, though it was asked for"),
    (TRADING, "order.cancel", "order.status", having(status=OrderStatus.NEW), "was cancelled, and is NEW"),
    (TRADING, "order.cancel", "order.cancel", having(original_client_order_id="x"), "was cancelled as x"),
    (TRADING, "order.cancelReplace", "order.cancelReplace", having(new_order_result=CancelReplaceResult.FAILURE), "FAILURE"),
    (TRADING, "order.amend.keepPriority", "order.amendments", nothing, "order.amendments tells []"),
    (TRADING, "openOrders.cancelAll", "openOrders.cancelAll", nothing, "were open, and [] were cancelled"),
    (TRADING, "orderList.place", "orderList.place", having(contingency_type=ContingencyType.OTO), "is of kind OTO"),
    (TRADING, "orderList.place.oco", "orderList.status", having(orders=[]), "has other orders in orderList.status"),
    (TRADING, "orderList.place.oto", "openOrderLists.status", nothing, "is not among the open ones"),
    (TRADING, "orderList.place.otoco", "order.status", having(original_quantity=Decimal(1)), "and 1 in order.status"),
    (TRADING, "orderList.place.opo", "orderList.place.opo", having(list_order_status=ListOrderStatus.ALL_DONE), "as open"),
    (TRADING, "orderList.place.opoco", "orderList.place.opoco", having(order_reports=[]), "the orders of list "),
    (TRADING, "orderList.cancel", "orderList.cancel", having(list_order_status=ListOrderStatus.EXECUTING), "is EXECUTING"),
    (TRADING, "sor.order.place", "sor.order.place", each_having(used_sor=None), "used no smart order routing"),
    (TRADING, "sor.order.test", "account.commission", free_of_charge, "the commission of the order is"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "test", "method", "change", "text"), OFF, ids=[f"{row[1]}-{row[4]}" for row in OFF])
async def test_an_answer_that_is_off_is_red(monkeypatch, script, test, method, change, text):
    async with market(lived_in=script is ACCOUNT) as exchange:
        trial = trial_of(exchange)
        with monkeypatch.context() as patch:
            tampered(patch, method, change)
            with pytest.raises(AssertionError, match=re.escape(text)):
                await script.tests[test](trial)

        if script is TRADING:
            assert await open_orders(exchange) == []


@pytest.mark.parametrize("kind", ["ed25519", "hmac", "rsa"])
@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
async def test_with_nothing_off_it_is_green(script, kind):
    """Whatever is red above is so for what was tampered with; only Ed25519 keys log on."""
    async with market(lived_in=script is ACCOUNT) as exchange:
        run = await diagnose(exchange, script, key=getattr(exchange.demo_keys[0], kind))
    skipped = {} if kind == "ed25519" or script is not SESSION else SKIPPED_BY_KIND
    told = {record.name: record.detail for record in run.records if record.outcome is Outcome.SKIPPED}

    assert run.exit_code == 0
    assert {record.name: record.outcome for record in run.records} == {
        name: Outcome.SKIPPED if name in skipped else Outcome.PASSED for name in script.tests
    }
    assert list(told) == list(skipped)
    assert all(skipped[name] in detail for name, detail in told.items())


def test_every_method_is_in_the_table():
    assert {row[1] for row in OFF} == {name for script in SCRIPTS for name in script.tests}


async def open_orders(exchange):
    async with Binance(exchange.endpoint, exchange.demo_keys[0].ed25519, environment=machine(exchange.dial)) as binance:
        return await binance.call(OpenOrdersStatusRequest())


# -------------------------------------------------------------------------------------------------- what is not tried


@pytest.mark.parametrize(
    ("test", "change", "why"),
    [
        ("sor.order.place", having(sors=None), "BTCUSDT is in no group of smart order routing"),
        ("sor.order.test", having(sors=None), "BTCUSDT is in no group of smart order routing"),
        ("orderList.place.opo", offering(opo_allowed=False), "opo_allowed is false in exchangeInfo"),
        ("orderList.place.otoco", offering(oco_allowed=False), "oco_allowed is false in exchangeInfo"),
        ("order.amend.keepPriority", offering(amend_allowed=False), "amend_allowed is false in exchangeInfo"),
        ("order.place", offering(status=SymbolStatus.HALT), "BTCUSDT is HALT"),
    ],
)
async def test_what_the_symbol_does_not_offer_is_skipped(monkeypatch, test, change, why):
    tampered(monkeypatch, "exchangeInfo", change)
    async with market() as exchange:
        found = await TRADING.tests[test](trial_of(exchange))

    assert found.outcome is Outcome.SKIPPED
    assert why in found.detail


async def test_orders_of_others_are_not_cancelled():
    async with market(lived_in=True) as exchange:
        before = await open_orders(exchange)
        found = await TRADING.tests["openOrders.cancelAll"](trial_of(exchange))

        assert found.outcome is Outcome.SKIPPED
        assert f"{len(before)} open orders of BTCUSDT that are not of this test would be cancelled, too" in found.detail
        assert before
        assert await open_orders(exchange) == before


@pytest.mark.parametrize("test", ["order.test", "sor.order.test"])
async def test_tests_of_orders_run_where_orders_are_not_allowed(test):
    async with market() as exchange:
        assert "would be taken" in await TRADING.tests[test](trial_of(exchange, may_order=False))


async def test_a_key_that_may_only_read_is_told(monkeypatch):
    refused = RequestRejected("order.test", 400, -2015, "Invalid API-key, IP, or permissions")
    tampered(monkeypatch, "order.test", refused)
    async with market() as exchange:
        found = await TRADING.tests["order.test"](trial_of(exchange, may_order=False))

    assert found.outcome is Outcome.SKIPPED
    assert "the key reads the account, and may not trade" in found.detail


@pytest.mark.parametrize("fault", ["timeout", "unexpected"])
@pytest.mark.parametrize("done", [True, False])
async def test_an_order_of_unknown_outcome_is_not_left_open(fault, done):
    async with market() as exchange:
        exchange.fault(fault, done=done, count=1)
        with pytest.raises(OutcomeUnknown, match=r"orderList\.place\.opoco"):
            await TRADING.tests["orderList.place.opoco"](trial_of(exchange))

        assert await open_orders(exchange) == []


async def test_a_signal_leaves_no_order_open(monkeypatch):
    """A signal cancels the test at work, here while its order rests."""
    placed, original = asyncio.Event(), ApiConnection.call

    async def call(self, request, **options):
        if request.api.name == "order.status":
            placed.set()
            await asyncio.Event().wait()
        return await original(self, request, **options)

    async with market() as exchange:
        monkeypatch.setattr(ApiConnection, "call", call)
        task = asyncio.create_task(TRADING.tests["order.place"](trial_of(exchange)))
        await placed.wait()
        assert len(await open_orders(exchange)) == 1
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        assert await open_orders(exchange) == []


async def test_orders_that_cannot_be_cancelled_are_told(monkeypatch):
    async with market() as exchange:
        with monkeypatch.context() as patch:
            tampered(patch, "order.cancel", OutcomeUnknown("order.cancel", 1, "no reply in time"))
            with pytest.raises(AssertionError, match=r"may be open, cancel them by hand.*no reply in time") as failed:
                await TRADING.tests["order.place"](trial_of(exchange))
        (left,) = await open_orders(exchange)

    prefix = left.client_order_id.rpartition("-")[0]
    assert f"orders {prefix}-… of BTCUSDT may be open" in str(failed.value)


async def test_an_account_without_a_past_is_quiet():
    async with exchange_in_memory() as exchange:
        run = await diagnose(exchange, ACCOUNT)
    details = {record.name: record.detail for record in run.records}
    passed = {"account.status", "account.commission", "account.rateLimits.orders", "myFilters"}

    assert {record.name: record.outcome for record in run.records} == {
        name: Outcome.PASSED if name in passed else Outcome.QUIET for name in ACCOUNT.tests
    }
    assert details["myTrades"] == "the account has no trades of BTCUSDT"
    assert "an unknown one is refused: Order does not exist." in details["order.status"]


# ----------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("unknown", "Invalid API-key, IP, or permissions for action. (code -2015, status 400)"),
        ("other secret", "Signature for this request is not valid. (code -1022, status 400)"),
        ("other file", "Signature for this request is not valid. (code -1022, status 400)"),
    ],
)
async def test_a_wrong_key_is_red(tmp_path, script, wrong, text):
    """Each test that proves anything fails with the exchange's own words."""
    async with market(accounts=(ExchangeAccount(uid=1), ExchangeAccount(uid=2))) as exchange:
        right, other = exchange.demo_keys
        key = {
            "unknown": HmacKey("nobody", "secret"),
            "other secret": HmacKey(right.hmac.api_key, other.hmac_secret),
            "other file": Ed25519Key.from_file(pem_of(other, tmp_path), api_key=right.ed25519.api_key),
        }[wrong]
        run = await diagnose(exchange, script, key=key)
    failed = [record.detail for record in run.records if record.outcome is Outcome.FAILED]

    assert run.exit_code == 1
    assert len(run.records) == len(script.tests)
    assert len(failed) >= len(script.tests) - 2
    assert not [detail for detail in failed if text not in detail]
    assert not [record.name for record in run.records if record.traceback]


def pem_of(account, folder):
    """The file of an account's Ed25519 key."""
    return next(path for kind, _, path in account.write(folder) if kind == "ED25519")
