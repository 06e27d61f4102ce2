"""The diagnostics of accounts, sessions and trading: green on an account with a past, red on any answer that is off."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from msgspec.structs import replace

from cryptotrader.api_connection import ApiConnection
from cryptotrader.client import Binance
from cryptotrader.diagnostics import account_diagnostic, session_diagnostic, trading_diagnostic
from cryptotrader.diagnostics.reporting import run_script
from cryptotrader.diagnostics.trial import Outcome, Trial
from cryptotrader.errors import OutcomeUnknown, RequestRejected
from cryptotrader.models.account_models import OrderTestResponse, UserDataSubscription
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, SymbolStatus, TimeInForce
from cryptotrader.models.order_models import CancelReplaceResult, ContingencyType, ListOrderStatus, OrderStatus
from cryptotrader.requests import AllOrdersRequest, DepthRequest, OpenOrdersStatusRequest, OrderListPlaceOcoRequest
from cryptotrader.simulator import ExchangeAccount, ExchangeLimits
from cryptotrader.testing import RunningExchange
from diagnostic_terminal import GREEN, RED, key_of, run_diagnostic

ACCOUNT, SESSION, TRADING = account_diagnostic, session_diagnostic, trading_diagnostic
KINDS = ("ed25519", "hmac", "rsa")
LIVED_IN, *FRESH = range(4)
SKIPPED_BY_KIND = {"session.logon": "refused", "userDataStream.subscribe": "it needs a session that is logged on"}


async def live(endpoint, key):
    """Give an account one example of everything that is told of accounts."""
    async with Binance(endpoint, key) as binance:
        orders = binance.orders
        await orders.place_market("BTCUSDT", Side.BUY, quantity="0.5")
        await orders.place_routed("BTCUSDT", Side.BUY, OrderType.MARKET, quantity="20")
        await orders.place_limit("BTCUSDT", Side.SELL, quantity="0.5", price="120000")
        pair = OrderListPlaceOcoRequest(
            symbol="BTCUSDT", side=Side.BUY, quantity="0.1", above_type=OrderType.STOP_LOSS, above_stop_price="120000",
            below_type=OrderType.LIMIT_MAKER, below_price="70000",
        )  # fmt: skip
        await orders.place_list(pair)
        while not await was_prevented(binance):  # the market may move in between
            best = (await binance.call(DepthRequest(symbol="BTCUSDT", limit=5))).bids[0]
            own = await orders.place_limit("BTCUSDT", Side.BUY, quantity="0.01", price=best.price)
            await orders.place_limit(
                "BTCUSDT", Side.SELL, quantity=best.quantity + own.quantity, price=best.price,
                time_in_force=TimeInForce.IOC, self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_TAKER,
            )  # fmt: skip
        shrinking = await orders.place_limit("BTCUSDT", Side.BUY, quantity="0.3", price="70000")
        await shrinking.amend("0.2")
        await shrinking.amend("0.1")
        await shrinking.cancel()


async def was_prevented(binance):
    """Whether self-trade prevention kept two orders of the account from trading."""
    orders = await binance.call(AllOrdersRequest(symbol="BTCUSDT"))
    return any(order.prevented_match_id is not None for order in orders)


@pytest.fixture(scope="module")
def market():
    """An exchange of few trades with smart order routing; the first of its accounts has a past."""
    exchange = RunningExchange(
        symbols=["BTCUSDT", "BTCUSDC"],
        rate=1,
        accounts=tuple(ExchangeAccount(uid=uid) for uid in range(1, 5)),
        limits=ExchangeLimits(weight=100_000, orders=1_000, connections=10_000),
    )
    asyncio.run(live(exchange.endpoint, exchange.demo_keys[LIVED_IN].ed25519))
    yield exchange
    exchange.stop()


@pytest.fixture(scope="module")
def endings(market, tmp_path_factory):
    """What each script shows with each kind of key; trading has accounts of its own."""
    folder = tmp_path_factory.mktemp("keys")
    cases = {}
    for kind, fresh in zip(KINDS, FRESH, strict=True):
        for script, number in ((ACCOUNT, LIVED_IN), (SESSION, LIVED_IN), (TRADING, fresh)):
            cases[script, kind] = key_of(market.demo_keys[number], kind, folder)

    def run(case):
        (script, _), key = case
        return run_diagnostic(name_of(script), "--timeout", "10", port=market.port, key=key)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(cases, pool.map(run, cases.items()), strict=True))


def name_of(script):
    return script.__name__.rpartition(".")[2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("script", [ACCOUNT, SESSION, TRADING], ids=name_of)
def test_all_is_well(endings, script, kind):
    ended = endings[script, kind]
    names = list(script.SCRIPT.tests)
    lines = ended.text.splitlines()
    outcomes = {
        line.removeprefix("Test: "): lines[index + 1].split()[1]
        for index, line in enumerate(lines)
        if line.startswith("Test: ")
    }
    skipped = {} if kind == "ed25519" or script is not SESSION else SKIPPED_BY_KIND

    assert ended.code == 0, ended.text
    assert list(outcomes) == names
    assert outcomes == {name: "skipped" if name in skipped else "passed" for name in names}, ended.text
    assert all(reason in ended.flat for reason in skipped.values())
    assert GREEN in ended.shown
    assert RED not in ended.shown
    assert max(len(line) for line in lines if line.startswith("  ")) <= 80


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
    (ACCOUNT, "myTrades", "order.status", having(side=Side.BUY), "is on the other side of its order"),
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


def trial_of(market, number=None, *, may_order=True, script=TRADING):
    """What a test is given, with the key of an account."""
    account = FRESH[0] if number is None and script is TRADING else number or LIVED_IN
    return Trial(market.endpoint, 5.0, may_order, market.demo_keys[account].ed25519)


@pytest.mark.parametrize(("script", "test", "method", "change", "text"), OFF, ids=[f"{row[1]}-{row[4]}" for row in OFF])
async def test_an_answer_that_is_off_is_red(market, monkeypatch, script, test, method, change, text):
    trial = trial_of(market, script=script)
    with monkeypatch.context() as patch:
        tampered(patch, method, change)
        with pytest.raises(AssertionError) as failed:
            await script.SCRIPT.tests[test](trial)

    assert text in str(failed.value)
    await assert_nothing_is_open(market, FRESH[0])


def test_every_method_is_in_the_table():
    assert {row[1] for row in OFF} == {name for script in (ACCOUNT, SESSION, TRADING) for name in script.SCRIPT.tests}


async def assert_nothing_is_open(market, number):
    async with Binance(market.endpoint, market.demo_keys[number].ed25519) as binance:
        assert await binance.call(OpenOrdersStatusRequest()) == []


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
async def test_what_the_symbol_does_not_offer_is_skipped(market, monkeypatch, test, change, why):
    tampered(monkeypatch, "exchangeInfo", change)
    found = await TRADING.SCRIPT.tests[test](trial_of(market))

    assert found.outcome is Outcome.SKIPPED
    assert why in found.detail


async def test_orders_of_others_are_not_cancelled(market):
    found = await TRADING.SCRIPT.tests["openOrders.cancelAll"](trial_of(market, LIVED_IN, script=ACCOUNT))

    assert found.outcome is Outcome.SKIPPED
    assert "open orders of BTCUSDT that are not of this test would be cancelled, too" in found.detail


@pytest.mark.parametrize("test", ["order.test", "sor.order.test"])
async def test_tests_of_orders_run_where_orders_are_not_allowed(market, test):
    assert "would be taken" in await TRADING.SCRIPT.tests[test](trial_of(market, may_order=False))


async def test_a_key_that_may_only_read_is_told(market, monkeypatch):
    tampered(
        monkeypatch, "order.test", RequestRejected("order.test", 400, -2015, "Invalid API-key, IP, or permissions")
    )
    found = await TRADING.SCRIPT.tests["order.test"](trial_of(market, may_order=False))

    assert found.outcome is Outcome.SKIPPED
    assert "the key reads the account, and may not trade" in found.detail


@pytest.mark.parametrize("fault", ["timeout", "unexpected"])
@pytest.mark.parametrize("done", [True, False])
async def test_an_order_of_unknown_outcome_is_not_left_open(market, fault, done):
    market.fault(fault, done=done, count=1)
    with pytest.raises(OutcomeUnknown):
        await TRADING.SCRIPT.tests["orderList.place.opoco"](trial_of(market))

    await assert_nothing_is_open(market, FRESH[0])


async def test_a_signal_leaves_no_order_open(market, monkeypatch):
    """A signal cancels the test at work, here while its order rests."""
    placed, original = asyncio.Event(), ApiConnection.call

    async def call(self, request, **options):
        if request.api.name == "order.status":
            placed.set()
            await asyncio.Event().wait()
        return await original(self, request, **options)

    monkeypatch.setattr(ApiConnection, "call", call)
    task = asyncio.create_task(TRADING.SCRIPT.tests["order.place"](trial_of(market)))
    await asyncio.wait_for(placed.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await assert_nothing_is_open(market, FRESH[0])


async def test_orders_that_cannot_be_cancelled_are_told(market, monkeypatch):
    with monkeypatch.context() as patch:
        tampered(patch, "order.cancel", OutcomeUnknown("order.cancel", 1, "no reply in time"))
        with pytest.raises(AssertionError) as failed:
            await TRADING.SCRIPT.tests["order.place"](trial_of(market))
    async with Binance(market.endpoint, market.demo_keys[FRESH[0]].ed25519) as binance:
        (left,) = await binance.call(OpenOrdersStatusRequest())
        await binance.orders.cancel_all("BTCUSDT")

    prefix = left.client_order_id.rpartition("-")[0]
    assert f"orders {prefix}-… of BTCUSDT may be open, cancel them by hand" in str(failed.value)
    assert "no reply in time" in str(failed.value)


async def test_an_account_without_a_past_is_quiet(exchange):
    trial = Trial(exchange.endpoint, 5.0, may_order=False, credentials=exchange.demo_keys[0].ed25519)
    found = {name: await test(trial) for name, test in ACCOUNT.SCRIPT.tests.items()}
    quiet = {name: each.detail for name, each in found.items() if not isinstance(each, str)}

    assert set(found) - set(quiet) == {
        "account.status", "account.commission", "account.rateLimits.orders", "myFilters"
    }  # fmt: skip
    assert all(each.outcome is Outcome.QUIET for each in found.values() if not isinstance(each, str))
    assert quiet["myTrades"] == "the account has no trades of BTCUSDT"
    assert "an unknown one is refused: Order does not exist." in quiet["order.status"]


# ----------------------------------------------------------------------------------------------------------------- keys


def outcomes_with(monkeypatch, capsys, script, market, key):
    """Run a script in this process; gives exit code and the tests' details, by outcome."""
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in key.items():
        monkeypatch.setenv(name, value)
    code = run_script(script.SCRIPT, ["--json", "--timeout", "5", "--endpoint", f"ws://127.0.0.1:{market.port}"])
    return code, json.loads(capsys.readouterr().out)["tests"]


