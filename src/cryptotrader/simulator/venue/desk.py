"""The life of an account's order: taken in, started, filled, prevented, expired, cancelled. Times are microseconds.

Every step changes the order's record, the balances and the history together, and tells the listeners one event.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from copy import copy
from hashlib import blake2b

from msgspec import Struct

from cryptotrader.models.base_models import KnownFilter, OrderType, TimeInForce
from cryptotrader.models.order_models import ExecutionType, ExpiryReason, OrderStatus, RejectReason, WorkingFloor
from cryptotrader.simulator.venue.accounts import Account, quote_amount
from cryptotrader.simulator.venue.book import Order
from cryptotrader.simulator.venue.contingencies import Contingencies
from cryptotrader.simulator.venue.events import (
    NO_ID,
    AccountEvent,
    AccountPosition,
    AssetPosition,
    Execution,
    ExecutionReport,
    PreventedMatch,
)
from cryptotrader.simulator.venue.execution_rules import taker_bound, tighter, why_over
from cryptotrader.simulator.venue.filters import Situation
from cryptotrader.simulator.venue.funding import fund
from cryptotrader.simulator.venue.history import History, HistoryState
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.offers import can_fill, offers
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.pegs import pegged_price
from cryptotrader.simulator.venue.rejections import WOULD_TAKE, WOULD_TRIGGER, Rejection, order_rejected
from cryptotrader.simulator.venue.rulebook import Rulebook
from cryptotrader.simulator.venue.self_trade import prevent
from cryptotrader.simulator.venue.smart_routing import Router
from cryptotrader.simulator.venue.trade_log import VenueTrade
from cryptotrader.simulator.venue.treasury import Treasury


class DeskState(Struct, frozen=True, kw_only=True):
    """Accounts and all that they did, as it is saved."""

    accounts: list[Account]
    fees: dict[str, int]
    outside: dict[str, int]
    ids: dict[str, int]
    exchange_filters: list[KnownFilter]
    asset_filters: list[KnownFilter]
    history: HistoryState
    seed: int


class Desk:
    """Keeps the orders of all accounts.

    Args:
        markets: Where orders are matched; filled while the exchange is built.
        seed: Of the client order ids that the desk makes up.

    Attributes:
        treasury: Balances.
        history: Orders, lists and fills.
        rulebook: What symbols allow.
        lists: How orders of a list depend on each other.
        router: Smart order routing.
        fired: Orders whose trigger was reached and that are to be started.
        listeners: Told of every event, in order.
        ids: Next ids of executions, prevented matches and allocations by symbol, of lists and of client order ids.
    """

    def __init__(self, markets: Mapping[str, Market], seed: int) -> None:
        self.markets = markets
        self.treasury = Treasury(markets)
        self.history = History()
        self.rulebook = Rulebook()
        self.lists = Contingencies(self)
        self.router = Router(self)
        self.fired: deque[AccountOrder] = deque()
        self.listeners: list[Callable[[AccountEvent], None]] = []
        self.ids: defaultdict[str, int] = defaultdict(int)
        self._seed = seed

    # ------------------------------------------------------------------------------------------------- ids and events

    def new_id(self, kind: str) -> int:
        """The next id of a kind; they start at 0."""
        number = self.ids[kind]
        self.ids[kind] = number + 1
        return number

    def new_client_order_id(self) -> str:
        """A client order id for who did not choose one."""
        drawn = f"{self._seed}:{self.new_id('client')}".encode()
        return blake2b(drawn, digest_size=11).hexdigest()

    def tell(self, event: AccountEvent) -> None:
        """Tell the listeners."""
        for listener in self.listeners:
            listener(event)

    def report(
        self,
        order: AccountOrder,
        execution_type: ExecutionType,
        now_us: int,
        *,
        original_client_order_id: str = "",
        reject_reason: RejectReason = RejectReason.NONE,
        execution: Execution | None = None,
        prevented: PreventedMatch | None = None,
        prevented_quantity: int = 0,
    ) -> int:
        """Tell what happened to an order; returns the execution id."""
        order.updated_us = now_us
        number = self.new_id(f"execution {order.symbol}")
        may_rest = not order.is_at_market and order.time_in_force is TimeInForce.GTC
        self.tell(
            ExecutionReport(
                uid=order.uid,
                execution_type=execution_type,
                execution_id=number,
                time_us=now_us,
                order=copy(order),
                is_on_book=order.is_open and order.is_working and (may_rest or execution_type is ExecutionType.NEW),
                original_client_order_id=original_client_order_id,
                reject_reason=reject_reason,
                execution=execution,
                prevented=prevented,
                prevented_quantity=prevented_quantity,
            )
        )
        return number

    # ------------------------------------------------------------------------------------------------- taking in

    def prepare(self, order: AccountOrder, now_us: int) -> None:
        """Find an order's peg, check what only the market knows, and what it will cost.

        Raises:
            Rejection: It would take, trigger at once, or finds no counterpart to peg to.
        """
        market = self.markets[order.symbol]
        if order.peg_price_type is not None and not order.is_algo:
            self.peg(order, now_us)
        if order.type is OrderType.LIMIT_MAKER and market.crosses(order.limit, is_buy=order.is_buy):
            raise order_rejected(WOULD_TAKE)
        if order.is_algo and not order.trailing_delta:
            last = market.last_price
            if last >= order.stop_price if order.rises_to_stop else last <= order.stop_price:
                raise order_rejected(WOULD_TRIGGER)
        order.lock_price = order.limit or order.stop_price or market.last_price
        if not order.is_algo:
            order.working_us = now_us
            if order.is_at_market:
                fund(order, market, self, now_us)

    def peg(self, order: AccountOrder, now_us: int) -> None:
        """Let an order's peg select its price.

        Raises:
            Rejection: The book is too thin, or a filter does not admit the price.
        """
        market = self.markets[order.symbol]
        order.pegged_price = order.lock_price = pegged_price(order, market.book)
        situation = Situation(market, now_us, pegged_price=order.pegged_price)
        self.rulebook.of(market).filters.check(order, situation)

    def hold(self, order: AccountOrder) -> None:
        """Lock what an order needs, or free what it needs no more.

        Raises:
            Rejection: The account has not enough.
        """
        holder, legs = self.lists.holder(order)
        self.treasury.hold(order, holder, legs)

    def accept(self, order: AccountOrder, now_us: int) -> None:
        """Keep a prepared order whose funds are locked, and tell of it."""
        self.history.add(order)
        self.report(order, ExecutionType.NEW, now_us)

    # ------------------------------------------------------------------------------------------------- working

    def begin(self, order: AccountOrder, now_us: int) -> None:
        """Let an accepted order wait for its price, or start it."""
        if order.is_algo:
            self.markets[order.symbol].triggers.add(order)
        else:
            self.start(order, now_us)

    def trigger(self, order: AccountOrder, now_us: int) -> None:
        """Start an order whose price was reached; it ends instead when it cannot be funded or pegged."""
        if not order.is_open:
            return
        self.lists.started(order, now_us)
        market = self.markets[order.symbol]
        order.working_us = now_us
        try:
            if order.peg_price_type is not None:
                self.peg(order, now_us)
            if order.is_at_market:
                fund(order, market, self, now_us)
            self.hold(order)
        except Rejection as refusal:
            self.expire(order, ExpiryReason.REJECTED, now_us, refusal.reason)
            return
        self.report(order, ExecutionType.NEW, now_us)
        self.start(order, now_us)

    def start(self, order: AccountOrder, now_us: int) -> None:
        """Match an order, then let the rest of it expire or stay on the book."""
        market = self.markets[order.symbol]
        bound = taker_bound(market, now_us, is_buy=order.is_buy)
        limit = None if order.is_at_market else order.limit
        reach = tighter(limit, bound, is_buy=order.is_buy)
        if order.time_in_force is TimeInForce.FOK and not can_fill(order, self, reach):
            self.expire(order, ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED, now_us)
            return
        if order.used_sor:
            self.router.take(order, reach, now_us)
        else:
            market.match(order, reach, now_us)
        if order.is_open:
            was_stopped = reach != limit and next(offers(order, self, limit), None) is not None
            reason = why_over(order, was_stopped=was_stopped)
            if reason is None:
                market.rest(order)
            else:
                self.expire(order, reason, now_us)
        market.tell_change()

    # ------------------------------------------------------------------------------------------------- fills

    def filled(self, _market: Market, taker: AccountOrder | None, maker: Order, fill: VenueTrade) -> None:
        """Settle a trade in which one account has part, or two; a routed order is filled by an allocation instead."""
        owner = maker.owner
        quote = quote_amount(fill.price, fill.quantity)
        is_routed = taker is not None and taker.symbol != fill.symbol
        trader = None if is_routed else taker
        if taker is not None:
            counter_uid = NO_ID if owner is None or is_routed else owner.uid
            counter = (NO_ID if is_routed else maker.id, counter_uid)
            allocation_id = self.new_id(f"allocation {taker.symbol}") if is_routed else NO_ID
            self._settle_fill(taker, fill, quote, counter=counter, is_maker=False, allocation_id=allocation_id)
        if owner is not None:
            counter = (NO_ID, NO_ID) if trader is None else (trader.id, trader.uid)
            self._settle_fill(owner, fill, quote, counter=counter, is_maker=True)
        if taker is not None and (is_routed or owner is None):
            self.treasury.give_outside(taker.symbol, fill.quantity, quote, account_buys=taker.is_buy)
        if owner is not None and trader is None:
            self.treasury.give_outside(fill.symbol, fill.quantity, quote, account_buys=owner.is_buy)

    def _settle_fill(
        self,
        order: AccountOrder,
        fill: VenueTrade,
        quote: int,
        *,
        counter: tuple[int, int],
        is_maker: bool,
        allocation_id: int = NO_ID,
    ) -> None:
        holder, _ = self.lists.holder(order)
        self.treasury.pay(order, holder, fill.quantity, quote)
        commission, asset = self.treasury.charge(order, fill.quantity, quote, is_maker=is_maker)
        order.executed += fill.quantity
        order.quote_executed += quote
        order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
        if order.used_sor:
            order.working_floor = WorkingFloor.EXCHANGE if allocation_id == NO_ID else WorkingFloor.SOR
        execution = Execution(
            uid=order.uid,
            symbol=order.symbol,
            trade_id=fill.id if allocation_id == NO_ID else NO_ID,
            allocation_id=allocation_id,
            order_id=order.id,
            list_id=order.list_id,
            counter_order_id=counter[0],
            counter_uid=counter[1],
            price=fill.price,
            quantity=fill.quantity,
            quote=quote,
            commission=commission,
            commission_asset=asset,
            time_us=fill.time_us,
            is_buyer=order.is_buy,
            is_maker=is_maker,
        )
        self.history.executions[order.uid, order.symbol].append(execution)
        if not order.is_open:
            self.history.close(order)
        self.report(order, ExecutionType.TRADE, fill.time_us, execution=execution)
        self.lists.started(order, fill.time_us)
        self.lists.keep_received(order, execution)
        self.hold(order)
        self.lists.after_close(order, fill.time_us)

    def prevent(self, market: Market, taker: AccountOrder, maker: Order, now_us: int) -> bool:
        """Keep orders of one owner from trading with each other; ``False`` when they may."""
        return prevent(self, market, taker, maker, now_us)

    # ------------------------------------------------------------------------------------------------- endings

    def expire(
        self,
        order: AccountOrder,
        reason: ExpiryReason,
        now_us: int,
        reject_reason: RejectReason = RejectReason.NONE,
    ) -> None:
        """End what is left of an order."""
        self._end(order, OrderStatus.EXPIRED)
        order.expiry_reason = reason
        self.report(order, ExecutionType.EXPIRED, now_us, reject_reason=reject_reason)
        self.lists.after_close(order, now_us)

    def cancel(self, order: AccountOrder, client_order_id: str, now_us: int) -> None:
        """End what is left of an order on its account's wish; it gets a client order id of the cancellation."""
        self._end(order, OrderStatus.CANCELED)
        order.original_client_order_id = order.client_order_id
        self.history.rename(order, client_order_id)
        original = order.original_client_order_id
        self.report(order, ExecutionType.CANCELED, now_us, original_client_order_id=original)
        self.lists.after_close(order, now_us)

    def _end(self, order: AccountOrder, status: OrderStatus) -> None:
        market = self.markets[order.symbol]
        if market.book.cancel(order.id) is not None:
            market.tell_change()
        market.triggers.remove(order)
        order.status = status
        self.history.close(order)
        self.hold(order)

    # ------------------------------------------------------------------------------------------------- afterwards

    def attend(self, now_us: int) -> None:
        """Start triggered orders and pending legs until nothing is left to do, then tell balances."""
        while self.fired or self.lists.ready:
            if self.fired:
                self.trigger(self.fired.popleft(), now_us)
            else:
                self.lists.activate(self.lists.ready.popleft(), now_us)
        self.tell_positions(now_us)

    def tell_positions(self, now_us: int) -> None:
        """Tell the balances that changed."""
        touched = self.treasury.touched
        while touched:
            account = self.treasury.accounts[next(iter(touched))]
            del touched[account.uid]
            positions = tuple(
                AssetPosition(asset, account.balances[asset].free, account.balances[asset].locked)
                for asset in account.changed
            )
            account.changed = {}
            account.updated_us = now_us
            self.tell(AccountPosition(uid=account.uid, time_us=now_us, positions=positions))

    # ------------------------------------------------------------------------------------------------- saving

    def dump(self) -> DeskState:
        """All that it remembers."""
        return DeskState(
            accounts=list(self.treasury.accounts.values()),
            fees=dict(self.treasury.fees),
            outside=dict(self.treasury.outside),
            ids=dict(self.ids),
            exchange_filters=list(self.rulebook.exchange_filters),
            asset_filters=list(self.rulebook.asset_filters),
            history=self.history.dump(),
            seed=self._seed,
        )

    def load(self, state: DeskState) -> None:
        """Go on from a state; the markets follow, since they ask for its orders."""
        self.treasury.accounts.update({account.uid: account for account in state.accounts})
        self.treasury.fees.update(state.fees)
        self.treasury.outside.update(state.outside)
        self.ids.update(state.ids)
        self.rulebook.exchange_filters = tuple(state.exchange_filters)
        self.rulebook.asset_filters = tuple(state.asset_filters)
        self.history.load(state.history)
        self._seed = state.seed
