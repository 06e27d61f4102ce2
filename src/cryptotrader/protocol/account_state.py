"""What is known of one account from its events: open orders, order lists, balances, and what was delivered already.

Sans-I/O: events and answers go in; whether something is new, and what cannot be explained, comes out.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from cryptotrader.models.account_models import AccountStatus, AccountTrade, Balance
from cryptotrader.models.order_models import ListOrderStatus, Order, OrderList, OrderStatus
from cryptotrader.models.user_models import (
    AccountPositionEvent,
    ExecutionReportEvent,
    ListStatusEvent,
    UserDataEvent,
)

REMEMBERED_IDS = 20_000
"""Executions and trades of one symbol that are recognised when they come again."""

OPEN = frozenset({OrderStatus.NEW, OrderStatus.PENDING_NEW, OrderStatus.PARTIALLY_FILLED})
_ZERO = Decimal(0)

OrderKey = tuple[str, int]
"""Symbol and order id."""

TradeKey = tuple[str, int, int]
"""Symbol, trade id and order id: both orders of a trade may be the account's own."""


class _Seen:
    """The newest ids of each symbol."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, OrderedDict[tuple[int, ...], None]] = defaultdict(OrderedDict)

    def add(self, symbol: str, *numbers: int) -> bool:
        """Remember an id; ``False`` when it was known."""
        if self.has(symbol, *numbers):
            return False
        ids = self._ids[symbol]
        ids[numbers] = None
        if len(ids) > REMEMBERED_IDS:
            ids.popitem(last=False)
        return True

    def has(self, symbol: str, *numbers: int) -> bool:
        """Whether an id is remembered."""
        return numbers in self._ids[symbol]


class AccountState:
    """One account.

    Attributes:
        open_orders: What is executed of each open order, by symbol and order id.
        order_lists: The open order lists' ids.
        balances: Free and locked, by asset.
        symbols: Symbols that had an order of the account since it is watched.
        last_time: Time of the newest event or answer, by the exchange's clock; 0 while there is none.
    """

    def __init__(self) -> None:
        self.open_orders: dict[OrderKey, Decimal] = {}
        self.order_lists: set[int] = set()
        self.balances: dict[str, Balance] = {}
        self.symbols: set[str] = set()
        self.last_time = 0
        self._executions = _Seen()
        self._trades = _Seen()

    def take(self, event: UserDataEvent) -> bool:
        """Learn from an event; ``False`` when it was delivered before, as such or as a recovered trade."""
        self.last_time = max(self.last_time, event.event_time)
        if isinstance(event, ExecutionReportEvent):
            return self._take_execution(event)
        if isinstance(event, AccountPositionEvent):
            for each in event.balances:
                self.balances[each.asset] = Balance(asset=each.asset, free=each.free, locked=each.locked)
        elif isinstance(event, ListStatusEvent):
            done = event.list_order_status is not ListOrderStatus.EXECUTING
            (self.order_lists.discard if done else self.order_lists.add)(event.order_list_id)
        return True

    def _take_execution(self, event: ExecutionReportEvent) -> bool:
        self.symbols.add(event.symbol)
        key = (event.symbol, event.order_id)
        if event.status in OPEN:
            self.open_orders[key] = event.executed_quantity
        else:
            self.open_orders.pop(key, None)
        is_new = self._executions.add(event.symbol, event.execution_id)
        if event.trade_id < 0:
            return is_new
        return self._trades.add(event.symbol, event.trade_id, event.order_id) and is_new

    def new_trades(self, trades: Iterable[AccountTrade]) -> dict[TradeKey, AccountTrade]:
        """Those of the trades that were not delivered before, in the order in which they happened."""
        new = [trade for trade in trades if not self._trades.has(trade.symbol, trade.id, trade.order_id)]
        ordered = sorted(new, key=lambda trade: (trade.time, trade.symbol, trade.id))
        return {(trade.symbol, trade.id, trade.order_id): trade for trade in ordered}

    def mark_delivered(self, trades: Iterable[TradeKey]) -> None:
        """These trades are being delivered; their events are recognised if they still come."""
        for symbol, number, order_id in trades:
            self._trades.add(symbol, number, order_id)

    def changed_orders(self, now_open: Iterable[Order]) -> tuple[list[Order], list[OrderKey]]:
        """Open orders that are new or further executed than was known, and those that are open no more."""
        found = {(order.symbol, order.order_id): order for order in now_open}
        changed = [order for key, order in found.items() if self.open_orders.get(key) != order.executed_quantity]
        return changed, [key for key in self.open_orders if key not in found]

    def restart(self, orders: Iterable[Order], lists: Iterable[OrderList], account: AccountStatus, now: int) -> None:
        """Take over what was read anew."""
        self.open_orders = {(each.symbol, each.order_id): each.executed_quantity or _ZERO for each in orders}
        self.order_lists = {each.order_list_id for each in lists}
        self.balances = {each.asset: each for each in account.balances}
        self.symbols |= {symbol for symbol, _ in self.open_orders}
        self.last_time = max(self.last_time, now)

    def unexplained(
        self, account: AccountStatus, trades: Iterable[AccountTrade], assets: Mapping[str, tuple[str, str]]
    ) -> dict[str, tuple[Decimal, Decimal]]:
        """Balances that the trades do not explain: expected and found totals, by asset.

        Args:
            account: The balances now.
            trades: Everything that was traded since the balances were known.
            assets: Base and quote asset of each symbol.
        """
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for each in self.balances.values():
            totals[each.asset] += each.free + each.locked
        for trade in trades:
            base, quote = assets[trade.symbol]
            sign = 1 if trade.is_buyer else -1
            totals[base] += sign * trade.quantity
            totals[quote] -= sign * trade.quote_quantity
            totals[trade.commission_asset] -= trade.commission
        found: defaultdict[str, Decimal] = defaultdict(Decimal)
        for balance in account.balances:
            found[balance.asset] = balance.free + balance.locked
        return {
            asset: (totals[asset], found[asset])
            for asset in sorted(totals.keys() | found.keys())
            if totals[asset] != found[asset]
        }
