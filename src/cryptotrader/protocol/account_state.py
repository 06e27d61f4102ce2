"""What is known of one account from its events: open orders, order lists, balances, and what was delivered already.

Sans-I/O: events and answers go in; whether something is new, and what cannot be explained, comes out.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from cryptotrader.models.account_models import AccountStatus, AccountTrade, Balance
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import ListOrderStatus, Order, OrderList, OrderStatus
from cryptotrader.models.user_models import (
    AccountPositionEvent,
    BalanceUpdateEvent,
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


def trade_key(trade: AccountTrade) -> TradeKey:
    """What makes a trade recognised."""
    return trade.symbol, trade.id, trade.order_id


class _Deal(NamedTuple):
    """What a trade does to balances; the commission's asset is empty where there is none."""

    symbol: str
    is_buyer: bool
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str


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
        self._expected: set[OrderKey] = set()
        self._balances_at = 0
        self._unsettled_trades: list[_Deal] = []
        self._unsettled_changes: list[BalanceUpdateEvent] = []
        self._executions = _Seen()
        self._trades = _Seen()

    def take(self, event: UserDataEvent) -> bool:
        """Learn from an event; ``False`` when it was delivered before, as such or as a recovered trade."""
        self.last_time = max(self.last_time, event.event_time)
        if isinstance(event, ExecutionReportEvent):
            return self._take_execution(event)
        if isinstance(event, AccountPositionEvent):
            self._take_position(event)
        elif isinstance(event, BalanceUpdateEvent):
            self._unsettled_changes.append(event)
        elif isinstance(event, ListStatusEvent):
            done = event.list_order_status is not ListOrderStatus.EXECUTING
            (self.order_lists.discard if done else self.order_lists.add)(event.order_list_id)
        return True

    def _take_position(self, event: AccountPositionEvent) -> None:
        if event.update_time < self._balances_at:
            return  # what was read anew is newer
        for each in event.balances:
            self.balances[each.asset] = Balance(asset=each.asset, free=each.free, locked=each.locked)
        # Binance tells of balances after the executions and transfers that changed them
        self._unsettled_trades.clear()
        self._unsettled_changes.clear()

    def _take_execution(self, event: ExecutionReportEvent) -> bool:
        self.symbols.add(event.symbol)
        if not self._executions.add(event.symbol, event.execution_id):
            return False
        key = (event.symbol, event.order_id)
        self._expected.discard(key)
        if event.status in OPEN:
            self.open_orders[key] = event.executed_quantity
        else:
            self.open_orders.pop(key, None)
        if event.trade_id < 0:
            return True
        is_new = self._trades.add(event.symbol, event.trade_id, event.order_id)
        if is_new and event.transaction_time > self._balances_at:
            self._unsettled_trades.append(
                _Deal(
                    event.symbol,
                    event.side is Side.BUY,
                    event.last_executed_quantity,
                    event.last_quote_quantity,
                    event.commission,
                    event.commission_asset or "",
                )
            )
        return is_new

    def expect(self, symbol: str, order_id: int) -> None:
        """An order was placed: whether or not its events come, it is read back after an interruption."""
        self.symbols.add(symbol)
        if (symbol, order_id) not in self.open_orders:
            self._expected.add((symbol, order_id))

    def new_trades(self, trades: Iterable[AccountTrade]) -> list[AccountTrade]:
        """Those of the trades that were not delivered before, each once, in the order in which they happened."""
        new = {
            trade_key(trade): trade for trade in trades if not self._trades.has(trade.symbol, trade.id, trade.order_id)
        }
        return sorted(new.values(), key=lambda trade: (trade.time, trade.symbol, trade.id))

    def mark_delivered(self, trades: Iterable[AccountTrade]) -> None:
        """These trades are being delivered; their events are recognised if they still come."""
        for trade in trades:
            self._trades.add(*trade_key(trade))

    def changed_orders(self, now_open: Iterable[Order]) -> tuple[list[Order], list[OrderKey]]:
        """Open orders that are new or further executed than was known, and those that are open no more."""
        found = {(order.symbol, order.order_id): order for order in now_open}
        changed = [order for key, order in found.items() if self.open_orders.get(key) != order.executed_quantity]
        return changed, [key for key in sorted(self.open_orders.keys() | self._expected) if key not in found]

    def restart(
        self,
        orders: Iterable[Order],
        ended: Iterable[OrderKey],
        lists: Iterable[OrderList],
        account: AccountStatus,
        now: int,
    ) -> None:
        """Take over what was read anew.

        Args:
            orders: The open orders.
            ended: Orders that are open no more.
            lists: The open order lists.
            account: The balances.
            now: The exchange's time before anything was read.
        """
        self.open_orders = {(each.symbol, each.order_id): each.executed_quantity or _ZERO for each in orders}
        self._expected -= self.open_orders.keys() | set(ended)
        self.order_lists = {each.order_list_id for each in lists}
        self.balances = {each.asset: each for each in account.balances}
        self._balances_at = account.update_time
        self._unsettled_trades.clear()
        self._unsettled_changes.clear()
        self.symbols |= {symbol for symbol, _ in self.open_orders}
        self.last_time = max(self.last_time, now)

    def symbols_of_unsettled(self) -> set[str]:
        """Symbols of trades that came before the balances after them."""
        return {deal.symbol for deal in self._unsettled_trades}

    def unexplained(
        self, account: AccountStatus, trades: Sequence[AccountTrade], assets: Mapping[str, tuple[str, str]]
    ) -> dict[str, tuple[Decimal, Decimal]]:
        """Balances that the trades do not explain: expected and found totals, by asset.

        Args:
            account: The balances now.
            trades: What was traded up to then and was not told by events.
            assets: Base and quote asset of each symbol that was traded.
        """
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for each in self.balances.values():
            totals[each.asset] += each.free + each.locked
        for change in self._unsettled_changes:
            totals[change.asset] += change.delta
        for deal in [*self._unsettled_trades, *map(_deal, trades)]:
            base, quote = assets[deal.symbol]
            sign = 1 if deal.is_buyer else -1
            totals[base] += sign * deal.quantity
            totals[quote] -= sign * deal.quote_quantity
            totals[deal.commission_asset] -= deal.commission
        found: defaultdict[str, Decimal] = defaultdict(Decimal)
        for balance in account.balances:
            found[balance.asset] = balance.free + balance.locked
        return {
            asset: (totals[asset], found[asset])
            for asset in sorted(totals.keys() | found.keys())
            if totals[asset] != found[asset]
        }


def _deal(trade: AccountTrade) -> _Deal:
    return _Deal(
        trade.symbol,
        trade.is_buyer,
        trade.quantity,
        trade.quote_quantity,
        trade.commission,
        trade.commission_asset,
    )
