"""The life of an account's order: taken in, started, filled, prevented, expired, cancelled. Times are microseconds.

Every step changes the order's record, the balances and the history together, and tells the listeners one event.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from copy import copy
from hashlib import blake2b

from cryptotrader.models.base_models import OrderType, TimeInForce
from cryptotrader.models.order_models import ExecutionType, ExpiryReason, OrderStatus, RejectReason, WorkingFloor
from cryptotrader.simulator.venue.accounts import NO_GROUP, quote_amount
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
from cryptotrader.simulator.venue.execution_rules import taker_bound, tighter
from cryptotrader.simulator.venue.filters import Situation
from cryptotrader.simulator.venue.funding import fund
from cryptotrader.simulator.venue.history import History
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.pegs import pegged_price
from cryptotrader.simulator.venue.rejections import WOULD_TAKE, WOULD_TRIGGER, Rejection, order_rejected
from cryptotrader.simulator.venue.rulebook import Rulebook
from cryptotrader.simulator.venue.self_trade import Prevention, are_one, prevention
from cryptotrader.simulator.venue.smart_routing import Router
from cryptotrader.simulator.venue.trade_log import VenueTrade
from cryptotrader.simulator.venue.treasury import Treasury


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
        """The next id of a kind; ids are dense and start at 0."""
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
        if order.time_in_force is TimeInForce.FOK and not self._can_fill(market, order, reach):
            self.expire(order, ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED, now_us)
            return
        if order.used_sor:
            self.router.take(order, reach, now_us)
        else:
            market.match(order, reach, now_us)
        if order.is_open:
            reason = self._why_over(market, order, reach)
            if reason is None:
                market.rest(order)
            else:
                self.expire(order, reason, now_us)
        market.tell_change()

    @staticmethod
    def _can_fill(market: Market, order: AccountOrder, reach: int | None) -> bool:
        side = market.book.side(not order.is_buy)
        worst = side.price_at(len(side) - 1) if reach is None and len(side) else reach
        return worst is not None and side.available(worst, order.remaining) >= order.remaining

    @staticmethod
    def _why_over(market: Market, order: AccountOrder, reach: int | None) -> ExpiryReason | None:
        """Why the rest of a matched order does not go to the book; ``None`` when it does."""
        best = market.book.side(not order.is_buy).best
        wants = best is not None and (order.is_at_market or market.crosses(order.limit, is_buy=order.is_buy))
        if wants and reach is not None:
            return ExpiryReason.EXECUTION_RULE_PRICE_RANGE_EXCEEDED
        if order.is_at_market:
            return ExpiryReason.INSUFFICIENT_LIQUIDITY
        if order.time_in_force is TimeInForce.IOC:
            return ExpiryReason.UNFILLED_IOC_QUANTITY_EXPIRED
        if order.time_in_force is TimeInForce.FOK:
            return ExpiryReason.UNFILLED_FOK_ORDER_EXPIRED
        return None

    # ------------------------------------------------------------------------------------------------- fills

    def filled(self, market: Market, taker: AccountOrder | None, maker: Order, fill: VenueTrade) -> None:
        """Settle a trade in which one account has part, or two."""
        owner = maker.owner
        quote = quote_amount(fill.price, fill.quantity)
        if taker is not None:
            counter_uid = NO_ID if owner is None else owner.uid
            self._settle_fill(taker, fill, quote, counter=(maker.id, counter_uid), is_maker=False)
        if owner is not None:
            counter = (NO_ID, NO_ID) if taker is None else (taker.id, taker.uid)
            self._settle_fill(owner, fill, quote, counter=counter, is_maker=True)
        if taker is None or owner is None:
            account_buys = maker.is_buy if taker is None else taker.is_buy
            self.treasury.give_outside(market.listing.symbol, fill.quantity, quote, account_buys=account_buys)

    def allocate(self, order: AccountOrder, fill: VenueTrade) -> None:
        """Fill an order with what smart order routing took from another book."""
        quote = quote_amount(fill.price, fill.quantity)
        number = self.new_id(f"allocation {order.symbol}")
        self._settle_fill(order, fill, quote, counter=(NO_ID, NO_ID), is_maker=False, allocation_id=number)
        self.treasury.give_outside(order.symbol, fill.quantity, quote, account_buys=order.is_buy)

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

    # ------------------------------------------------------------------------------------------------- self-trades

    def prevent(self, market: Market, taker: AccountOrder, maker: Order, now_us: int) -> bool:
        """Keep orders of one owner from trading with each other; ``False`` when they may."""
        owner, accounts = maker.owner, self.treasury.accounts
        if owner is None or not are_one(accounts[taker.uid], accounts[owner.uid]):
            return False
        step = prevention(taker, owner, maker.remaining)
        if step is None:
            return False
        match = self._prevented_match(taker, owner, maker.price, step, now_us)
        if step.from_maker is not None:
            self.lists.started(owner, now_us)
        if step.from_taker is not None:
            self.lists.started(taker, now_us)
        if step.transfers:
            quote = quote_amount(maker.price, step.quantity)
            for order in (taker, owner):
                self.treasury.pay(order, self.lists.holder(order)[0], step.quantity, quote)
        if step.from_maker is not None:
            if step.from_maker == owner.remaining:
                market.book.cancel(maker.id)
            else:
                side = market.book.side(maker.is_buy)
                market.book.fill(side, side.levels[maker.price], maker, step.from_maker)
            self._lose(owner, step.from_maker, match)
        if step.from_taker is not None:
            self._lose(taker, step.from_taker, match)
        return True

    def _prevented_match(
        self, taker: AccountOrder, maker: AccountOrder, price: int, step: Prevention, now_us: int
    ) -> PreventedMatch:
        match = PreventedMatch(
            symbol=taker.symbol,
            id=self.new_id(f"prevented {taker.symbol}"),
            taker_uid=taker.uid,
            maker_uid=maker.uid,
            taker_order_id=taker.id,
            maker_order_id=maker.id,
            trade_group_id=self.treasury.accounts[taker.uid].trade_group_id,
            mode=step.mode,
            price=price,
            quantity=step.quantity,
            taker_quantity=step.from_taker,
            maker_quantity=step.from_maker,
            time_us=now_us,
        )
        for uid in {taker.uid: None, maker.uid: None}:
            self.history.prevented[uid, taker.symbol].append(match)
        return match

    def _lose(self, order: AccountOrder, quantity: int, match: PreventedMatch) -> None:
        order.prevented += quantity
        order.prevented_match_id = match.id
        if match.trade_group_id != NO_GROUP:
            order.trade_group_id = match.trade_group_id
        if not order.remaining:
            order.status = OrderStatus.EXPIRED_IN_MATCH
            self.history.close(order)
        self.hold(order)
        self.report(order, ExecutionType.TRADE_PREVENTION, match.time_us, prevented=match, prevented_quantity=quantity)
        self.lists.after_close(order, match.time_us)

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
