"""What happens to accounts, as facts: replies and user data events are both made of these.

Amounts are integers at 10^-8, times in microseconds. Orders and lists in them are copies of the moment.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from cryptotrader.models.base_models import SelfTradePreventionMode
from cryptotrader.models.order_models import (
    ContingencyType,
    ExecutionType,
    ListOrderStatus,
    ListStatusType,
    RejectReason,
)
from cryptotrader.simulator.venue.orders import AccountOrder

NO_ID = -1


class Execution(Struct, frozen=True, kw_only=True):
    """A fill of an account's order: a trade, or an allocation by smart order routing.

    Attributes:
        uid: Whose fill it is.
        symbol: Symbol of the order.
        trade_id: -1 for an allocation.
        allocation_id: -1 for a trade.
        order_id: The account's order.
        list_id: Its list; -1 for none.
        counter_order_id: The other side's order.
        counter_uid: The other side's account; -1 for the crowd.
        price: Price of the fill.
        quantity: Base amount.
        quote: Quote amount.
        commission: What was paid for it.
        commission_asset: In which asset.
        time_us: When.
        is_buyer: Whether the account bought.
        is_maker: Whether its order rested.
    """

    uid: int
    symbol: str
    trade_id: int
    allocation_id: int
    order_id: int
    list_id: int
    counter_order_id: int
    counter_uid: int
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    time_us: int
    is_buyer: bool
    is_maker: bool


class PreventedMatch(Struct, frozen=True, kw_only=True):
    """A trade that self-trade prevention did not let happen.

    Attributes:
        symbol: Of the taker.
        id: Unique per symbol.
        maker_symbol: Of the maker; another one where the taker was routed.
        taker_quantity: What the taker lost; ``None`` when it lost nothing.
        maker_quantity: What the maker lost; ``None`` when it lost nothing.
        quantity: What would have been traded.
    """

    symbol: str
    id: int
    taker_uid: int
    maker_uid: int
    taker_order_id: int
    maker_order_id: int
    maker_symbol: str
    trade_group_id: int
    mode: SelfTradePreventionMode
    price: int
    quantity: int
    taker_quantity: int | None
    maker_quantity: int | None
    time_us: int


class Amendment(Struct, frozen=True, kw_only=True):
    """A reduction of an order's quantity."""

    symbol: str
    order_id: int
    execution_id: int
    original_client_order_id: str
    new_client_order_id: str
    original_quantity: int
    new_quantity: int
    time_us: int


class ListKind(StrEnum):
    """Kinds of order lists by the method that places them."""

    OCO = "OCO"
    OTO = "OTO"
    OTOCO = "OTOCO"
    OPO = "OPO"
    OPOCO = "OPOCO"


class OrderList(Struct, kw_only=True):
    """A list of orders that depend on each other.

    Attributes:
        working_id: The leg that comes first; -1 for OCO.
        pair_ids: Two legs of which one ends the other; empty without.
        pending_id: The single leg that comes second; -1 without.
        locked: What is locked for the pair, or received and kept for pending legs of OPO.
    """

    uid: int
    id: int
    symbol: str
    kind: ListKind
    client_order_id: str
    created_us: int
    updated_us: int
    order_ids: tuple[int, ...]
    working_id: int = NO_ID
    pair_ids: tuple[int, ...] = ()
    pending_id: int = NO_ID
    locked: int = 0
    status_type: ListStatusType = ListStatusType.EXEC_STARTED
    order_status: ListOrderStatus = ListOrderStatus.EXECUTING

    @property
    def contingency_type(self) -> ContingencyType:
        """What Binance calls the kind in replies."""
        return ContingencyType.OCO if self.kind is ListKind.OCO else ContingencyType.OTO

    @property
    def is_open(self) -> bool:
        """Whether a leg is."""
        return self.order_status is ListOrderStatus.EXECUTING

    @property
    def pending_ids(self) -> tuple[int, ...]:
        """Legs that come second."""
        if self.working_id == NO_ID:
            return ()
        return self.pair_ids or (self.pending_id,)

    @property
    def is_paid_by_working(self) -> bool:
        """Whether the pending legs sell what the working leg received."""
        return self.kind in (ListKind.OPO, ListKind.OPOCO)


class ExecutionReport(Struct, frozen=True, kw_only=True):
    """Something happened to an order.

    Attributes:
        uid: Whose order.
        execution_type: What happened.
        execution_id: Unique and growing per symbol.
        time_us: When.
        order: The order afterwards.
        is_on_book: Whether it rests, or is about to be matched.
        original_client_order_id: Client order id before a cancellation or amendment; else empty.
        reject_reason: Why a leg was refused.
        execution: The fill.
        prevented: The prevented match.
        prevented_quantity: What the order lost to it.
    """

    uid: int
    execution_type: ExecutionType
    execution_id: int
    time_us: int
    order: AccountOrder
    is_on_book: bool
    original_client_order_id: str = ""
    reject_reason: RejectReason = RejectReason.NONE
    execution: Execution | None = None
    prevented: PreventedMatch | None = None
    prevented_quantity: int = 0

    @property
    def is_first_fill(self) -> bool:
        """Whether the order now counts as filled in the count of unfilled orders."""
        return self.execution is not None and self.order.executed == self.execution.quantity


class ListLeg(Struct, frozen=True):
    """A leg as list reports name it."""

    symbol: str
    order_id: int
    client_order_id: str


class ListStatus(Struct, frozen=True, kw_only=True):
    """Something happened to an order list; ``order_list`` is its state afterwards."""

    uid: int
    time_us: int
    order_list: OrderList
    status_type: ListStatusType
    legs: tuple[ListLeg, ...]


class AssetPosition(Struct, frozen=True):
    """A balance after a change."""

    asset: str
    free: int
    locked: int


class AccountPosition(Struct, frozen=True, kw_only=True):
    """Balances that a command changed."""

    uid: int
    time_us: int
    positions: tuple[AssetPosition, ...]


class BalanceUpdate(Struct, frozen=True, kw_only=True):
    """A deposit, or a withdrawal with a negative ``delta``."""

    uid: int
    time_us: int
    asset: str
    delta: int


class ExternalLockUpdate(Struct, frozen=True, kw_only=True):
    """Another system locked part of a balance, or unlocked it with a negative ``delta``."""

    uid: int
    time_us: int
    asset: str
    delta: int


AccountEvent = ExecutionReport | ListStatus | AccountPosition | BalanceUpdate | ExternalLockUpdate


class Placement(Struct, frozen=True, kw_only=True):
    """What placing an order led to at once."""

    order: AccountOrder
    fills: list[Execution] = field(default_factory=list)
    prevented: list[PreventedMatch] = field(default_factory=list)


class Cancellation(Struct, frozen=True, kw_only=True):
    """A cancelled order, and the client order id that it had."""

    order: AccountOrder
    original_client_order_id: str
    time_us: int


class ListPlacement(Struct, frozen=True, kw_only=True):
    """A placed list and what its legs did at once."""

    order_list: OrderList
    legs: tuple[ListLeg, ...]
    placements: list[Placement]


class ListCancellation(Struct, frozen=True, kw_only=True):
    """A cancelled list and its legs."""

    order_list: OrderList
    legs: tuple[ListLeg, ...]
    cancellations: list[Cancellation]


class AmendedOrder(Struct, frozen=True, kw_only=True):
    """An order after an amendment; ``order_list`` and its legs when it belongs to one."""

    order: AccountOrder
    original_client_order_id: str
    execution_id: int
    time_us: int
    order_list: OrderList | None = None
    legs: tuple[ListLeg, ...] = ()
