"""Requests of the group ``account``, one file each."""

from cryptotrader.requests.account.account_commission import AccountCommissionRequest
from cryptotrader.requests.account.account_rate_limits_orders import AccountRateLimitsOrdersRequest
from cryptotrader.requests.account.account_status import AccountStatusRequest
from cryptotrader.requests.account.all_order_lists import AllOrderListsRequest
from cryptotrader.requests.account.all_orders import AllOrdersRequest
from cryptotrader.requests.account.my_allocations import MyAllocationsRequest
from cryptotrader.requests.account.my_filters import MyFiltersRequest
from cryptotrader.requests.account.my_prevented_matches import MyPreventedMatchesRequest
from cryptotrader.requests.account.my_trades import MyTradesRequest
from cryptotrader.requests.account.open_order_lists_status import OpenOrderListsStatusRequest
from cryptotrader.requests.account.open_orders_status import OpenOrdersStatusRequest
from cryptotrader.requests.account.order_amendments import OrderAmendmentsRequest
from cryptotrader.requests.account.order_list_status import OrderListStatusRequest
from cryptotrader.requests.account.order_status import OrderStatusRequest

__all__ = [
    "AccountCommissionRequest",
    "AccountRateLimitsOrdersRequest",
    "AccountStatusRequest",
    "AllOrderListsRequest",
    "AllOrdersRequest",
    "MyAllocationsRequest",
    "MyFiltersRequest",
    "MyPreventedMatchesRequest",
    "MyTradesRequest",
    "OpenOrderListsStatusRequest",
    "OpenOrdersStatusRequest",
    "OrderAmendmentsRequest",
    "OrderListStatusRequest",
    "OrderStatusRequest",
]
