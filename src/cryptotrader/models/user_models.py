"""User data events: what Binance pushes about an account's orders and balances.

Amounts are exact ``Decimal``; timestamps are integers in the connection's unit (milliseconds unless asked otherwise).

Source: Binance Spot documentation, "User Data Streams".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import field

from cryptotrader.models.base_models import Model, OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import (
    ContingencyType,
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    MatchType,
    OrderStatus,
    PegOffsetType,
    PegPriceType,
    RejectReason,
    WorkingFloor,
)


class BalancePosition(Model, frozen=True, kw_only=True, gc=False):
    """What an account has of one asset."""

    asset: str = field(name="a")
    free: Decimal = field(name="f")
    locked: Decimal = field(name="l")


class AccountPositionEvent(Model, frozen=True, kw_only=True, tag_field="e", tag="outboundAccountPosition"):
    """Balances that may have changed."""

    event_time: int = field(name="E")
    update_time: int = field(name="u")
    balances: list[BalancePosition] = field(name="B")


class BalanceUpdateEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="balanceUpdate"):
    """A deposit, a withdrawal, or a transfer between accounts; ``delta`` has a sign."""

    event_time: int = field(name="E")
    asset: str = field(name="a")
    delta: Decimal = field(name="d")
    clear_time: int = field(name="T")


class ExternalLockUpdateEvent(Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="externalLockUpdate"):
    """Another system, such as collateral, locked a part of the balance or released it; ``delta`` has a sign."""

    event_time: int = field(name="E")
    asset: str = field(name="a")
    delta: Decimal = field(name="d")
    transaction_time: int = field(name="T")


class EventStreamTerminatedEvent(
    Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="eventStreamTerminated"
):
    """The subscription ended; no more events come."""

    event_time: int = field(name="E")


class ListStatusOrder(Model, frozen=True, kw_only=True, gc=False):
    """One order of a list."""

    symbol: str = field(name="s")
    order_id: int = field(name="i")
    client_order_id: str = field(name="c")


class ListStatusEvent(Model, frozen=True, kw_only=True, tag_field="e", tag="listStatus"):
    """An order list changed."""

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    order_list_id: int = field(name="g")
    contingency_type: ContingencyType = field(name="c")
    list_status_type: ListStatusType = field(name="l")
    list_order_status: ListOrderStatus = field(name="L")
    reject_reason: RejectReason = field(name="r")
    list_client_order_id: str = field(name="C")
    transaction_time: int = field(name="T")
    orders: list[ListStatusOrder] = field(name="O")


class ExecutionReportEvent(
    Model, frozen=True, kw_only=True, gc=False, tag_field="e", tag="executionReport", omit_defaults=True
):
    """An order changed; from ``working_time`` on only where it applies to the order.

    Attributes:
        order_list_id: -1 for an order that is in no list.
        original_client_order_id: On a cancellation or amendment the id before it; empty otherwise.
        last_executed_price: Of this trade; zero when the event is no trade, as are the other ``last`` amounts.
        commission_asset: ``None`` when there is no commission.
        trade_id: -1 when the event is no trade.
        is_on_book: Whether the order rests in the book.
        unused: ``M`` on the wire, to be ignored.
        counter_order_id: The other order of a prevented match.
        trailing_delta: In basis points.
    """

    event_time: int = field(name="E")
    symbol: str = field(name="s")
    client_order_id: str = field(name="c")
    side: Side = field(name="S")
    type: OrderType = field(name="o")
    time_in_force: TimeInForce = field(name="f")
    quantity: Decimal = field(name="q")
    price: Decimal = field(name="p")
    stop_price: Decimal = field(name="P")
    iceberg_quantity: Decimal = field(name="F")
    order_list_id: int = field(name="g")
    original_client_order_id: str = field(name="C")
    execution_type: ExecutionType = field(name="x")
    status: OrderStatus = field(name="X")
    reject_reason: RejectReason = field(name="r")
    order_id: int = field(name="i")
    last_executed_quantity: Decimal = field(name="l")
    executed_quantity: Decimal = field(name="z")
    last_executed_price: Decimal = field(name="L")
    commission: Decimal = field(name="n")
    commission_asset: str | None = field(name="N")
    transaction_time: int = field(name="T")
    trade_id: int = field(name="t")
    execution_id: int = field(name="I")
    is_on_book: bool = field(name="w")
    is_maker: bool = field(name="m")
    unused: bool = field(name="M")
    order_creation_time: int = field(name="O")
    cumulative_quote_quantity: Decimal = field(name="Z")
    last_quote_quantity: Decimal = field(name="Y")
    original_quote_quantity: Decimal = field(name="Q")
    self_trade_prevention_mode: SelfTradePreventionMode = field(name="V")
    working_time: int | None = field(name="W", default=None)
    prevented_match_id: int | None = field(name="v", default=None)
    prevented_quantity: Decimal | None = field(name="A", default=None)
    last_prevented_quantity: Decimal | None = field(name="B", default=None)
    trade_group_id: int | None = field(name="u", default=None)
    counter_order_id: int | None = field(name="U", default=None)
    counter_symbol: str | None = field(name="Cs", default=None)
    prevented_execution_quantity: Decimal | None = field(name="pl", default=None)
    prevented_execution_price: Decimal | None = field(name="pL", default=None)
    prevented_execution_quote_quantity: Decimal | None = field(name="pY", default=None)
    trailing_delta: int | None = field(name="d", default=None)
    trailing_time: int | None = field(name="D", default=None)
    strategy_id: int | None = field(name="j", default=None)
    strategy_type: int | None = field(name="J", default=None)
    match_type: MatchType | None = field(name="b", default=None)
    allocation_id: int | None = field(name="a", default=None)
    working_floor: WorkingFloor | None = field(name="k", default=None)
    used_sor: bool | None = field(name="uS", default=None)
    peg_price_type: PegPriceType | None = field(name="gP", default=None)
    peg_offset_type: PegOffsetType | None = field(name="gOT", default=None)
    peg_offset_value: int | None = field(name="gOV", default=None)
    pegged_price: Decimal | None = field(name="gp", default=None)
    expiry_reason: ExpiryReason | None = field(name="eR", default=None)

    @property
    def average_price(self) -> Decimal | None:
        """What the executed quantity cost on average; ``None`` while nothing is executed."""
        return self.cumulative_quote_quantity / self.executed_quantity if self.executed_quantity else None


UserDataEvent: TypeAlias = (
    ExecutionReportEvent
    | AccountPositionEvent
    | ListStatusEvent
    | BalanceUpdateEvent
    | ExternalLockUpdateEvent
    | EventStreamTerminatedEvent
)

USER_DATA_EVENTS: dict[str, type[Model]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        ExecutionReportEvent,
        AccountPositionEvent,
        ListStatusEvent,
        BalanceUpdateEvent,
        ExternalLockUpdateEvent,
        EventStreamTerminatedEvent,
    )
}
"""Every user data event by its ``e``."""


class UserDataFrame(Model, frozen=True, kw_only=True):
    """A user data event as it comes: with the subscription it belongs to."""

    subscription_id: int = field(name="subscriptionId")
    event: UserDataEvent


_decoder: msgspec.json.Decoder[UserDataEvent] = msgspec.json.Decoder(UserDataEvent)


def decode_user_data_event(event: bytes | msgspec.Raw) -> UserDataEvent:
    """Decode the ``event`` of a user data frame; ``USER_DATA_EVENTS`` tells which kinds are known.

    Raises:
        msgspec.ValidationError: It is of a kind that is not known, or not of the documented form.
    """
    return _decoder.decode(event)
