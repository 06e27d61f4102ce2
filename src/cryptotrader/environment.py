"""What connections take from outside: sockets, clocks, chance, and the budgets that all of a process share."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptotrader.protocol.limits import AddressBudgets
from cryptotrader.transport.base import Dialer
from cryptotrader.transport.picows import dial as dial_socket

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
        clock_ns: Unix time in nanoseconds.
    """

    dial: Dialer = dial_socket
    budgets: Callable[[str], AddressBudgets] = budgets_for
    random: Callable[[], float] = random.random
    clock_ns: Callable[[], int] = time.time_ns
