"""Accounts do whatever comes to mind over the wire: nothing breaks, and every invariant holds after each request."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cryptotrader.models.base_models import SelfTradePreventionMode
from cryptotrader.protocol.request import REGISTRY
from cryptotrader.simulator import ExchangeAccount, ExchangeLimits
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.state import VenueState
from cryptotrader.simulator.venue.symbols import UNIT
from trader_client import Trader, now_ms, trading
from volume import rounds

STEPS = 200
PLENTY = ExchangeLimits(orders=10**9, orders_a_day=10**9, weight=10**9)
MIDDLE = {"BTCUSDT": "95000.00", "BTCUSDC": "95000.00", "ETHBTC": "0.03578947", "BNBUSDT": "650.00"}
LOTS = {"BTCUSDT": 5, "BTCUSDC": 5, "ETHBTC": 3, "BNBUSDT": 2}
LEAST = {"BTCUSDT": "0.0001", "BTCUSDC": "0.0001", "ETHBTC": "0.01", "BNBUSDT": "0.01"}
QUOTES = {"BTCUSDT": (5, 3000), "BTCUSDC": (5, 3000), "ETHBTC": (0.001, 0.2), "BNBUSDT": (5, 3000)}
WITH_LIMIT = ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
PROFITS, STOPS = ("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"), ("STOP_LOSS", "STOP_LOSS_LIMIT")
KINDS = (*["LIMIT"] * 6, "MARKET", "MARKET", *PROFITS, *STOPS)
RATES = Commissions(
    standard=CommissionRates(maker=100_000, taker=150_000, buyer=1_000, seller=3_000),
    special=CommissionRates(taker=7_777),
    tax=CommissionRates(maker=12_345),
    pays_in_bnb=True,
)


class Dice:
    """Requests at random; prices on few levels, so that they meet, and quantities of any number of lots."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.pick = self.random.choice

    def chance(self, probability):
        return self.random.random() < probability

    def price(self, symbol):
        step = self.pick([-3, -2, -1, 0, 0, 1, 2, 3]) * Decimal("0.00213")
        middle = Decimal(MIDDLE[symbol])
        return str((middle * (1 + step)).quantize(middle))

    def quantity(self, symbol):
        lots = self.pick([1, 2, 3, 7, 11, 50, 200]) * self.pick([1, 1, 10, 50])
        return str(Decimal(lots).scaleb(-LOTS[symbol]) + Decimal(LEAST[symbol]))

    def leg(self, symbol, kind, prefix=""):
        found = {}
        if kind in WITH_LIMIT:
            found["price"] = self.price(symbol)
        if kind in WITH_LIMIT and kind != "LIMIT_MAKER":
            found["timeInForce"] = self.pick(["GTC", "GTC", "GTC", "IOC", "FOK"])
        if kind in (*PROFITS, *STOPS) and kind != "LIMIT_MAKER":
            given = self.pick([("stopPrice",), ("stopPrice",), ("trailingDelta",), ("stopPrice", "trailingDelta")])
            trigger = {"stopPrice": self.price(symbol), "trailingDelta": self.pick([10, 20, 50, 200])}
            found |= {name: trigger[name] for name in given}
        if kind in ("LIMIT", "LIMIT_MAKER") and self.chance(0.15):
            found["pegPriceType"] = self.pick(["PRIMARY_PEG", "MARKET_PEG"])
            if self.chance(0.7):
                del found["price"]
        return {prefix + name[:1].upper() + name[1:] if prefix else name: value for name, value in found.items()}

    def single(self, symbol):
        kind = self.pick(KINDS)
        quantity = self.quantity(symbol)
        found = {"type": kind, "quantity": quantity, **self.leg(symbol, kind), **self.mode()}
        if kind == "MARKET" and self.chance(0.5):
            del found["quantity"]
            found["quoteOrderQty"] = f"{self.random.uniform(*QUOTES[symbol]):.8f}"
        if kind in ("LIMIT", "LIMIT_MAKER") and self.chance(0.5):
            part = Decimal(quantity) / self.pick([2, 3, Decimal("1.5")])
            found["icebergQty"] = str(part.quantize(Decimal(1).scaleb(-LOTS[symbol])))
            found |= {"timeInForce": "GTC"} if kind == "LIMIT" else {}
        return found

    def mode(self):
        mode = self.pick(list(SelfTradePreventionMode)).value
        return {"selfTradePreventionMode": mode} if self.chance(0.6) else {}

    def pair(self, symbol, side, prefix=""):
        profit, stop = self.pick(PROFITS), self.pick(STOPS)
        above, below = (stop, profit) if side == "BUY" else (profit, stop)
        above_name, below_name = ("pendingAbove", "pendingBelow") if prefix else ("above", "below")
        return {
            f"{above_name}Type": above, **self.leg(symbol, above, above_name),
            f"{below_name}Type": below, **self.leg(symbol, below, below_name),
        }  # fmt: skip

    def order_list(self, symbol):
        kind, side = self.pick(["oco", "oto", "otoco", "opo", "opoco"]), self.pick(["BUY", "SELL"])
        method = f"orderList.place.{kind}"
        if kind == "oco":
            return method, {"side": side, "quantity": self.quantity(symbol), **self.pair(symbol, side), **self.mode()}
        working, then = self.pick(["LIMIT", "LIMIT", "LIMIT_MAKER"]), self.pick(["BUY", "SELL"])
        if kind.startswith("opo"):
            side, then = "BUY", "SELL"
        found = {"workingType": working, "workingSide": side, "workingQuantity": self.quantity(symbol)}
        found |= {"workingPrice": self.price(symbol), **self.leg(symbol, working, "working"), "pendingSide": then}
        if not kind.startswith("opo"):
            found["pendingQuantity"] = self.quantity(symbol)
        if kind.endswith("oco"):
            return method, found | self.pair(symbol, then, "pending") | self.mode()
        pending = self.pick(["LIMIT", "LIMIT_MAKER", "MARKET", *STOPS, "TAKE_PROFIT"])
        return method, found | {"pendingType": pending, **self.leg(symbol, pending, "pending")} | self.mode()

    def routed(self, symbol):
        kind = self.pick(["LIMIT", "MARKET"])
        limit = {"price": self.price(symbol), "timeInForce": self.pick(["GTC", "IOC", "FOK"])}
        return {"type": kind, "quantity": self.quantity(symbol), **(limit if kind == "LIMIT" else {}), **self.mode()}

    def request(self, symbol, known):
        """A method and its parameters; ``known`` are ids of orders."""
        order_id = known[-1 - int(self.random.random() ** 2 * min(8, len(known)))] if known else 1
        side = {"side": self.pick(["BUY", "SELL"])}
        replaced = {"cancelOrderId": order_id, "cancelReplaceMode": self.pick(["STOP_ON_FAILURE", "ALLOW_FAILURE"])}
        made = {
            lambda: ("order.place", side | self.single(symbol)): 50,
            lambda: ("sor.order.place", side | self.routed(symbol)): 7 if symbol in ("BTCUSDT", "BTCUSDC") else 0,
            lambda: self.order_list(symbol): 18,
            lambda: ("order.cancel", {"orderId": order_id}): 7,
            lambda: ("order.amend.keepPriority", {"orderId": order_id, "newQty": self.quantity(symbol)}): 8,
            lambda: ("order.cancelReplace", side | self.single(symbol) | replaced): 7,
            lambda: ("openOrders.cancelAll", {}): 3,
        }
        (make,) = self.random.choices(list(made), list(made.values()))
        return make()


