"""User data events: what is told of an order's life, in order, and always in agreement with the replies."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from decimal import Decimal

import pytest

from cryptotrader.models.user_models import UserDataFrame
from cryptotrader.simulator import ExchangeAccount, ExchangeLimits
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from trader_client import LIMIT, Trader, error_of, now_ms, signed, trading

ALWAYS = set("eEscSofqpPFgCxXrilzLnNTtIwmMOZYQV")
WORKING = {"W"}
PLACED = [("NEW", "NEW")]
OCO = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER", "abovePrice": "96000", "belowType": "STOP_LOSS", "belowStopPrice": "94000"}  # fmt: skip
OTO = {"symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "90000", "workingQuantity": "0.5", "workingTimeInForce": "GTC", "pendingType": "LIMIT", "pendingSide": "SELL", "pendingPrice": "99000", "pendingTimeInForce": "GTC"}  # fmt: skip


def two_sided(test, **settings):
    async def run(exchange):
        trader = await Trader.dial(exchange, 0, log_on=True, subscribe=True)
        other = await Trader.dial(exchange, 1)
        await test(trader, other)
        check_frames(trader)

    trading(run, **settings)


def check_frames(trader):
    """Every frame is of its type; execution ids grow; the last balances told are those of the account."""
    frames = [frame for frame in trader.client.frames if b'"subscriptionId"' in frame and b'"event"' in frame]
    told, execution_ids, incomplete = {}, defaultdict(list), []
    for frame in frames:
        event = json.loads(frame)["event"]
        UserDataFrame.from_json(frame)
        if event["e"] == "executionReport":
            execution_ids[event["s"]].append(event["I"])
            incomplete += [event] if ALWAYS - set(event) else []
        if event["e"] == "outboundAccountPosition":
            told |= {
                item["a"]: (int(Decimal(item["f"]) * 10**8), int(Decimal(item["l"]) * 10**8)) for item in event["B"]
            }
    assert incomplete == []
    assert execution_ids == {symbol: sorted(set(ids)) for symbol, ids in execution_ids.items()}
    account = trader.exchange.venue.trading.account(trader.keys.uid)
    assert told == {asset: (account.balances[asset].free, account.balances[asset].locked) for asset in told}


async def move(trader, price):
    """Let somebody else trade at a price."""
    other, third = await Trader.dial(trader.exchange, 1), await Trader.dial(trader.exchange, 2)
    await other.place(side="SELL", price=price, quantity="0.001")
    await third.place(side="BUY", price=price, quantity="0.001", timeInForce="IOC")


THREE = {"accounts": [ExchangeAccount(uid=uid) for uid in (1, 2, 3)]}


def test_a_limit_order_rests_is_filled_in_part_and_cancelled():
    async def test(trader, other):
        placed = await trader.place(newClientOrderId="mine")
        assert trader.kinds == ["executionReport", "outboundAccountPosition"]
        event = trader.report(placed["orderId"])
        assert set(event) == ALWAYS | WORKING
        assert (event["c"], event["C"], event["w"], event["t"], event["N"]) == ("mine", "", True, -1, None)
        assert (event["W"], event["T"], event["O"]) == (placed["workingTime"],) * 3
        assert (event["q"], event["p"], event["Z"]) == ("0.50000000", "90000.00000000", "0.00000000")
        position = trader.events[1]
        assert position["B"] == [{"a": "USDT", "f": "9955000.00000000", "l": "45000.00000000"}]

        await other.place(side="SELL", quantity="0.2")
        event = trader.report(placed["orderId"])
        assert (event["x"], event["X"], event["l"], event["z"], event["L"]) == (
            "TRADE", "PARTIALLY_FILLED", "0.20000000", "0.20000000", "90000.00000000",
        )  # fmt: skip
        assert (event["n"], event["N"], event["Y"], event["Z"]) == (
            "0.00020000", "BTC", "18000.00000000", "18000.00000000",
        )  # fmt: skip
        assert (event["m"], event["w"]) == (True, True)
        (trade,) = await trader.do("myTrades", symbol="BTCUSDT")
        assert (trade["id"], trade["commission"], trade["time"]) == (event["t"], event["n"], event["T"])

        gone = await trader.do("order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])
        event = trader.report(placed["orderId"])
        assert (event["x"], event["X"], event["c"], event["C"]) == (
            "CANCELED",
            "CANCELED",
            gone["clientOrderId"],
            "mine",
        )
        assert (event["w"], event["z"]) == (False, gone["executedQty"])

    two_sided(test)


def test_a_fill_without_commission_names_the_same_asset_everywhere():
    free = Commissions(standard=CommissionRates())

    async def test(trader, other):
        await other.place()
        sold = await trader.do("order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.1")
        event = trader.report(sold["orderId"])
        (trade,) = await trader.do("myTrades", symbol="BTCUSDT")
        (fill,) = sold["fills"]
        assert (event["n"], event["N"]) == ("0.00000000", "USDT")
        assert (fill["commission"], fill["commissionAsset"]) == (trade["commission"], trade["commissionAsset"])
        assert (fill["commission"], fill["commissionAsset"]) == (event["n"], event["N"])

    two_sided(test, accounts=[ExchangeAccount(uid=1, commissions=free), ExchangeAccount(uid=2)])


def test_a_market_order_is_told_as_new_and_then_as_filled():
    async def test(trader, other):
        for price in ("95000", "95010"):
            await other.place(side="SELL", price=price, quantity="0.3")
        order = await trader.do("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5")
        assert trader.reports(order["orderId"]) == [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "FILLED")]
        fills = [event for event in trader.events if event.get("x") == "TRADE"]
        assert [(e["t"], e["L"], e["l"], e["n"]) for e in fills] == [
            (fill["tradeId"], fill["price"], fill["qty"], fill["commission"]) for fill in order["fills"]
        ]
        assert fills[-1]["Z"] == order["cummulativeQuoteQty"]
        assert trader.kinds == ["executionReport"] * 3 + ["outboundAccountPosition"]

    two_sided(test)


def test_a_market_order_that_finds_too_little_expires():
    async def test(trader, other):
        await other.place(side="SELL", price="95000", quantity="0.3")
        order = await trader.do("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5")
        assert trader.reports(order["orderId"]) == [*PLACED, ("TRADE", "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")]
        event = trader.report(order["orderId"])
        assert set(event) == ALWAYS | WORKING | {"eR"}
        assert event["eR"] == order["expiryReason"] == "INSUFFICIENT_LIQUIDITY"

    two_sided(test)


def test_an_amendment_is_told_as_replaced():
    async def test(trader, other):
        placed = await trader.place(newClientOrderId="mine")
        told = await trader.do("order.amend.keepPriority", symbol="BTCUSDT", orderId=placed["orderId"], newQty="0.4")
        event = trader.report(placed["orderId"])
        assert (event["x"], event["X"], event["q"], event["I"]) == (
            "REPLACED",
            "NEW",
            "0.40000000",
            told["executionId"],
        )
        assert (event["C"], event["c"]) == ("mine", told["amendedOrder"]["clientOrderId"])
        assert trader.events[-1]["B"] == [{"a": "USDT", "f": "9964000.00000000", "l": "36000.00000000"}]

    two_sided(test)


def test_cancel_replace_is_told_as_both():
    async def test(trader, other):
        placed = await trader.place()
        told = await trader.do(
            "order.cancelReplace", **LIMIT, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"]
        )
        assert trader.reports(placed["orderId"]) == [*PLACED, ("CANCELED", "CANCELED")]
        assert trader.reports(told["newOrderResponse"]["orderId"]) == PLACED

    two_sided(test)


def test_an_oco_pair_ends_with_its_filled_leg():
    async def test(trader, other):
        placed = await trader.do("orderList.place.oco", **OCO)
        above, below = [order["orderId"] for order in placed["orders"]]
        assert trader.kinds == ["executionReport", "executionReport", "listStatus", "outboundAccountPosition"]
        started = trader.events[2]
        assert set(started) == set("eEsgclLrCTO")
        assert (started["g"], started["c"], started["l"], started["L"]) == (placed["orderListId"], "OCO", "EXEC_STARTED", "EXECUTING")  # fmt: skip
        assert [leg["i"] for leg in started["O"]] == [above, below]
        assert set(trader.report(below)) == ALWAYS  # it does not work yet

        await other.place(side="BUY", price="96000")
        assert trader.reports(above) == [*PLACED, ("TRADE", "FILLED")]
        assert trader.reports(below) == [*PLACED, ("EXPIRED", "EXPIRED")]
        assert trader.report(below)["eR"] == "OCO_TRIGGER"
        ended = next(event for event in reversed(trader.events) if event["e"] == "listStatus")
        assert (ended["l"], ended["L"]) == ("ALL_DONE", "ALL_DONE")
        assert {e["g"] for e in trader.events if e["e"] == "executionReport"} == {placed["orderListId"]}

    two_sided(test)


def test_a_pending_order_starts_when_the_working_one_is_filled():
    async def test(trader, other):
        placed = await trader.do("orderList.place.oto", **OTO, pendingQuantity="0.5")
        working, pending = [order["orderId"] for order in placed["orders"]]
        assert trader.reports(pending) == [("NEW", "PENDING_NEW")]
        await other.place(side="SELL", price="90000")
        assert trader.reports(working) == [*PLACED, ("TRADE", "FILLED")]
        assert trader.reports(pending) == [("NEW", "PENDING_NEW"), ("NEW", "NEW")]
        assert "W" in trader.report(pending)
        assert trader.reports(pending)[-1][1] == (await trader.do("order.status", symbol="BTCUSDT", orderId=pending))["status"]  # fmt: skip

    two_sided(test)


def test_amending_a_leg_tells_that_its_list_was_updated():
    async def test(trader, other):
        placed = await trader.do("orderList.place.oto", **OTO, pendingQuantity="0.5")
        await trader.do(
            "order.amend.keepPriority", symbol="BTCUSDT", orderId=placed["orders"][0]["orderId"], newQty="0.4"
        )
        assert [event["l"] for event in trader.events if event["e"] == "listStatus"] == ["EXEC_STARTED", "UPDATED"]

    two_sided(test)


def test_both_sides_of_a_prevented_match():
    async def test(trader, other):
        resting = await trader.place(side="SELL", price="95000")
        taker = await trader.place(price="95000", quantity="0.2", selfTradePreventionMode="DECREMENT")
        prevention = {"v", "A", "B", "U", "Cs", "pl", "pL", "pY"}
        event = trader.report(resting["orderId"])
        assert set(event) == ALWAYS | WORKING | prevention
        assert (event["x"], event["X"], event["U"], event["Cs"]) == (
            "TRADE_PREVENTION",
            "NEW",
            taker["orderId"],
            "BTCUSDT",
        )
        assert (event["A"], event["B"], event["pl"], event["pL"], event["pY"]) == (
            "0.20000000", "0.20000000", "0.20000000", "95000.00000000", "19000.00000000",
        )  # fmt: skip
        assert (event["l"], event["L"], event["Y"]) == ("0.00000000",) * 3
        event = trader.report(taker["orderId"])
        assert (event["X"], event["U"], event["v"]) == (
            "EXPIRED_IN_MATCH",
            resting["orderId"],
            taker["preventedMatchId"],
        )

    two_sided(test)


def test_the_trade_group_of_a_prevented_match():
    async def test(trader, other):
        await other.place(side="SELL", price="95000")
        taker = await trader.place(price="95000", selfTradePreventionMode="EXPIRE_TAKER")
        assert taker["tradeGroupId"] == trader.report(taker["orderId"])["u"] == 9

    two_sided(test, accounts=[ExchangeAccount(uid=1, trade_group_id=9), ExchangeAccount(uid=2, trade_group_id=9)])


def test_an_iceberg_order_tells_its_visible_part():
    async def test(trader, other):
        placed = await trader.place(icebergQty="0.1")
        assert trader.report(placed["orderId"])["F"] == placed["icebergQty"] == "0.10000000"
        depth = await trader.result("depth", symbol="BTCUSDT")
        assert depth["bids"] == [["90000.00000000", "0.10000000"]]

    two_sided(test)


def test_a_stop_is_told_again_when_it_is_triggered():
    async def test(trader, other):
        order = await trader.place(type="STOP_LOSS_LIMIT", stopPrice="95100", price="95050", newOrderRespType="RESULT")
        assert order["workingTime"] == -1
        assert (trader.report(order["orderId"])["P"], trader.report(order["orderId"])["w"]) == ("95100.00000000", False)
        await move(trader, "95100")
        assert trader.reports(order["orderId"]) == [*PLACED, *PLACED]
        event = trader.report(order["orderId"])
        assert set(event) == ALWAYS | WORKING
        assert event["w"] is True
        assert (await trader.do("order.status", symbol="BTCUSDT", orderId=order["orderId"]))["workingTime"] == event[
            "W"
        ]

    two_sided(test, **THREE)


def test_a_trailing_stop_tells_when_it_began_to_trail():
    async def test(trader, other):
        order = await trader.place(type="STOP_LOSS_LIMIT", side="SELL", price="90000", trailingDelta=100, newOrderRespType="RESULT")  # fmt: skip
        assert set(trader.report(order["orderId"])) == ALWAYS | {"d"}
        assert order["trailingTime"] == -1
        await move(trader, "96000")
        await move(trader, "95000")  # more than one per cent below
        event = trader.report(order["orderId"])
        assert set(event) == ALWAYS | WORKING | {"d", "D"}
        known = await trader.do("order.status", symbol="BTCUSDT", orderId=order["orderId"])
        assert (event["d"], event["D"]) == (100, known["trailingTime"])

    two_sided(test, **THREE)


def test_pegged_strategy_and_routed_orders_tell_what_applies():
    async def test(trader, other):
        await other.place(price="91000")
        pegged = await trader.place(
            price="92000", pegPriceType="PRIMARY_PEG", pegOffsetType="PRICE_LEVEL", pegOffsetValue=0
        )
        event = trader.report(pegged["orderId"])
        assert set(event) == ALWAYS | WORKING | {"gP", "gOT", "gOV", "gp"}
        assert event["gp"] == pegged["peggedPrice"] == "91000.00000000"

        planned = await trader.place(strategyId=7, strategyType=1_000_000)
        event = trader.report(planned["orderId"])
        assert set(event) == ALWAYS | WORKING | {"j", "J"}

        await other.place(symbol="BTCUSDC", side="SELL", price="94000")
        (routed,) = await trader.do("sor.order.place", **{**LIMIT, "price": "95000"})
        event = trader.report(routed["orderId"])
        assert set(event) == ALWAYS | WORKING | {"uS", "k", "b", "a"}
        assert (event["b"], event["a"], event["k"], event["t"]) == ("ONE_PARTY_TRADE_REPORT", 0, "SOR", -1)

    two_sided(test, symbols=["BTCUSDT", "BTCUSDC"])


def test_balances_that_change_from_outside_are_told():
    async def test(trader, other):
        uid = trader.keys.uid
        trader.exchange.deposit(uid, "BTC", "1.5")
        trader.exchange.withdraw(uid, "BTC", "0.5")
        trader.exchange.lock(uid, "BTC", "2")
        trader.exchange.unlock(uid, "BTC", "1")
        await asyncio.sleep(1)
        assert [(event["e"], event.get("d")) for event in trader.events if event["e"] != "outboundAccountPosition"] == [
            ("balanceUpdate", "1.50000000"),
            ("balanceUpdate", "-0.50000000"),
            ("externalLockUpdate", "2.00000000"),
            ("externalLockUpdate", "-1.00000000"),
        ]
        assert trader.events[-1]["B"] == [{"a": "BTC", "f": "100.00000000", "l": "1.00000000"}]
        assert set(trader.events[0]) == {"e", "E", "a", "d", "T"}

    two_sided(test)


def test_events_go_to_every_subscriber_of_the_account_and_to_no_other():
    async def test(exchange):
        trader = await Trader.dial(exchange, 0, subscribe=True)
        twin = await Trader.dial(exchange, 0, subscribe=True, query="?timeUnit=MICROSECOND")
        both = await Trader.dial(exchange, 1, subscribe=True)
        await both.result("userDataStream.subscribe.signature", **signed(trader.keys.rsa))
        placed = await trader.place()
        assert [e["T"] for e in twin.events if e["e"] == "executionReport"] == [placed["transactTime"] * 1000]
        frames = [frame for frame in both.client.events if "event" in frame]
        assert [(frame["subscriptionId"], frame["event"]["e"]) for frame in frames] == [
            (1, "executionReport"),
            (1, "outboundAccountPosition"),
        ]
        await twin.result("userDataStream.unsubscribe")
        seen = len(twin.events)
        await trader.place()
        assert len(twin.events) == seen
        both.client.transport.abort()
        await asyncio.sleep(1)
        await trader.place()
        assert len(trader.events) == 6

    trading(test)


def test_a_connection_has_and_makes_only_so_many_subscriptions():
    full = (400, -1191, "Too many subscriptions. Connection may create up to '1' subscriptions at a time.")
    used_up = (400, -2042, "Maximum subscription ID reached for this connection.")

    async def test(exchange):
        trader = await Trader.dial(exchange, 0, subscribe=True)
        other = exchange.demo_keys[1].hmac
        assert error_of(await trader.ask("userDataStream.subscribe.signature", **signed(other))) == full
        for number in (1, 2):
            await trader.result("userDataStream.unsubscribe")
            made = await trader.result("userDataStream.subscribe.signature", **signed(other))
            assert made == {"subscriptionId": number}
        await trader.result("userDataStream.unsubscribe")
        assert error_of(await trader.ask("userDataStream.subscribe.signature", **signed(other))) == used_up
        await Trader.dial(exchange, 0, subscribe=True)

    trading(test, limits=ExchangeLimits(subscriptions=1, subscription_ids=3))


def test_fills_by_the_crowd_are_told_too():
    async def test(exchange):
        trader = await Trader.dial(exchange, log_on=True, subscribe=True)
        best = (await trader.result("ticker.book", symbol="BTCUSDT"))["bidPrice"]
        placed = await trader.place(price=best, quantity="0.001")
        await asyncio.sleep(60)
        assert trader.reports(placed["orderId"])[-1] == ("TRADE", "FILLED")
        trades = await trader.do("myTrades", symbol="BTCUSDT")
        public = {
            t["id"]: t for t in await trader.result("trades.historical", symbol="BTCUSDT", fromId=trades[0]["id"])
        }
        assert trades
        for trade in trades:
            known = public[trade["id"]]
            assert (known["price"], known["qty"], known["time"]) == (trade["price"], trade["qty"], trade["time"])
        check_frames(trader)

    trading(test, symbols=["BTCUSDT"], rate=50, seed=3)


# ------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("fault", "events"), [("skip", 0), ("duplicate", 2)])
def test_faults_of_frames_hit_events(fault, events):
    async def test(trader, other):
        trader.exchange.fault(fault, connection="api", count=1)
        trader.exchange.deposit(trader.keys.uid, "BTC", "1")
        await asyncio.sleep(1)
        assert trader.kinds.count("balanceUpdate") == events
        assert trader.kinds.count("outboundAccountPosition") == 1

    two_sided(test)


def test_delayed_events_come_later():
    async def test(trader, other):
        trader.exchange.fault("delay", connection="api", seconds=2, count=2)
        trader.exchange.deposit(trader.keys.uid, "BTC", "1")
        await asyncio.sleep(1)
        assert trader.kinds == []
        await asyncio.sleep(2)
        assert trader.kinds == ["balanceUpdate", "outboundAccountPosition"]
        assert trader.events[0]["E"] <= now_ms() - 2000

    two_sided(test)


@pytest.mark.parametrize(("fault", "code"), [("timeout", -1007), ("unexpected", -1006)])
@pytest.mark.parametrize("done", [True, False])
def test_an_unknown_outcome_is_one_or_the_other(fault, code, done):
    texts = {
        -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    }

    async def test(trader, other):
        trader.exchange.fault(fault, done=done, count=1)
        assert await trader.do("openOrders.status") == []  # queries are not hit
        assert await trader.refused("order.place", **LIMIT, newClientOrderId="mine") == (500, code, texts[code])
        assert len(await trader.do("openOrders.status")) == done
        assert trader.kinds == (["executionReport", "outboundAccountPosition"] if done else [])
        assert (await trader.call("order.status", symbol="BTCUSDT", origClientOrderId="mine"))["status"] == (200 if done else 400)  # fmt: skip
        await trader.place()

    two_sided(test)


def test_a_refused_order_stays_unknown_as_well():
    async def test(trader, other):
        trader.exchange.fault("timeout", done=True, count=1)
        status, code, _ = await trader.refused("order.place", **{**LIMIT, "price": "1.001"})
        assert (status, code) == (500, -1007)
        assert trader.kinds == []

    two_sided(test)


def test_the_dice_decide_what_was_done():
    found = []

    async def test(trader, other):
        trader.exchange.fault("timeout")
        for _ in range(20):
            await trader.refused("order.place", **LIMIT)
        trader.exchange.clear_faults()
        found.append(len(await trader.do("openOrders.status")))

    for _ in range(2):
        two_sided(test, seed=1)
    assert found[0] == found[1]
    assert 3 < found[0] < 17
