"""Requests of the group ``trading``, one file each."""

from cryptotrader.requests.trading.open_orders_cancel_all import OpenOrdersCancelAllRequest
from cryptotrader.requests.trading.order_amend_keep_priority import OrderAmendKeepPriorityRequest
from cryptotrader.requests.trading.order_cancel import OrderCancelRequest
from cryptotrader.requests.trading.order_cancel_replace import OrderCancelReplaceRequest
from cryptotrader.requests.trading.order_list_cancel import OrderListCancelRequest
from cryptotrader.requests.trading.order_list_place import OrderListPlaceRequest
from cryptotrader.requests.trading.order_list_place_oco import OrderListPlaceOcoRequest
from cryptotrader.requests.trading.order_list_place_opo import OrderListPlaceOpoRequest
from cryptotrader.requests.trading.order_list_place_opoco import OrderListPlaceOpocoRequest
from cryptotrader.requests.trading.order_list_place_oto import OrderListPlaceOtoRequest
from cryptotrader.requests.trading.order_list_place_otoco import OrderListPlaceOtocoRequest
from cryptotrader.requests.trading.order_place import OrderPlaceRequest
from cryptotrader.requests.trading.order_test import OrderTestRequest
from cryptotrader.requests.trading.sor_order_place import SorOrderPlaceRequest
from cryptotrader.requests.trading.sor_order_test import SorOrderTestRequest

__all__ = [
    "OpenOrdersCancelAllRequest",
    "OrderAmendKeepPriorityRequest",
    "OrderCancelReplaceRequest",
    "OrderCancelRequest",
    "OrderListCancelRequest",
    "OrderListPlaceOcoRequest",
    "OrderListPlaceOpoRequest",
    "OrderListPlaceOpocoRequest",
    "OrderListPlaceOtoRequest",
    "OrderListPlaceOtocoRequest",
    "OrderListPlaceRequest",
    "OrderPlaceRequest",
    "OrderTestRequest",
    "SorOrderPlaceRequest",
    "SorOrderTestRequest",
]
