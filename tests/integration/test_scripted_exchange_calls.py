"""Every method of the WebSocket API, asked of an exchange that knows nothing of this library."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from cryptotrader import requests as ask
from cryptotrader.errors import OutcomeUnknown, RequestRejected
from cryptotrader.models.base_models import Model, OrderType, Side, TimeInForce, plain
from cryptotrader.models.order_models import CancelReplaceMode
from scripted.parameters import METHODS
from scripted.replies import COMMISSION, NO_REFERENCE_PRICE, REPLIES, done
from waiting import soon
from witnessed import ED25519, EXCHANGE_MS, HMAC, RSA, witnessed

BTC = "BTCUSDT"
LIMIT = {"symbol": BTC, "side": Side.BUY, "type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC}
LIMIT |= {"quantity": "0.002", "price": "63000"}
ROUTED = LIMIT | {"quantity": "0.005", "price": "64100", "new_client_order_id": "mine-1"}
WORKING = {
    "symbol": BTC,
    "list_client_order_id": "list-9",
    "working_type": OrderType.LIMIT,
    "working_side": Side.BUY,
    "working_price": "63000",
    "working_quantity": "0.002",
    "working_time_in_force": TimeInForce.GTC,
    "working_client_order_id": "leg-7",
    "pending_side": Side.SELL,
}
PAIR = {
    "pending_above_type": OrderType.LIMIT_MAKER,
    "pending_above_price": "70000",
    "pending_below_type": OrderType.STOP_LOSS,
    "pending_below_stop_price": "60000",
}

# method, what is asked, what is looked at in the result, and what the documented text says there
PUBLIC = [
    (ask.PingRequest(), lambda result: result.to_json(), b"{}"),
    (ask.TimeRequest(), lambda result: result.server_time >= EXCHANGE_MS, True),
    (
        ask.ExchangeInfoRequest(symbol=BTC),
        lambda info: (info.symbols[0].base_asset, [each.limit for each in info.rate_limits], info.sors[0].symbols),
        ("BTC", [6000, 50, 160000, 300], ["BTCUSDT", "BTCUSDC"]),
    ),
    (
        ask.ExchangeInfoRequest(permissions=("SPOT",)),
        lambda info: info.symbols[0].filters[0].tick_size,
        Decimal("0.01"),
    ),
    (
        ask.ExecutionRulesRequest(symbols=(BTC,)),
        lambda rules: rules.symbol_rules[0].rules[0].ask_limit_mult_up,
        Decimal("1.03"),
    ),
    (
        ask.DepthRequest(symbol=BTC, limit=5),
        lambda book: (book.last_update_id, book.bids[1], book.asks[0]),
        (7000, (Decimal("64012.3"), Decimal("0.4")), (Decimal("64012.6"), Decimal("2.2"))),
    ),
    (ask.TradesRecentRequest(symbol=BTC, limit=1), lambda trades: trades[0].quote_quantity, Decimal("96.01875")),
    (ask.TradesHistoricalRequest(symbol=BTC, from_id=8801), lambda trades: trades[0].id, 8801),
    (ask.BlockTradesHistoricalRequest(symbol=BTC, from_id=31), lambda trades: trades[0].quantity, Decimal(25)),
    (
        ask.TradesAggregateRequest(symbol=BTC, start_time=1790000000000, end_time=1790000001000),
        lambda trades: (trades[0].id, trades[0].first_trade_id, trades[0].last_trade_id, trades[0].is_buyer_maker),
        (990, 8799, 8801, False),
    ),
    (
        ask.KlinesRequest(symbol=BTC, interval="1m", time_zone="5:45"),
        lambda bars: (bars[0].open, bars[0].high, bars[0].low, bars[0].close, bars[0].trade_count),
        (Decimal("64000.1"), Decimal("64030.2"), Decimal("63990.3"), Decimal("64010.4"), 412),
    ),
    (
        ask.UiKlinesRequest(symbol=BTC, interval="1M", limit=1),
        lambda bars: (bars[0].taker_buy_volume, bars[0].taker_buy_quote_volume, bars[0].close_time),
        (Decimal("7.25"), Decimal("464070.15"), 1790000099999),
    ),
    (
        ask.AvgPriceRequest(symbol=BTC),
        lambda average: (average.minutes, average.price, average.close_time),
        (5, Decimal("64005.11"), 1790000000101),
    ),
    (
        ask.Ticker24hrRequest(symbol=BTC),
        lambda ticker: (ticker.prev_close_price, ticker.bid_qty, ticker.ask_qty, ticker.count),
        (Decimal(63499), Decimal("1.1"), Decimal("2.2"), 802),
    ),
    (
        ask.TickerTradingDayRequest(symbol=BTC, time_zone="8"),
        lambda ticker: (ticker.weighted_avg_price, ticker.first_id, ticker.last_id),
        (Decimal("64011.84"), 8000, 8801),
    ),
    (ask.TickerRequest(symbol=BTC, window_size="7d"), lambda ticker: ticker.price_change_percent, Decimal("0.807")),
    (ask.TickerPriceRequest(symbol=BTC), lambda ticker: ticker.price, Decimal("64012.5")),
    (
        ask.TickerBookRequest(symbol=BTC),
        lambda ticker: (ticker.bid_price, ticker.ask_price),
        (Decimal("64012.4"), Decimal("64012.6")),
    ),
    (ask.ReferencePriceRequest(symbol=BTC), lambda price: price.reference_price, Decimal("64003.7")),
    (
        ask.ReferencePriceCalculationRequest(symbol=BTC),
        lambda how: (how.calculation_type, how.bucket_count, how.bucket_width_ms),
        ("ARITHMETIC_MEAN", 12, 1500),
    ),
    (ask.SessionStatusRequest(), lambda session: (session.api_key, session.authorized_since), (None, None)),
    (ask.SessionLogoutRequest(), lambda session: session.api_key, None),
    (ask.SessionSubscriptionsRequest(), lambda found: [each.subscription_id for each in found], [0, 3]),
    (ask.UserDataStreamUnsubscribeRequest(subscription_id=3), lambda result: result.to_json(), b"{}"),
]
SIGNED = [
    (ask.UserDataStreamSubscribeSignatureRequest(), lambda answer: answer.subscription_id, 0),
    (
        ask.OrderPlaceRequest(**LIMIT, new_client_order_id="mine-1", iceberg_qty="0.001", strategy_type=1_000_000),
        lambda order: (order.order_id, order.client_order_id, order.working_time, order.fills),
        (501, "mine-1", 1790000000200, []),
    ),
    (
        ask.OrderPlaceRequest(symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quote_order_qty="100"),
        lambda order: (order.order_list_id, order.client_order_id),
        (-1, "made-by-exchange"),
    ),
    (ask.OrderTestRequest(**LIMIT), lambda result: result.discount, None),
    (
        ask.OrderCancelRequest(symbol=BTC, order_id=501),
        lambda report: (report.original_client_order_id, report.client_order_id, report.cumulative_quote_quantity),
        ("mine-1", "cancelled-by-9", Decimal("31.5")),
    ),
    (
        ask.OrderCancelReplaceRequest(
            **LIMIT, cancel_replace_mode=CancelReplaceMode.STOP_ON_FAILURE, cancel_order_id=501
        ),
        lambda both: (both.cancel_response.order_id, both.new_order_response.order_id),
        (501, 503),
    ),
    (
        ask.OrderAmendKeepPriorityRequest(symbol=BTC, order_id=501, new_qty="0.001", new_client_order_id="mine-1"),
        lambda answer: (answer.execution_id, answer.amended_order.quantity, answer.list_status),
        (93, Decimal("0.001"), None),
    ),
    (
        ask.OpenOrdersCancelAllRequest(symbol=BTC),
        lambda reports: (reports[0].order_id, reports[1].order_list_id, reports[1].order_reports[1].order_id),
        (501, 61, 602),
    ),
    (
        ask.OrderListPlaceRequest(symbol=BTC, side=Side.SELL, price="70000", quantity="0.002", stop_price="60000"),
        lambda placed: (placed.contingency_type, placed.list_status_type, placed.order_reports[1].stop_price),
        ("OCO", "EXEC_STARTED", Decimal(60000)),
    ),
    (
        ask.OrderListPlaceOcoRequest(
            symbol=BTC,
            side=Side.SELL,
            quantity="0.002",
            above_type=OrderType.LIMIT_MAKER,
            above_price="70000",
            above_client_order_id="leg-8",
            below_type=OrderType.STOP_LOSS,
            below_stop_price="60000",
        ),
        lambda placed: [order.client_order_id for order in placed.orders],
        ["leg-8", "leg-1"],
    ),
    (
        ask.OrderListPlaceOtoRequest(**WORKING, pending_type=OrderType.MARKET, pending_quantity="0.002"),
        lambda placed: (
            placed.list_client_order_id,
            placed.order_reports[1].status,
            placed.order_reports[1].working_time,
        ),
        ("list-9", "PENDING_NEW", -1),
    ),
    (
        ask.OrderListPlaceOtocoRequest(**WORKING, **PAIR, pending_quantity="0.002"),
        lambda placed: [report.order_id for report in placed.order_reports],
        [601, 602, 603],
    ),
    (
        ask.OrderListPlaceOpoRequest(**WORKING, pending_type=OrderType.MARKET),
        lambda placed: [report.original_quantity for report in placed.order_reports],
        [Decimal("0.002"), None],
    ),
    (
        ask.OrderListPlaceOpocoRequest(**WORKING, **PAIR),
        lambda placed: [report.original_quantity for report in placed.order_reports],
        [Decimal("0.002"), None, None],
    ),
    (
        ask.OrderListCancelRequest(symbol=BTC, order_list_id=61),
        lambda report: (report.list_order_status, [each.original_client_order_id for each in report.order_reports]),
        ("ALL_DONE", ["leg-1", "leg-2"]),
    ),
    (
        ask.SorOrderPlaceRequest(**ROUTED),
        lambda orders: (orders[0].used_sor, orders[0].working_floor, orders[0].fills[0].allocation_id),
        (True, "SOR", 7),
    ),
    (
        ask.SorOrderTestRequest(**ROUTED, compute_commission_rates=True),
        lambda result: (result.special_commission_for_order.taker, result.discount.discount),
        (Decimal("0.0002"), Decimal("0.75")),
    ),
    (
        ask.AccountStatusRequest(omit_zero_balances=True),
        lambda account: (account.commission_rates.seller, account.balances[1].locked, account.uid),
        (Decimal("0.00002"), Decimal(126), 40517),
    ),
    (
        ask.OrderStatusRequest(symbol=BTC, orig_client_order_id="mine-1"),
        lambda order: (order.client_order_id, order.is_working, order.update_time),
        ("mine-1", True, 1790000000200),
    ),
    (ask.OpenOrdersStatusRequest(), lambda orders: orders, []),
    (
        ask.AllOrdersRequest(symbol=BTC, start_time=1790000000000, end_time=1790000001000, limit=1000),
        lambda orders: orders[0].original_quantity,
        Decimal("0.002"),
    ),
    (ask.OrderListStatusRequest(order_list_id=61), lambda found: found.orders[1].order_id, 602),
    (ask.OpenOrderListsStatusRequest(), lambda lists: lists, []),
    (ask.AllOrderListsRequest(from_id=1), lambda lists: lists[0].transaction_time, 1790000000400),
    (
        ask.MyTradesRequest(symbol=BTC, order_id=501, from_id=0),
        lambda trades: (trades[0].id, trades[0].commission_asset, trades[0].is_buyer, trades[0].is_maker),
        (8802, "BTC", True, False),
    ),
    (ask.AccountRateLimitsOrdersRequest(), lambda limits: [limit.count for limit in limits], [3, 17]),
    (
        ask.MyPreventedMatchesRequest(symbol=BTC, prevented_match_id=4),
        lambda found: (found[0].maker_prevented_quantity, found[0].taker_prevented_quantity, found[0].trade_group_id),
        (Decimal("0.0013"), None, 2),
    ),
    (
        ask.MyAllocationsRequest(symbol=BTC, from_allocation_id=7),
        lambda found: (found[0].allocation_type, found[0].allocation_id, found[0].is_allocator),
        ("SOR", 7, False),
    ),
    (
        ask.AccountCommissionRequest(symbol=BTC),
        lambda rates: (rates.standard_commission.taker, rates.special_commission.buyer, rates.tax_commission.maker),
        (Decimal("0.0009"), Decimal("0.00001"), Decimal("0.0008")),
    ),
    (
        ask.OrderAmendmentsRequest(symbol=BTC, order_id=501),
        lambda found: (found[0].original_client_order_id, found[0].new_client_order_id, found[0].new_quantity),
        ("mine-1", "mine-2", Decimal("0.001")),
    ),
    (ask.MyFiltersRequest(symbol=BTC), lambda filters: filters.asset_filters[0].limit, Decimal(42)),
]
BY_SESSION_ALONE = {"session.logon", "userDataStream.subscribe"}  # in the tests of sessions


def name_of(case):
    return case[0].api.name


def as_json(result):
    """A result as JSON again, with the names it had on the wire."""
    if isinstance(result, Model):
        return json.loads(result.to_json())
    return [as_json(each) for each in result] if isinstance(result, list) else plain(result)


def lost(text, result):
    """The names that a documented reply has and a result has not."""
    shown = json.loads(text.replace("$id", "1").replace("$now", "1"))["result"]
    return set(paths(shown)) - set(paths(as_json(result)))


def paths(value, before=""):
    """The names in a JSON value, each with those above it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield f"{before}.{name}"
            yield from paths(each, f"{before}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from paths(each, f"{before}[]")


def test_every_documented_method_is_asked():
    assert {name_of(case) for case in [*PUBLIC, *SIGNED]} | BY_SESSION_ALONE == set(METHODS)


@pytest.mark.parametrize(("request_", "look", "told"), PUBLIC, ids=map(name_of, PUBLIC))
async def test_a_public_method(request_, look, told):
    async with witnessed() as (exchange, binance):
        result = await soon(binance.call(request_))
        assert look(result) == told
        assert lost(REPLIES[request_.api.name], result) == set(), "a documented part was lost"
        assert [asked.method for asked in exchange.asked] == [request_.api.name]


@pytest.mark.parametrize(("request_", "look", "told"), SIGNED, ids=map(name_of, SIGNED))
async def test_a_signed_method(request_, look, told):
    async with witnessed(HMAC) as (exchange, binance):
        result = await soon(binance.call(request_))
        assert look(result) == told
        assert lost(REPLIES[request_.api.name], result) == set(), "a documented part was lost"
        assert exchange.requests(request_.api.name)[-1].params["apiKey"] == HMAC.api_key


@pytest.mark.parametrize("key", [HMAC, RSA, ED25519], ids=["hmac", "rsa", "ed25519"])
async def test_each_kind_of_key_signs_as_documented(key):
    async with witnessed() as (exchange, binance):
        request = ask.OrderStatusRequest(symbol="123456", orig_client_order_id="mine-1")
        result = await soon(binance.call(request, key=key))
        assert result.client_order_id == "mine-1"
        assert len(exchange.requests("order.status")[-1].params["signature"]) == {HMAC: 64, RSA: 344, ED25519: 88}[key]


MANY = [
    (ask.Ticker24hrRequest(symbols=(BTC, "ETHBTC"), type="MINI"), "ticker.24hr"),
    (ask.TickerTradingDayRequest(symbols=(BTC, "ETHBTC")), "ticker.tradingDay"),
    (ask.TickerRequest(symbols=(BTC, "ETHBTC")), "ticker"),
    (ask.TickerPriceRequest(), "ticker.price"),
    (ask.TickerBookRequest(symbol_status="TRADING"), "ticker.book"),
]


@pytest.mark.parametrize(("request_", "method"), MANY, ids=[method for _, method in MANY])
async def test_a_ticker_of_many_symbols_is_a_list(request_, method):
    async with witnessed() as (exchange, binance):
        one = json.loads(REPLIES[method].replace("$id", "1"))["result"]
        exchange.answers(method, done(json.dumps([one, one])))
        assert [ticker.symbol for ticker in await soon(binance.call(request_))] == [BTC, BTC]


async def test_a_tested_order_tells_its_commission():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.test", COMMISSION)
        result = await soon(binance.call(ask.OrderTestRequest(**LIMIT, compute_commission_rates=True)))
        assert result.standard_commission_for_order.maker == Decimal("0.0008")
        assert result.tax_commission_for_order.taker == Decimal("0.000002")


async def test_a_reference_price_that_never_was_is_a_refusal_although_its_status_is_200():
    async with witnessed() as (exchange, binance):
        exchange.answers("referencePrice", NO_REFERENCE_PRICE)
        with pytest.raises(RequestRejected, match="reference price") as caught:
            await soon(binance.call(ask.ReferencePriceRequest(symbol=BTC)))
        assert caught.value.code == -2043


# ------------------------------------------------------------------------------------------------ documented samples

SAMPLES = Path(__file__).parents[3] / "shared/fixtures"
CASES = {name_of(case): case[0] for case in [*PUBLIC, *SIGNED]}


def samples():
    """The documented replies to methods that are asked here; none where the folder is missing."""
    index = SAMPLES / "index.json"
    entries = json.loads(index.read_bytes()) if index.is_file() else []
    found = [each for each in entries if each["kind"] == "response" and each["method_or_stream"] in CASES]
    return [pytest.param(each, id=each["file"]) for each in found if "status" in each]


@pytest.mark.parametrize("entry", samples())
async def test_a_documented_sample_is_taken(entry):
    async with witnessed(HMAC) as (exchange, binance):
        sample = json.loads((SAMPLES / entry["file"]).read_bytes())
        request = CASES[entry["method_or_stream"]]
        await soon(binance.call(ask.MyFiltersRequest(symbol=BTC)))  # knows the time from now on
        exchange.answers(request.api.name, json.dumps({**sample, "id": "?"}).replace('"?"', "$id"))
        if sample["status"] == 200:
            result = as_json(await soon(binance.call(request)))
            assert set(paths(sample["result"])) == set(paths(result)), "a documented part was lost, or another added"
        else:
            with pytest.raises((RequestRejected, OutcomeUnknown), match=f"code {sample['error']['code']}"):
                await soon(binance.call(request))
