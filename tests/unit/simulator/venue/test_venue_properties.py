"""Whatever accounts do: nothing is made or lost, locks are what open orders need, and events tell all of it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from cryptotrader.models.base_models import OrderType
from cryptotrader.models.base_models import SelfTradePreventionMode as Mode
from cryptotrader.models.order_models import CancelReplaceMode, OrderStatus, PegPriceType
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.events import (
    AccountPosition,
    BalanceUpdate,
    ExecutionReport,
    ExternalLockUpdate,
    ListKind,
    ListStatus,
)
from cryptotrader.simulator.venue.history import Span
from cryptotrader.simulator.venue.list_placement import NewOrderList
from cryptotrader.simulator.venue.order_changes import OrderKey
from cryptotrader.simulator.venue.rejections import Rejection
from cryptotrader.simulator.venue.state import VenueState
from cryptotrader.simulator.venue.symbols import UNIT
from cryptotrader.simulator.venue.treasury import required
from venue_bench import Bench
from volume import rounds

MIDDLE = 95_000
ARROWS = {
    None: {"NEW", "PENDING_NEW"},
    "PENDING_NEW": {"PENDING_NEW", "NEW", "CANCELED", "EXPIRED"},
    "NEW": {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"},
    "PARTIALLY_FILLED": {"PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "NEW"},
}

uids = st.sampled_from([1, 2, 3])
sides = st.sampled_from(["BUY", "SELL"])
prices = st.integers(-6, 6).map(lambda step: MIDDLE + step * 10.01)
quantities = st.integers(1, 40).map(lambda lots: lots * 0.00025)
steps = st.integers(1, 8)
modes = st.sampled_from([*Mode, Mode.TRANSFER])
SYMBOLS = ("BTCUSDT", "BTCUSDC", "BNBUSDT", "ETHBTC")
TINY = Decimal("0.0000003767")
"""Makes of a price of bitcoin one of ether in bitcoin, where tick times lot is far below 10^-8."""


KINDS = (
    *("LIMIT", "LIMIT", "LIMIT", "LIMIT_MAKER", "MARKET"),
    *("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
)


@st.composite
def orders(draw, kinds=KINDS):
    kind = draw(st.sampled_from(kinds))
    more = {"self_trade_prevention_mode": draw(modes), "quantity": draw(quantities)}
    if kind not in ("MARKET", "STOP_LOSS", "TAKE_PROFIT"):
        more["price"] = draw(prices)
    if kind == "LIMIT":
        more["time_in_force"] = draw(st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"]))
    if kind in ("LIMIT", "LIMIT_MAKER") and more.get("time_in_force", "GTC") == "GTC":
        more |= draw(st.sampled_from([{}, {"iceberg_quantity": 0.00025}]))
        more |= draw(st.sampled_from([{}, {}, {"peg_price_type": PegPriceType.PRIMARY_PEG}]))
    if kind == "MARKET" and draw(st.booleans()):
        more |= {"quantity": 0, "quote_quantity": draw(st.integers(30, 900))}
    if kind.startswith(("STOP", "TAKE")):
        trigger = {"trailing_delta": draw(st.integers(10, 20)), "stop_price": draw(prices)}
        for left_out in draw(st.sampled_from([(), ("trailing_delta",), ("stop_price",)])):
            del trigger[left_out]
        more |= trigger
    return draw(sides), kind, more


IN_BITCOIN = {
    **dict.fromkeys(("price", "stop_price"), (TINY, 8)),
    **dict.fromkeys(("quantity", "iceberg_quantity"), (404, 3)),
    "quote_quantity": (404 * TINY, 8),
}


def in_bitcoin(more):
    """An order's parameters for ETHBTC."""
    return more | {
        name: round(Decimal(str(more[name])) * times, digits)
        for name, (times, digits) in IN_BITCOIN.items()
        if name in more
    }