def sums(venue):
    """What there is of each asset, whoever has it."""
    treasury, found = venue.desk.treasury, Counter()
    for account in treasury.accounts.values():
        for asset, balance in account.balances.items():
            found[asset] += balance.free + balance.locked
    for others in (treasury.fees, treasury.outside):
        for asset, amount in others.items():
            found[asset] += amount
    return {asset: amount for asset, amount in found.items() if amount}


def check_locks(venue, uid):
    """What is locked is locked for an open order or list."""
    desk, needed = venue.desk, Counter()
    for order in desk.history.open(uid):
        needed[desk.treasury.given_asset(order)] += order.locked
    for order_list in desk.history.open_lists[uid].values():
        needed[desk.treasury.given_asset(desk.lists.orders_of(order_list)[-1])] += order_list.locked
    balances = desk.treasury.accounts[uid].balances
    assert {asset: balance.free for asset, balance in balances.items() if balance.free < 0} == {}
    assert {asset: balance.locked for asset, balance in balances.items() if balance.locked} == +needed


def check_books(venue):
    assert venue.markets
    for market in venue.markets.values():
        bid, ask = market.book.bids.best, market.book.asks.best
        assert bid is None or ask is None or bid < ask


class Told:
    """What one account's events tell of its balances."""

    def __init__(self, trader):
        self.trader = trader
        self.balances = dict(self.real())

    def real(self):
        balances = self.trader.exchange.venue.trading.account(self.trader.keys.uid).balances
        return {asset: (balance.free, balance.locked) for asset, balance in balances.items()}

    def check(self):
        for event in self.trader.events:
            if event["e"] == "outboundAccountPosition":
                self.balances |= {
                    item["a"]: (int(Decimal(item["f"]) * UNIT), int(Decimal(item["l"]) * UNIT)) for item in event["B"]
                }
        self.trader.client.frames.clear()
        assert self.balances == self.real()


