"""Faults as the user of a diagnostic meets them: over real sockets, reported by a process of its own.

Each kind of fault is in ``tests/pair/test_diagnostics_under_faults.py``. Here are some in which nothing but the fault can
end the test, so that it makes no difference how fast the machine is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from cryptotrader.testing import RunningExchange
from diagnostic_terminal import NEVER, Terminal
from waiting import eventually

BASE, STREAMS = "binance_websocket_diagnostic", "market_stream_diagnostic"
AN_HOUR = 3600.0
TRADES = "btcusdt@trade"


@dataclass(frozen=True)
class Case:
    """Faults, and what a test must make of them.

    Attributes:
        script: The diagnostic.
        test: Its test.
        outcome: What is reported.
        detail: A part of what is told.
        lasting: A fault from before the start.
        at_once: One that befalls the connection once trades are subscribed. Until then, and a little longer, none come.
    """

    script: str
    test: str
    outcome: str
    detail: str
    lasting: dict | None = None
    at_once: dict | None = None

    def __str__(self):
        return f"{(self.lasting or self.at_once)['fault']}-{self.test}-{self.outcome}"


CASES = [
    Case(BASE, "streams_connect", "failed", "HTTP status 503", {"fault": "refuse", "seconds": AN_HOUR}),
    Case(BASE, "api_connects", "failed", "gave up after 3 attempts", {"fault": "refuse", "seconds": AN_HOUR, "tcp": True}),
    Case(BASE, "requests_in_flight", "failed", "this address is banned", {"fault": "ban", "seconds": 3 * AN_HOUR}),
    Case(STREAMS, "dense_trades", "failed", "DecodeFailed", at_once={"fault": "garbage", "binary": True}),
    Case(STREAMS, "dense_trades", "healed", "10 trades", at_once={"fault": "torn"}),
    Case(STREAMS, "dense_trades", "healed", "received twice: ", {"fault": "duplicate", "connection": "stream"}),
    Case(BASE, "requests_in_flight", "passed", "20 answers", {"fault": "duplicate", "connection": "api"}),
]  # fmt: skip


def carries_trades(exchange):
    """Whether a client has subscribed to trades."""
    inside = exchange._exchange._surroundings
    return exchange._in_its_loop(lambda: any(session.carries(TRADES) for session in inside.sessions))


def befall(exchange, fault):
    exchange.fault(fault["fault"], **{key: value for key, value in fault.items() if key != "fault"})


def suffer(case):
    """Run a case's test against an exchange with its fault; gives the exit code and the test's record."""
    exchange = RunningExchange(rate=50, symbols=["BTCUSDT"])
    try:
        befall(exchange, case.lasting or {"fault": "skip", "stream": TRADES})
        terminal = Terminal(case.script, "--only", case.test, "--json", "--timeout", NEVER, port=exchange.port)
        if case.at_once is not None:
            eventually(lambda: carries_trades(exchange), "subscription")
            befall(exchange, case.at_once)
            exchange.clear_faults()
        ended = terminal.end()
        eventually(lambda: exchange.connections == 0, "end of the connections")
    finally:
        exchange.stop()
    return ended.code, ended.report["tests"][0]


@pytest.fixture(scope="module")
def records():
    """What each case led to; they run side by side."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(map(str, CASES), pool.map(suffer, CASES), strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is(case, records):
    code, record = records[str(case)]

    assert record["outcome"] == case.outcome, record
    assert case.detail in record["detail"]
    assert code == (1 if case.outcome == "failed" else 0)
    assert not record["traceback"]
