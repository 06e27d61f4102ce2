"""Faults of every kind at random times, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from cryptotrader.simulator import LocalExchange


def random_fault(dice: random.Random) -> tuple[str, dict[str, Any]]:
    """One fault that may come at any time, for an exchange with BTCUSDT and ETHUSDT."""
    stream = dice.choice(["btcusdt@trade", "ethusdt@trade"])
    connection = dice.choice(["stream", "api"])
    return dice.choice(
        [
            ("drop", {}),
            ("drop", {"connection": connection}),
            ("torn", {"connection": connection}),
            ("half_open", {"connection": connection}),
            ("stall", {"connection": connection, "seconds": dice.uniform(0.1, 8)}),
            ("garbage", {"connection": connection, "binary": dice.random() < 0.5}),
            ("server_shutdown", {"connection": connection, "seconds": dice.uniform(0.1, 5)}),
            ("delay", {"stream": stream, "count": dice.randint(1, 50), "seconds": dice.uniform(0.01, 3)}),
            ("duplicate", {"stream": stream, "count": dice.randint(1, 50)}),
            ("reorder", {"stream": stream, "count": dice.randint(1, 50)}),
            ("skip", {"stream": stream, "count": dice.randint(1, 50), "probability": 0.5}),
            ("skip", {"connection": "api", "count": dice.randint(1, 3)}),
            ("refuse", {"seconds": dice.uniform(0.1, 4)}),
            ("rate_limit", {"count": dice.randint(1, 3), "seconds": dice.uniform(0.1, 3)}),
            ("ban", {"seconds": dice.uniform(0.1, 4)}),
        ]
    )


def storm(
    dice: random.Random, exchange: LocalExchange, first: float, last: float, count: int
) -> list[tuple[float, Callable[[], None]]]:
    """Faults between two times, each as a delay and what to do then."""
    faults = [random_fault(dice) for _ in range(count)]
    return [
        (dice.uniform(first, last), lambda kind=kind, where=where: exchange.fault(kind, **where))
        for kind, where in faults
    ]
