"""Requests of the group ``general``, one file each."""

from cryptotrader.requests.general.exchange_info import ExchangeInfoRequest
from cryptotrader.requests.general.execution_rules import ExecutionRulesRequest
from cryptotrader.requests.general.ping import PingRequest
from cryptotrader.requests.general.time import TimeRequest

__all__ = [
    "ExchangeInfoRequest",
    "ExecutionRulesRequest",
    "PingRequest",
    "TimeRequest",
]
