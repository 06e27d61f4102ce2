"""What connections take from outside: sockets, clocks, chance, and budgets that all of a process share."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptotrader.protocol.limits import OrderBudget, SlidingBudget, WeightBudget, connection_budget
from cryptotrader.transport.base import Dialer
from cryptotrader.transport.picows import dial as dial_socket


@dataclass
class AddressBudgets:
    """What Binance counts per address, shared by all connections of a process to one host.

    Attributes:
        connections: Connection attempts.
        weights: Request weight.
        orders: Unfilled orders, by API key: Binance counts them for each account.
    """

    connections: SlidingBudget = field(default_factory=connection_budget)
    weights: WeightBudget = field(default_factory=WeightBudget)
    orders: defaultdict[str, OrderBudget] = field(default_factory=lambda: defaultdict(OrderBudget))


_budgets: dict[str, AddressBudgets] = {}


def budgets_for(url: str) -> AddressBudgets:
    """The budgets of this process for the host of ``url``."""
    return _budgets.setdefault(urlsplit(url).netloc, AddressBudgets())


@dataclass(frozen=True)
class Environment:
    """What connections take from outside, so that tests can put it in place.

    Attributes:
        dial: Opens connections.
        budgets: Finds the budgets of a URL's host.
        random: Evenly distributed numbers in [0, 1), for jitter.
        wall_clock: Unix time in seconds.
    """

    dial: Dialer = dial_socket
    budgets: Callable[[str], AddressBudgets] = budgets_for
    random: Callable[[], float] = random.random
    wall_clock: Callable[[], float] = time.time
