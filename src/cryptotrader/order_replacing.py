"""What a cancel-replace asks for, and what its answer says of both halves.

Source: Binance Spot documentation, "Trading requests", "Cancel and replace order".
"""

from __future__ import annotations

import msgspec

from cryptotrader.errors import RequestInvalid, RequestRejected
from cryptotrader.models.base_models import OrderType, TimeInForce
from cryptotrader.models.order_models import CancelReplaceMode, CancelReplaceResponse, CancelReplaceResult
from cryptotrader.order_fields import ReplaceFields
from cryptotrader.placed_order import PlacedOrder
from cryptotrader.requests import OrderCancelReplaceRequest


def replacement(
    order: PlacedOrder,
    type: OrderType | None,  # noqa: A002 - Binance's word
    fields: ReplaceFields,
) -> OrderCancelReplaceRequest:
    """The request that replaces an order, by default by one of the same side and type."""
    wanted = ReplaceFields(cancel_replace_mode=CancelReplaceMode.STOP_ON_FAILURE)
    wanted.update(fields)
    side, kind = wanted.get("side", order.side), type or order.type
    if side is None or kind is None:
        raise RequestInvalid("side and type of the new order are needed: the old one's are not known")
    wanted["side"] = side
    if kind is OrderType.LIMIT:
        wanted.setdefault("time_in_force", TimeInForce.GTC)
    return OrderCancelReplaceRequest(
        symbol=order.symbol,
        cancel_order_id=order.order_id,
        cancel_orig_client_order_id=order.client_order_id if order.order_id is None else None,
        type=kind,
        **wanted,
    )


def halves_done(error: RequestRejected) -> CancelReplaceResponse | None:
    """How a refused cancel-replace went, where one half took effect; ``None`` where none did, or it cannot be read."""
    try:
        outcome = CancelReplaceResponse.from_error(error.data)
        _ = outcome.cancel_response, outcome.new_order_response
    except msgspec.ValidationError:
        return None
    done = CancelReplaceResult.SUCCESS in (outcome.cancel_result, outcome.new_order_result)
    return outcome if done else None
