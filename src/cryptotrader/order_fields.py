"""The optional parameters of orders as keyword arguments, named as the requests name them."""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict

from cryptotrader.models.base_models import SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelRestrictions,
    NewOrderRespType,
    OrderRateLimitExceededMode,
    PegOffsetType,
    PegPriceType,
)
from cryptotrader.requests import (
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
)

OrderListRequest = (
    OrderListPlaceOcoRequest
    | OrderListPlaceOtoRequest
    | OrderListPlaceOtocoRequest
    | OrderListPlaceOpoRequest
    | OrderListPlaceOpocoRequest
)
"""Any list that can be placed."""


class OrderFields(TypedDict, total=False):
    """What ``order.place`` takes beside symbol, side and type."""

    time_in_force: TimeInForce
    price: Decimal | str
    quantity: Decimal | str
    quote_order_qty: Decimal | str
    new_client_order_id: str
    new_order_resp_type: NewOrderRespType
    stop_price: Decimal | str
    trailing_delta: int
    iceberg_qty: Decimal | str
    strategy_id: int
    strategy_type: int
    self_trade_prevention_mode: SelfTradePreventionMode
    peg_price_type: PegPriceType
    peg_offset_value: int
    peg_offset_type: PegOffsetType


class ExtraFields(TypedDict, total=False):
    """What the shorter ways to place an order take beside their own parameters."""

    new_client_order_id: str
    new_order_resp_type: NewOrderRespType
    iceberg_qty: Decimal | str
    strategy_id: int
    strategy_type: int
    self_trade_prevention_mode: SelfTradePreventionMode
    peg_price_type: PegPriceType
    peg_offset_value: int
    peg_offset_type: PegOffsetType


class RoutedFields(TypedDict, total=False):
    """What ``sor.order.place`` takes beside symbol, side, type and quantity."""

    time_in_force: TimeInForce
    price: Decimal | str
    new_client_order_id: str
    new_order_resp_type: NewOrderRespType
    iceberg_qty: Decimal | str
    strategy_id: int
    strategy_type: int
    self_trade_prevention_mode: SelfTradePreventionMode


class ReplaceFields(OrderFields, total=False):
    """What ``order.cancelReplace`` takes beside the old order and the new one's type."""

    side: Side
    cancel_replace_mode: CancelReplaceMode
    cancel_new_client_order_id: str
    cancel_restrictions: CancelRestrictions
    order_rate_limit_exceeded_mode: OrderRateLimitExceededMode
