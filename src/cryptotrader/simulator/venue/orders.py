"""Orders of accounts: what is sent in, and the record that lives on. Amounts are integers at 10^-8, times in µs."""

from __future__ import annotations

from msgspec import Struct

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import (
    ExpiryReason,
    OrderStatus,
    PegOffsetType,
    PegPriceType,
    WorkingFloor,
)

STOP_LOSSES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})
TAKE_PROFITS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
CONTINGENT = STOP_LOSSES | TAKE_PROFITS
"""Types that wait for a price."""

MARKET_TYPES = frozenset({OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT})
"""Types that take whatever price there is."""

OPEN_STATUSES = frozenset({OrderStatus.NEW, OrderStatus.PENDING_NEW, OrderStatus.PARTIALLY_FILLED})
NO_LIST = -1
NEVER = -1


class NewOrder(Struct, frozen=True, kw_only=True):
    """An order as it is sent in.

    Attributes:
        symbol: In upper case.
        side: Buy or sell.
        type: Kind of order.
        time_in_force: ``None`` stands for GTC.
        price: Limit; 0 for none.
        quantity: Base amount; 0 when ``quote_quantity`` is given, and for the pending legs of an OPO list.
        quote_quantity: Quote amount to spend or receive (MARKET only).
        client_order_id: Chosen by the account; empty for one of the venue's making.
        stop_price: Trigger, or activation of a trailing stop; 0 for none.
        trailing_delta: In basis points; 0 for none.
        iceberg_quantity: Visible part; 0 for all of it.
        strategy_id: Given back in reports.
        strategy_type: Given back in reports.
        self_trade_prevention_mode: ``None`` for the symbol's default.
        peg_price_type: Which best price becomes the limit.
        peg_offset_type: Unit of ``peg_offset_value``.
        peg_offset_value: Levels deeper into the book.
    """

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    price: int = 0
    quantity: int = 0
    quote_quantity: int = 0
    client_order_id: str = ""
    stop_price: int = 0
    trailing_delta: int = 0
    iceberg_quantity: int = 0
    strategy_id: int | None = None
    strategy_type: int | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None

    @property
    def is_buy(self) -> bool:
        """Whether the base asset is bought."""
        return self.side is Side.BUY


class AccountOrder(Struct, kw_only=True):
    """An order of an account, from its acceptance on. Fields of `NewOrder` keep their meaning.

    Attributes:
        uid: Whose it is.
        id: Order id, unique per symbol.
        list_id: Order list; -1 for none.
        original_client_order_id: Client order id before a cancellation gave the order another.
        pegged_price: Limit that the peg chose; 0 while it has not.
        status: Where it is in its life.
        executed: Filled quantity.
        quote_executed: Quote amount of the fills.
        prevented: Quantity that self-trade prevention took away.
        prevented_match_id: The newest prevented match; -1 for none.
        trade_group_id: Of the account, once a match was prevented; -1 before.
        created_us: When it was accepted.
        updated_us: When it last changed.
        working_us: When it came to the book; -1 while it has not.
        trailing_us: When a trailing stop began to follow the price; -1 before.
        extreme: Best price that a trailing stop has seen.
        has_triggered: Whether a stop's price was reached.
        expiry_reason: Why it expired.
        hidden: Quantity of an iceberg order that does not show.
        lock_price: Price at which a buy order's funds are locked.
        budget: Quote amount that a working buy order at market may still spend.
        locked: What is locked for it; for legs of an OCO pair the list holds it.
        amendments: How often its quantity was reduced.
        used_sor: Whether it was routed over several books.
        working_floor: Where a routed order was last active.
    """

    uid: int
    id: int
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    quote_quantity: int
    client_order_id: str
    stop_price: int
    trailing_delta: int
    iceberg_quantity: int
    strategy_id: int | None
    strategy_type: int | None
    self_trade_prevention_mode: SelfTradePreventionMode
    peg_price_type: PegPriceType | None
    peg_offset_type: PegOffsetType | None
    peg_offset_value: int | None
    created_us: int
    updated_us: int
    list_id: int = NO_LIST
    original_client_order_id: str = ""
    pegged_price: int = 0
    status: OrderStatus = OrderStatus.NEW
    executed: int = 0
    quote_executed: int = 0
    prevented: int = 0
    prevented_match_id: int = -1
    trade_group_id: int = -1
    working_us: int = NEVER
    trailing_us: int = NEVER
    extreme: int = 0
    has_triggered: bool = False
    expiry_reason: ExpiryReason | None = None
    hidden: int = 0
    lock_price: int = 0
    budget: int = 0
    locked: int = 0
    amendments: int = 0
    used_sor: bool = False
    working_floor: WorkingFloor | None = None

    @property
    def is_buy(self) -> bool:
        """Whether the base asset is bought."""
        return self.side is Side.BUY

    @property
    def remaining(self) -> int:
        """Quantity that can still be filled."""
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it."""
        return self.status in OPEN_STATUSES

    @property
    def is_working(self) -> bool:
        """Whether it has come to the book."""
        return self.working_us != NEVER

    @property
    def is_at_market(self) -> bool:
        """Whether it takes whatever price there is."""
        return self.type in MARKET_TYPES

    @property
    def is_algo(self) -> bool:
        """Whether it waits, or waited, for a price."""
        return self.type in CONTINGENT

    @property
    def limit(self) -> int:
        """The price that it keeps to; 0 for none."""
        return self.pegged_price or self.price

    @property
    def rises_to_stop(self) -> bool:
        """Whether the stop price is reached from below."""
        return self.is_buy == (self.type in STOP_LOSSES)


def record(
    new: NewOrder, *, uid: int, number: int, client_order_id: str, mode: SelfTradePreventionMode, now_us: int
) -> AccountOrder:
    """The record of an order that is taken in."""
    return AccountOrder(
        uid=uid,
        id=number,
        symbol=new.symbol,
        side=new.side,
        type=new.type,
        time_in_force=new.time_in_force or TimeInForce.GTC,
        price=new.price,
        quantity=new.quantity,
        quote_quantity=new.quote_quantity,
        client_order_id=client_order_id,
        stop_price=new.stop_price,
        trailing_delta=new.trailing_delta,
        iceberg_quantity=new.iceberg_quantity,
        strategy_id=new.strategy_id,
        strategy_type=new.strategy_type,
        self_trade_prevention_mode=mode,
        peg_price_type=new.peg_price_type,
        peg_offset_type=new.peg_offset_type,
        peg_offset_value=new.peg_offset_value,
        created_us=now_us,
        updated_us=now_us,
    )
