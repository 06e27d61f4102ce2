"""What is known of one account from its events: open orders, order lists, balances, and what was delivered already.

Sans-I/O: events and answers go in; whether something is new, and what cannot be explained, comes out.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from cryptotrader.models.account_models import AccountStatus, AccountTrade, Balance, OwnFill
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import ExecutionType, ListOrderStatus, Order, OrderList, OrderStatus
from cryptotrader.models.user_models import (
    AccountPositionEvent,
    BalanceUpdateEvent,
    ExecutionReportEvent,
    ListStatusEvent,
    UserDataEvent,
)

REMEMBERED_IDS = 20_000
"""Executions and fills of one symbol that are recognised when they come again."""

OPEN = frozenset({OrderStatus.NEW, OrderStatus.PENDING_NEW, OrderStatus.PARTIALLY_FILLED})
NO_ID = -1
"""The trade id of an allocation, the allocation id of a trade."""

_NOT_YET = -1
_ZERO = Decimal(0)

OrderKey = tuple[str, int]
"""Symbol and order id."""


class FillKey(NamedTuple):
    """What makes a fill recognised; both orders of a trade may be the account's own."""

    symbol: str
    order_id: int
    trade_id: int
    allocation_id: int


def fill_key(fill: OwnFill | ExecutionReportEvent) -> FillKey:
    """Whether it is read back or told by an event, a fill has the same key."""
    if isinstance(fill, AccountTrade):
        return FillKey(fill.symbol, fill.order_id, fill.id, NO_ID)
    if isinstance(fill, ExecutionReportEvent):
        number = NO_ID if fill.allocation_id is None else fill.allocation_id
        return FillKey(fill.symbol, fill.order_id, fill.trade_id, number)
    return FillKey(fill.symbol, fill.order_id, NO_ID, fill.allocation_id)


class _Terms(NamedTuple):
    """What of an open order can change without being told."""

    executed: Decimal
    prevented: Decimal
    quantity: Decimal
    is_working: bool


class _Deal(NamedTuple):
    """What a fill does to balances; the commission's asset is empty where there is none."""

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
        order_lists: The open order lists' ids.
        balances: Free and locked, by asset.
        symbols: Symbols that had an order of the account since it is watched.
        routed: Those of them that had an order by smart order routing.
        last_time: Time of the newest event or answer, by the exchange's clock; 0 while there is none.
    """

    def __init__(self) -> None:
        self.order_lists: set[int] = set()
        self.balances: dict[str, Balance] = {}
        self.symbols: set[str] = set()
        self.routed: set[str] = set()
        self.last_time = 0
        self._open: dict[OrderKey, _Terms] = {}
        self._expected: set[OrderKey] = set()
        self._balances_at = 0
        self._unsettled_fills: list[_Deal] = []
        self._unsettled_changes: list[BalanceUpdateEvent] = []
        self._executions = _Seen()
        self._fills = _Seen()

    @property
    def open_orders(self) -> dict[OrderKey, Decimal]:
        """What is executed of each open order, by symbol and order id."""
        return {key: terms.executed for key, terms in self._open.items()}

    def take(self, event: UserDataEvent) -> bool:
        """Learn from an event; ``False`` when it was delivered before, as such or as a recovered fill."""
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
        self._unsettled_fills.clear()
        self._unsettled_changes.clear()

    def _take_execution(self, event: ExecutionReportEvent) -> bool:
        self.symbols.add(event.symbol)
        if not self._executions.add(event.symbol, event.execution_id):
            return False
        key = (event.symbol, event.order_id)
        self._expected.discard(key)
        if event.status in OPEN:
            self._open[key] = _terms(event)
        else:
            self._open.pop(key, None)
        if event.used_sor:
            self.routed.add(event.symbol)
        if event.execution_type is not ExecutionType.TRADE:
            return True
        is_new = self._fills.add(*fill_key(event))
        if is_new and event.transaction_time > self._balances_at:
            self._unsettled_fills.append(
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
        if (symbol, order_id) not in self._open:
            self._expected.add((symbol, order_id))

    def forget_symbol(self, symbol: str) -> None:
        """There is no such symbol, or none any more."""
        self.symbols.discard(symbol)
        self.routed.discard(symbol)
        self._expected = {key for key in self._expected if key[0] != symbol}

    def new_fills(self, fills: Iterable[OwnFill]) -> list[OwnFill]:
        """Those of the fills that were not delivered before, each once, in the order in which they happened.

        Nothing tells the order between allocations and trades of one moment: allocations come first.
        """
        new = {key: fill for fill in fills if not self._fills.has(*(key := fill_key(fill)))}
        moments = sorted(new, key=lambda key: (new[key].time, key.symbol, key.trade_id, key.allocation_id))
        return [new[key] for key in moments]

    def mark_delivered(self, fills: Iterable[OwnFill]) -> None:
        """These fills are being delivered; their events are recognised if they still come."""
        for fill in fills:
            self._fills.add(*fill_key(fill))

    def changed_orders(self, now_open: Iterable[Order]) -> tuple[list[Order], list[OrderKey]]:
        """Open orders that are new or not as they were known, and those that are open no more."""
        found = {(order.symbol, order.order_id): order for order in now_open}
        changed = [order for key, order in found.items() if self._open.get(key) != _terms(order)]
        return changed, [key for key in sorted(self._open.keys() | self._expected) if key not in found]

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
        self._open = {(each.symbol, each.order_id): _terms(each) for each in orders}
        self._expected -= self._open.keys() | set(ended)
        self.order_lists = {each.order_list_id for each in lists}
        self.balances = {each.asset: each for each in account.balances}
        self._balances_at = account.update_time
        self._unsettled_fills.clear()
        self._unsettled_changes.clear()
        self.symbols |= {symbol for symbol, _ in self._open}
        self.last_time = max(self.last_time, now)

    def unexplained(
        self, account: AccountStatus, fills: Sequence[OwnFill], assets: Mapping[str, tuple[str, str]]
    ) -> dict[str, tuple[Decimal, Decimal]]:
        """Balances that the fills do not explain: expected and found totals, by asset.

        Args:
            account: The balances now.
            fills: What was traded up to then and was not told by events.
            assets: Base and quote asset of each symbol that was traded.
        """
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for each in self.balances.values():
            totals[each.asset] += each.free + each.locked
        for change in self._unsettled_changes:
            totals[change.asset] += change.delta
        for deal in [*self._unsettled_fills, *map(_deal, fills)]:
            if deal.symbol not in assets:
                continue  # not traded any more
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


def _deal(fill: OwnFill) -> _Deal:
    return _Deal(fill.symbol, fill.is_buyer, fill.quantity, fill.quote_quantity, fill.commission, fill.commission_asset)


def _terms(order: ExecutionReportEvent | Order) -> _Terms:
    quantity = order.quantity if isinstance(order, ExecutionReportEvent) else order.original_quantity
    is_pending = order.status is OrderStatus.PENDING_NEW  # the quantity may still have to be settled
    return _Terms(
        order.executed_quantity or _ZERO,
        order.prevented_quantity or _ZERO,
        _ZERO if is_pending or quantity is None else quantity,
        is_working=order.working_time not in (None, _NOT_YET),
    )
