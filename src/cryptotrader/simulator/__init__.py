"""A Binance-compatible exchange that runs in this process or on a port of this machine."""

from cryptotrader.simulator.accounts import ExchangeAccount
from cryptotrader.simulator.faults import Fault, FaultKind
from cryptotrader.simulator.keys import ApiKey, DemoKeys, KeyType
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.simulator.server import LocalExchange

__all__ = [
    "ApiKey",
    "DemoKeys",
    "ExchangeAccount",
    "ExchangeLimits",
    "Fault",
    "FaultKind",
    "KeyType",
    "LocalExchange",
]