class Venue(RuleBasedStateMachine):
    """Accounts 1 and 2 are of one trade group; 3 pays commission in BNB; each owns little."""

    placed = Bundle("placed")

    @initialize()
    def open(self):
        self.bench = Bench(*SYMBOLS)
        rates = Commissions(
            standard=CommissionRates(maker=123_457, taker=234_567, buyer=11, seller=13),
            tax=CommissionRates(taker=10_001),
        )
        self.assets = ("BTC", "USDT", "USDC", "BNB", "ETH")
        for uid in (1, 2, 3):
            account = self.bench.trading.account(uid)
            account.commissions = rates
            account.trade_group_id = 7 if uid < 3 else -1
            self.bench.trading.deposit(uid, "BTC", -999_999 * UNIT - 99 * UNIT // 100)
            self.bench.trading.deposit(uid, "USDT", -999_000 * UNIT)
        self.bench.trading.account(3).commissions = Commissions(
            standard=rates.standard, tax=rates.tax, pays_in_bnb=True
        )
        self.deposited = {asset: self.sum_of(asset) for asset in self.assets}
        self.bench.events.clear()
        self.free = {
            (uid, asset): (balance.free, balance.locked)
            for uid in (1, 2, 3)
            for asset, balance in self.bench.trading.account(uid).balances.items()
        }
        self.shown = {}
        self.open_orders = {}
        self.open_lists = {}
        self.seen = 0
        self.execution_ids = defaultdict(lambda: -1)

    def sum_of(self, asset):
        treasury = self.bench.desk.treasury
        owned = sum(account.total(asset) for account in treasury.accounts.values())
        return owned + treasury.fees[asset] + treasury.outside[asset]

    def attempt(self, command, *arguments, **named):
        """Run a command; one that is refused changes nothing and tells nothing."""
        before, balances = len(self.bench.events), self.balances()
        try:
            return command(*arguments, **named)
        except Rejection:
            assert len(self.bench.events) == before
            assert self.balances() == balances
            return None

    def balances(self):
        return {
            (uid, asset): (balance.free, balance.locked)
            for uid, account in self.bench.desk.treasury.accounts.items()
            for asset, balance in account.balances.items()
        }

    @rule(target=placed, uid=uids, order=orders(), symbol=st.sampled_from(("BTCUSDT", "BTCUSDC", "ETHBTC")))
    def place(self, uid, order, symbol):
        side, kind, more = order
        if symbol == "ETHBTC":
            more = in_bitcoin(more)
        placement = self.attempt(self.bench.trading.place, uid, self.bench.new(side, kind, symbol=symbol, **more))
        return placement and placement.order

    @rule(uid=uids, order=orders(kinds=("LIMIT", "MARKET")))
    def route(self, uid, order):
        side, kind, more = order
        self.attempt(self.bench.trading.route, uid, self.bench.new(side, kind, **more))

    @rule(is_buy=st.booleans(), price=prices, quantity=quantities, kind=st.sampled_from(["LIMIT", "MARKET"]))
    def crowd(self, is_buy, price, quantity, kind):
        self.bench.market.place(
            is_buy=is_buy,
            type=OrderType(kind),
            quantity=round(quantity * UNIT),
            price=round(price * UNIT),
            now_us=self.bench.exchange.now_us,
        )

    @rule(order=placed)
    def cancel(self, order):
        if order is not None:
            self.attempt(self.bench.trading.cancel, order.uid, self.bench.key(order))

    @rule(order=placed, lots=st.integers(1, 30))
    def amend(self, order, lots):
        if order is not None:
            self.attempt(self.bench.trading.amend, order.uid, self.bench.key(order), lots * 25_000)

    @rule(target=placed, order=placed, new=orders(), mode=st.sampled_from(list(CancelReplaceMode)))
    def replace(self, order, new, mode):
        if order is None:
            return None
        side, kind, more = new
        if order.symbol == "ETHBTC":
            more = in_bitcoin(more)
        request = self.bench.new(side, kind, symbol=order.symbol, **more)
        key = OrderKey(symbol=order.symbol, order_id=order.id)
        outcome = self.attempt(self.bench.trading.cancel_replace, order.uid, key, request, mode)
        return getattr(outcome and outcome.placement, "order", None)

    @rule(
        uid=uids, kind=st.sampled_from(list(ListKind)), is_buy=st.booleans(), working=orders(kinds=("LIMIT", "LIMIT_MAKER")),
        pending=orders(), above=steps, below=steps, quantity=quantities, stop_limit=st.booleans(),
    )  # fmt: skip
    def place_list(self, uid, kind, is_buy, working, pending, above, below, quantity, stop_limit):
        paid = kind in (ListKind.OPO, ListKind.OPOCO)
        is_buy = is_buy and not paid
        side = "BUY" if is_buy else "SELL"
        amount = 0 if paid else quantity
        above, below = MIDDLE + above * 10.01, MIDDLE - below * 10.01
        maker = {"kind": "LIMIT_MAKER", "price": below if is_buy else above}
        stop = {"kind": "STOP_LOSS_LIMIT" if stop_limit else "STOP_LOSS", "stop_price": above if is_buy else below}
        if stop_limit:
            stop["price"] = above if is_buy else below
        pair = [
            self.bench.new(side, leg.pop("kind"), amount, **leg) for leg in ((stop, maker) if is_buy else (maker, stop))
        ]
        pending_side, pending_kind, more = pending
        if paid:
            pending_side = "SELL"
            more = more | {"quantity": 0, "quote_quantity": 0, "iceberg_quantity": 0}
        working_side, working_kind, working_more = working
        first = self.bench.new("BUY" if paid else working_side, working_kind, **working_more)
        legs = {
            ListKind.OCO: pair,
            ListKind.OTO: [first, self.bench.new(pending_side, pending_kind, **more)],
            ListKind.OPO: [first, self.bench.new(pending_side, pending_kind, **more)],
            ListKind.OTOCO: [first, *pair],
            ListKind.OPOCO: [first, *pair],
        }[kind]
        self.attempt(self.bench.trading.place_list, uid, NewOrderList(kind=kind, legs=tuple(legs)))

    @rule(uid=uids, first=st.booleans())
    def cancel_list(self, uid, first):
        open_lists = list(self.bench.desk.history.open_lists[uid].values())
        if open_lists:
            chosen = open_lists[0 if first else -1]
            self.bench.trading.cancel_list(uid, chosen.symbol, list_id=chosen.id)

    @rule(uid=uids)
    def cancel_all(self, uid):
        self.attempt(self.bench.trading.cancel_all, uid, "BTCUSDT")

    @rule(milliseconds=st.integers(1, 3000))
    def wait(self, milliseconds):
        self.bench.exchange.advance(self.bench.exchange.now_us + milliseconds * 1000)

    @rule(uid=uids, amount=st.integers(-50, 50))
    def lock_externally(self, uid, amount):
        account = self.bench.trading.account(uid)
        if -account.external_locks.get("USDT", 0) <= amount * UNIT <= account.free("USDT"):
            self.bench.trading.lock_externally(uid, "USDT", amount * UNIT)

    @rule()
    def save_and_restore(self):
        saved = self.bench.exchange.dump().to_bytes()
        self.bench.adopt(Exchange.load(VenueState.from_bytes(saved)))
        assert self.bench.exchange.dump().to_bytes() == saved
        self.open_orders = {key: self.bench.desk.history.order(*key) for key in self.open_orders}

    # ------------------------------------------------------------------------------------------------- invariants

    @invariant()
    def nothing_is_made_or_lost(self):
        assert {asset: self.sum_of(asset) for asset in self.assets} == self.deposited

    @invariant()
    def locks_are_what_open_orders_need(self):
        history, treasury = self.bench.desk.history, self.bench.desk.treasury
        for account in treasury.accounts.values():
            needed = defaultdict(int, account.external_locks)
            for order_list in history.open_lists[account.uid].values():
                pair = [history.order(order_list.symbol, number) for number in order_list.pair_ids]
                if order_list.is_paid_by_working and history.order(order_list.symbol, order_list.working_id).is_open:
                    needed["BTC"] += order_list.locked
                elif pair:
                    needed[treasury.given_asset(pair[0])] += max(map(required, pair))
            for order in history.open(account.uid):
                order_list = self.bench.desk.lists.list_of(order)
                if order_list is None or order.id not in order_list.pair_ids:
                    assert order.locked == required(order)
                    needed[treasury.given_asset(order)] += required(order)
            locked = {asset: balance.locked for asset, balance in account.balances.items() if balance.locked}
            assert locked == {asset: amount for asset, amount in needed.items() if amount}
            assert all(balance.free >= 0 for balance in account.balances.values())

    @invariant()
    def books_are_the_open_orders_and_never_cross(self):
        for market in self.bench.exchange.markets.values():
            bid, ask = market.book.bids.best, market.book.asks.best
            assert bid is None or ask is None or bid < ask
            for side in (market.book.bids, market.book.asks):
                for price, level in side.levels.items():
                    live = [order for order in level.orders if order.remaining]
                    assert level.total == sum(order.remaining for order in live) > 0
                    assert level.hidden == sum(order.owner.hidden for order in live if order.owner)
                    for order in live:
                        assert order.owner is None or order.owner.is_open
                        if order.owner is not None:
                            assert order.owner.remaining == order.remaining + order.owner.hidden
                            assert order.owner.limit == price

    @invariant()
    def every_open_order_rests_waits_or_is_pending(self):
        for market in self.bench.exchange.markets.values():
            for uid in (1, 2, 3):
                for order in self.bench.desk.history.open(uid, market.listing.symbol):
                    waits = order.id in market.triggers.waiting
                    rests = order.id in market.book
                    assert waits + rests + (order.status is OrderStatus.PENDING_NEW) == 1
                    assert rests == order.is_working

    @invariant()
    def trade_ids_are_dense(self):
        for market in self.bench.exchange.markets.values():
            log, symbol = market.log, market.listing.symbol
            owned = defaultdict(int)
            for uid in (1, 2, 3):
                for fill in self.bench.desk.history.trades(uid, symbol, Span(limit=10**6)):
                    owned[fill.trade_id, fill.is_maker] += 1
                    trade = log.trade(fill.trade_id)
                    assert (trade.price, trade.quantity) == (fill.price, fill.quantity)
            assert set(owned.values()) <= {1}
            assert {number for number, _ in owned} <= set(range(log.first_id, log.next_id))

    @invariant()
    def events_tell_balances_and_open_orders(self):
        events = self.bench.events[self.seen :]
        self.seen = len(self.bench.events)
        for event in events:
            self.take(event)
        assert self.free == self.balances()
        history = self.bench.desk.history
        assert self.open_orders == {(o.symbol, o.id): o for uid in (1, 2, 3) for o in history.open(uid)}
        assert self.open_lists == {o.id: o.is_open for uid in (1, 2, 3) for o in history.open_lists[uid].values()}

    def take(self, event):
        match event:
            case AccountPosition():
                for position in event.positions:
                    self.free[event.uid, position.asset] = position.free, position.locked
            case ExecutionReport():
                self.take_report(event)
            case ListStatus():
                if event.order_list.is_open:
                    self.open_lists[event.order_list.id] = True
                else:
                    del self.open_lists[event.order_list.id]
            case BalanceUpdate() | ExternalLockUpdate():
                pass

    def take_report(self, event):
        order, key = event.order, (event.order.symbol, event.order.id)
        before = self.shown.get(key)
        assert str(order.status) in ARROWS[before and str(before.status)]
        assert event.execution_id == self.execution_ids[order.symbol] + 1
        self.execution_ids[order.symbol] = event.execution_id
        if before is not None:
            filled = event.execution.quantity if event.execution else 0
            assert order.executed == before.executed + filled
            assert order.prevented == before.prevented + event.prevented_quantity
        assert order.executed + order.prevented <= order.quantity or order.status is OrderStatus.PENDING_NEW
        assert (order.status is OrderStatus.FILLED) <= (order.remaining == 0)
        self.shown[key] = order
        if order.is_open:
            self.open_orders[key] = self.bench.desk.history.order(*key)
            if event is [e for e in self.bench.events if isinstance(e, ExecutionReport) and e.order.id == order.id][-1]:
                assert (order.status, order.executed, order.quantity) == (
                    self.open_orders[key].status, self.open_orders[key].executed, self.open_orders[key].quantity,
                )  # fmt: skip
        else:
            self.open_orders.pop(key, None)


Venue.TestCase.settings = settings(max_examples=rounds(30, 1000), stateful_step_count=50, deadline=None)
TestVenue = pytest.mark.volume(Venue.TestCase)