async def trade_at_random(exchange, dice):
    traders = [await Trader.dial(exchange, number, log_on=True, subscribe=True) for number in (0, 1)]
    told, venue = [Told(trader) for trader in traders], exchange.venue
    before = sums(venue)
    for _ in range(STEPS):
        trader, symbol = dice.pick(traders), dice.pick(list(MIDDLE))
        known = [order.id for order in venue.desk.history.orders[trader.keys.uid, symbol]]
        method, params = dice.request(symbol, known)
        reply = await trader.call(method, symbol=symbol, **params)
        assert reply["status"] in (200, 400, 409), (method, params, reply)
        for item in told:
            item.check()
            check_locks(venue, item.trader.keys.uid)
        check_books(venue)
        assert sums(venue) == before
    saved = venue.dump().to_bytes()
    assert Exchange.load(VenueState.from_bytes(saved)).dump().to_bytes() == saved


@given(seed=st.integers(0, 10**6))
@example(seed=34)  # these once made money, or broke the exchange
@example(seed=272)
@example(seed=352)
@pytest.mark.volume
@settings(max_examples=rounds(5, 200), deadline=None)
def test_accounts_that_do_anything_break_nothing(seed):
    dice = Dice(seed)
    group = dice.pick([-1, 5])
    accounts = [
        ExchangeAccount(
            uid=1, commissions=RATES, trade_group_id=group,
            balances={"BTC": "3.00000007", "ETH": "40", "USDT": "50000.12345678", "USDC": "30000", "BNB": "0.5"},
        ),
        ExchangeAccount(
            uid=2, trade_group_id=group,
            balances={"BTC": "2", "ETH": "30", "USDT": "90000", "USDC": "30000", "BNB": "3"},
        ),
    ]  # fmt: skip
    more = {"symbols": list(MIDDLE), "accounts": accounts, "limits": PLENTY}
    trading(lambda exchange: trade_at_random(exchange, dice), **more)


ODD = (
    *("null", '""', "true", "false", "0", "-1", "1", "1.5", '"1."', '"1e-5"', '"-0"', '"٣"', "9" * 30, f'"{"9" * 30}"'),
    *("1e-9", "1e300", "1e99999999999999999999", '"NaN"', "[]", '["BTCUSDT"]', "[1.5]", "{}", '{"a":1}', '"\\u0000"'),
    *('"é"', '"\\ud83d\\ude00"', '"' + "a" * 1000 + '"', '"BUY"', '"GTC"', str(2**63), str(2**64), '" 1"', '"+1"'),
    *('"0x1"', "99999999999999", str(10**18), '"BTCUSDT"', '"1_000"', '"a:b"'),
)
GOOD = {
    **dict.fromkeys(("type", "workingType", "pendingType"), '"LIMIT"'),
    **dict.fromkeys(("belowType", "pendingAboveType"), '"LIMIT_MAKER"'),
    **dict.fromkeys(("quantity", "workingQuantity", "pendingQuantity", "newQty"), '"0.001"'),
    **dict.fromkeys(("price", "workingPrice"), '"90000"'),
    **dict.fromkeys(("side", "workingSide"), '"BUY"'),
    "symbol": '"BTCUSDT"',
    "timeInForce": '"GTC"',
    "cancelReplaceMode": '"ALLOW_FAILURE"',
    "orderId": '"1"',
    "aboveType": '"STOP_LOSS"',
    "pendingSide": '"SELL"',
    "interval": '"1m"',
    "fromId": "1",
}


@given(seed=st.integers(0, 10**6))
@pytest.mark.volume
@settings(max_examples=rounds(4, 200), deadline=None)
def test_odd_parameters_are_answered_and_the_exchange_can_still_be_saved(seed):
    random = Random(seed)
    methods = sorted(set(REGISTRY) - {"session.logout", "session.logon"})

    async def ask_oddly(exchange):
        trader = await Trader.dial(exchange, log_on=True, subscribe=True)
        for number in range(400):
            kind = REGISTRY[random.choice(methods)]
            names = [*kind.__struct_encode_fields__, "recvWindow", "returnRateLimits", "bogus"]
            params = {name: text for name, text in GOOD.items() if name in names and random.random() < 0.9}
            params |= {"timestamp": str(now_ms())}
            params |= {name: random.choice(ODD) for name in random.choices(names, k=random.randrange(4))}
            sent = ",".join(f'"{name}":{text}' for name, text in params.items())
            request = f'{{"id":{number},"method":"{kind.api.name}","params":{{{sent}}}}}'
            (reply,) = [frame for frame in await trader.client.ask(request) if "event" not in frame]
            assert reply["id"] == number
            assert reply["status"] in (200, 400, 409), (request, reply)
            assert reply.get("error", {}).get("code") != -1000, (request, reply)
            trader.client.frames.clear()
        exchange.venue.dump().to_bytes()

    trading(ask_oddly, limits=PLENTY)
