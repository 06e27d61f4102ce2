"""From the parameters of requests to the orders and order lists that the venue takes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import structs

from cryptotrader.models.base_models import OrderType
from cryptotrader.protocol.request import Request
from cryptotrader.protocol.rules import wire_name
from cryptotrader.requests import OrderListPlaceRequest
from cryptotrader.simulator.api_errors import too_precise
from cryptotrader.simulator.venue.events import ListKind
from cryptotrader.simulator.venue.list_placement import NewOrderList
from cryptotrader.simulator.venue.orders import NewOrder

_DECIMALS = 8
_AMOUNTS = {
    "price": "price",
    "quantity": "quantity",
    "quote_order_qty": "quote_quantity",
    "stop_price": "stop_price",
    "iceberg_qty": "iceberg_quantity",
}
_AS_SENT = (
    "side",
    "type",
    "time_in_force",
    "strategy_id",
    "strategy_type",
    "self_trade_prevention_mode",
    "peg_price_type",
    "peg_offset_type",
    "peg_offset_value",
)
"""Parameters that have the same name and meaning in the venue."""


def units(name: str, value: Any) -> int:
    """An amount as an integer at 10^-8; 0 for one that was not sent.

    Raises:
        ApiError: It has more than eight decimals (-1111).
    """
    if value is None:
        return 0
    scaled = Decimal(value).scaleb(_DECIMALS)
    number = int(scaled)
    if number != scaled:
        raise too_precise(wire_name(name))
    return number


def new_order(request: Request[Any], prefix: str = "", **shared: Any) -> NewOrder:
    """The order, or the leg, that a request sends in.

    Args:
        request: With the parameters of ``NewOrder``.
        prefix: What the parameters of the leg begin with.
        shared: Parameters that the leg has from the whole request, or that follow from it.

    Raises:
        ApiError: An amount has more than eight decimals.
    """
    sent = structs.asdict(request)
    own_id = "client_order_id" if prefix else "new_client_order_id"
    if prefix:
        sent = {name.removeprefix(prefix): value for name, value in sent.items() if name.startswith(prefix)}
    sent |= shared
    amounts: dict[str, Any] = {
        field: units(name if name in shared else prefix + name, sent.get(name)) for name, field in _AMOUNTS.items()
    }
    as_sent: dict[str, Any] = {name: sent.get(name) for name in _AS_SENT}
    return NewOrder(
        symbol=request.symbol,  # type: ignore[attr-defined]  # every placement has one
        client_order_id=sent.get(own_id) or "",
        trailing_delta=sent.get("trailing_delta") or 0,
        **amounts,
        **as_sent,
    )


def new_list(request: Request[Any], kind: ListKind) -> NewOrderList:
    """The order list that a request sends in.

    Raises:
        ApiError: An amount has more than eight decimals.
    """
    everywhere = {"self_trade_prevention_mode": getattr(request, "self_trade_prevention_mode", None)}
    pending = everywhere | {name: getattr(request, f"pending_{name}", None) for name in ("side", "quantity")}
    pair = ("pending_above_", "pending_below_")
    if kind is ListKind.OCO:
        common = everywhere | {name: getattr(request, name) for name in ("side", "quantity")}
        legs = [new_order(request, prefix, **common) for prefix in ("above_", "below_")]
    elif kind in (ListKind.OTOCO, ListKind.OPOCO):
        legs = [
            new_order(request, "working_", **everywhere),
            *(new_order(request, prefix, **pending) for prefix in pair),
        ]
    else:
        legs = [new_order(request, "working_", **everywhere), new_order(request, "pending_", **everywhere)]
    return NewOrderList(kind=kind, legs=tuple(legs), client_order_id=_list_id(request))


def older_pair(request: OrderListPlaceRequest) -> NewOrderList:
    """The OCO pair of ``orderList.place``: a limit maker, and a stop that has a limit if one is sent.

    Raises:
        ApiError: An amount has more than eight decimals.
    """
    common: dict[str, Any] = {
        "side": request.side,
        "quantity": request.quantity,
        "self_trade_prevention_mode": request.self_trade_prevention_mode,
    }
    limit = new_order(request, "limit_", type=OrderType.LIMIT_MAKER, price=request.price, **common)
    kind = OrderType.STOP_LOSS if request.stop_limit_price is None else OrderType.STOP_LOSS_LIMIT
    stop = new_order(
        request,
        "stop_",
        type=kind,
        price=request.stop_limit_price,
        stop_price=request.stop_price,
        trailing_delta=request.trailing_delta,
        time_in_force=request.stop_limit_time_in_force,
        **common,
    )
    legs = (stop, limit) if stop.is_buy else (limit, stop)
    return NewOrderList(kind=ListKind.OCO, legs=legs, client_order_id=_list_id(request))


def _list_id(request: Request[Any]) -> str:
    return getattr(request, "list_client_order_id", None) or ""
