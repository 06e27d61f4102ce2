"""Orders and order lists: their enums, and what the trading requests answer.

Prices and quantities are exact ``Decimal``; timestamps are integers in the connection's unit (milliseconds unless
asked otherwise). Fields that are ``None`` were not sent: most parts of an order appear only where they apply.

Sources: Binance Spot documentation, "Enums", "Trading requests" and "Order amend keep priority".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

import msgspec
from msgspec import field

from cryptotrader.models.base_models import Model, OpenEnum, OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.untagged import convert_either

# --------------------------------------------------------------------------------------------------------- enums


class OrderStatus(OpenEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PENDING_CANCEL = "PENDING_CANCEL"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class ExecutionType(OpenEnum):
    """What happened to an order; ``REPLACED`` is an amendment."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


class ExpiryReason(OpenEnum):
    """Why an order expired."""

    NONE = "NONE"
    REJECTED = "REJECTED"
    EXCHANGE_CANCELED = "EXCHANGE_CANCELED"
    OCO_TRIGGER = "OCO_TRIGGER"
    OTO_PHASE_ONE_EXPIRED = "OTO_PHASE_ONE_EXPIRED"
    UNFILLED_IOC_QUANTITY_EXPIRED = "UNFILLED_IOC_QUANTITY_EXPIRED"
    UNFILLED_FOK_ORDER_EXPIRED = "UNFILLED_FOK_ORDER_EXPIRED"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
    EXECUTION_RULE_PRICE_RANGE_EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


class RejectReason(OpenEnum):
    """Why the engine refused an order that had been accepted."""

    NONE = "NONE"
    INSUFFICIENT_BALANCES = "INSUFFICIENT_BALANCES"
    STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY = "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"
    WOULD_MATCH_IMMEDIATELY = "WOULD_MATCH_IMMEDIATELY"
    OCO_BAD_PRICES = "OCO_BAD_PRICES"


class ContingencyType(OpenEnum):
    """How the orders of a list depend on each other; ``OTO`` covers OTOCO, OPO and OPOCO."""

    OCO = "OCO"
    OTO = "OTO"


class ListStatusType(OpenEnum):
    """What happened to an order list; ``UPDATED`` is a changed client order id of a leg."""

    RESPONSE = "RESPONSE"
    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"
    ALL_DONE = "ALL_DONE"


class ListOrderStatus(OpenEnum):
    """Where an order list is in its life."""

    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"
    REJECT = "REJECT"
    CANCELING = "CANCELING"


class NewOrderRespType(OpenEnum):
    """How much a placement answers."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


class CancelReplaceMode(OpenEnum):
    """Whether the new order is placed although the cancellation failed."""

    STOP_ON_FAILURE = "STOP_ON_FAILURE"
    ALLOW_FAILURE = "ALLOW_FAILURE"


class CancelReplaceResult(OpenEnum):
    """How one half of a cancel-replace went."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"


class CancelRestrictions(OpenEnum):
    """In which status alone an order is to be cancelled."""

    ONLY_NEW = "ONLY_NEW"
    ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"


class OrderRateLimitExceededMode(OpenEnum):
    """What a cancel-replace does when too many orders are unfilled."""

    DO_NOTHING = "DO_NOTHING"
    CANCEL_ONLY = "CANCEL_ONLY"


class WorkingFloor(OpenEnum):
    """Where an order works."""

    EXCHANGE = "EXCHANGE"
    SOR = "SOR"


class MatchType(OpenEnum):
    """How a fill came about, where it was no plain match in the book."""

    ONE_PARTY_TRADE_REPORT = "ONE_PARTY_TRADE_REPORT"
    AUTO_MATCH = "AUTO_MATCH"


class AllocationType(OpenEnum):
    """What an allocation comes from."""

    SOR = "SOR"


class PegPriceType(OpenEnum):
    """What a pegged order follows: the best price of its own side, or of the opposite one."""

    PRIMARY_PEG = "PRIMARY_PEG"
    MARKET_PEG = "MARKET_PEG"


class PegOffsetType(OpenEnum):
    """Unit of a pegged order's distance."""

    PRICE_LEVEL = "PRICE_LEVEL"


# -------------------------------------------------------------------------------------------- what placements answer


