"""A Binance-compatible exchange that runs in this process or on a port of this machine."""

from cryptotrader.simulator.faults import Fault, FaultKind
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.simulator.server import LocalExchange

__all__ = ["ExchangeLimits", "Fault", "FaultKind", "LocalExchange"]