@pytest.mark.parametrize("script", [ACCOUNT, SESSION, TRADING], ids=name_of)
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("unknown", "Invalid API-key, IP, or permissions for action. (code -2015, status 400)"),
        ("other secret", "Signature for this request is not valid. (code -1022, status 400)"),
        ("other file", "Signature for this request is not valid. (code -1022, status 400)"),
    ],
)
def test_a_wrong_key_is_red(market, monkeypatch, capsys, tmp_path, script, wrong, text):
    """Each test that proves anything fails with the exchange's own words."""
    right, other = market.demo_keys[LIVED_IN], market.demo_keys[FRESH[0]]
    key = {
        "unknown": {"BINANCE_API_KEY": "nobody", "BINANCE_API_SECRET": "secret"},
        "other secret": key_of(right) | {"BINANCE_API_SECRET": other.hmac_secret},
        "other file": key_of(other, "ed25519", tmp_path) | {"BINANCE_API_KEY": right.ed25519.api_key},
    }[wrong]
    code, tests = outcomes_with(monkeypatch, capsys, script, market, key)
    outcomes = Counter(test["outcome"] for test in tests)

    assert code == 1
    assert outcomes["failed"] >= len(tests) - 2
    assert all(text in test["detail"] for test in tests if test["outcome"] == "failed")
    assert not [test["name"] for test in tests if test["traceback"]]