class OrderConditions(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The parts of an order that are told only where they apply to it.

    Attributes:
        trailing_delta: In basis points.
        trailing_time: When the stop began to trail; -1 until then.
        pegged_price: Once known.
    """

    iceberg_quantity: Decimal | None = field(name="icebergQty", default=None)
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    trailing_time: int | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    prevented_match_id: int | None = None
    prevented_quantity: Decimal | None = None
    trade_group_id: int | None = None
    used_sor: bool | None = None
    working_floor: WorkingFloor | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_type: PegOffsetType | None = None
    peg_offset_value: int | None = None
    pegged_price: Decimal | None = None
    expiry_reason: ExpiryReason | None = None


class OrderDetails(OrderConditions, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What every answer tells of an order; an acknowledgement tells the four ids only.

    Attributes:
        order_list_id: -1 for an order that is in no list.
        original_quantity: ``None`` for a pending order of an OPO list, whose quantity is not yet known.
        working_time: When it came onto the book; -1 until then.
    """

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    price: Decimal | None = None
    original_quantity: Decimal | None = field(name="origQty", default=None)
    executed_quantity: Decimal | None = field(name="executedQty", default=None)
    original_quote_quantity: Decimal | None = field(name="origQuoteOrderQty", default=None)
    cumulative_quote_quantity: Decimal | None = field(name="cummulativeQuoteQty", default=None)
    status: OrderStatus | None = None
    time_in_force: TimeInForce | None = None
    type: OrderType | None = None
    side: Side | None = None
    working_time: int | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None


class Fill(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One trade, or with smart order routing one allocation, of a placement.

    Attributes:
        trade_id: -1 for an allocation.
        match_type: For allocations.
        allocation_id: For allocations.
    """

    match_type: MatchType | None = None
    price: Decimal
    quantity: Decimal = field(name="qty")
    commission: Decimal
    commission_asset: str
    trade_id: int
    allocation_id: int | None = field(name="allocId", default=None)


class PreventedFill(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One match that self-trade prevention kept from happening."""

    prevented_match_id: int
    maker_symbol: str | None = None
    maker_order_id: int
    price: Decimal
    taker_prevented_quantity: Decimal | None = None
    maker_prevented_quantity: Decimal | None = None


class OrderResponse(OrderDetails, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A placed order.

    With ``new_order_resp_type=ACK`` only the ids and ``transact_time`` are there, with ``RESULT`` all but ``fills`` and
    ``prevented_matches``.
    """

    transact_time: int
    fills: list[Fill] | None = None
    prevented_matches: list[PreventedFill] | None = None


# ------------------------------------------------------------------------------------- order lists and cancellations


class ListedOrder(Model, frozen=True, kw_only=True, rename="camel"):
    """One order of a list."""

    symbol: str
    order_id: int
    client_order_id: str


class OrderListSummary(Model, frozen=True, kw_only=True, rename="camel"):
    """An order list, as the answer to an amendment tells it."""

    order_list_id: int
    contingency_type: ContingencyType
    list_order_status: ListOrderStatus
    list_client_order_id: str
    symbol: str
    orders: list[ListedOrder]


class OrderList(OrderListSummary, frozen=True, kw_only=True, rename="camel"):
    """An order list."""

    list_status_type: ListStatusType
    transaction_time: int


class OrderListResponse(OrderList, frozen=True, kw_only=True, rename="camel"):
    """A placed order list, with what each of its orders answers."""

    order_reports: list[OrderResponse]


class CancelReport(OrderDetails, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A cancelled order.

    Attributes:
        original_client_order_id: The id it had; ``client_order_id`` is the one it was given by the cancellation.
    """

    original_client_order_id: str = field(name="origClientOrderId")
    transact_time: int


class OrderListCancelReport(OrderList, frozen=True, kw_only=True, rename="camel"):
    """A cancelled order list, with the report of each of its orders."""

    order_reports: list[CancelReport]


class Refusal(Model, frozen=True, kw_only=True, omit_defaults=True):
    """Why one half of a cancel-replace failed."""

    code: int
    message: str = field(name="msg")


class CancelReplaceResponse(Model, frozen=True, kw_only=True, rename="camel"):
    """How both halves of a cancel-replace went: its result, or the ``data`` of its error."""

    cancel_result: CancelReplaceResult
    new_order_result: CancelReplaceResult
    raw_cancel_response: dict[str, Any] | None = field(name="cancelResponse")
    raw_new_order_response: dict[str, Any] | None = field(name="newOrderResponse")

    @classmethod
    def from_error(cls, data: Any) -> Self:
        """From the ``data`` of ``PartiallyApplied`` or of another refusal of ``order.cancelReplace``.

        Raises:
            msgspec.ValidationError: It tells of no cancel-replace.
        """
        return msgspec.convert(data, cls)

    @property
    def cancel_response(self) -> CancelReport | OrderListCancelReport | Refusal | None:
        """What became of the old order; ``None`` when nothing was attempted."""
        raw = self.raw_cancel_response
        if raw is None:
            return None
        if self.cancel_result is CancelReplaceResult.SUCCESS:
            return convert_either(raw, CancelReport, OrderListCancelReport)
        return msgspec.convert(raw, Refusal)

    @property
    def new_order_response(self) -> OrderResponse | Refusal | None:
        """What became of the new order; ``None`` when it was not attempted."""
        raw = self.raw_new_order_response
        return None if raw is None else convert_either(raw, OrderResponse, Refusal)


# --------------------------------------------------------------------------------------------- amendments and queries


class AmendedOrder(OrderConditions, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An order after an amendment; spelt by Binance in other ways than in other answers."""

    symbol: str
    order_id: int
    order_list_id: int
    original_client_order_id: str = field(name="origClientOrderId")
    client_order_id: str
    price: Decimal
    quantity: Decimal = field(name="qty")
    executed_quantity: Decimal = field(name="executedQty")
    prevented_quantity: Decimal = field(name="preventedQty")
    original_quote_quantity: Decimal = field(name="quoteOrderQty")
    cumulative_quote_quantity: Decimal = field(name="cumulativeQuoteQty")
    status: OrderStatus
    time_in_force: TimeInForce
    type: OrderType
    side: Side
    working_time: int | None = None
    self_trade_prevention_mode: SelfTradePreventionMode


class AmendResponse(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An amended order, and its list where it has one."""

    transact_time: int
    execution_id: int
    amended_order: AmendedOrder
    list_status: OrderListSummary | None = None


class Order(OrderDetails, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An order as queries tell it; a negative ``cumulative_quote_quantity`` is unknown (old orders)."""

    time: int
    update_time: int
    is_working: bool
