"""Each fault of the exchange, and what the diagnostics make of it: red, or healed where the library repairs it."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from cryptotrader.simulator.faults import AT_ONCE, FaultKind
from cryptotrader.testing import RunningExchange
from diagnostic_terminal import Terminal, key_of, wait_until

BASE, STREAMS, REQUESTS = "binance_websocket_diagnostic", "market_stream_diagnostic", "market_diagnostic"
ORDERS, USER = "order_stream_diagnostic", "user_stream_diagnostic"
SESSION, ACCOUNT, TRADING = "session_diagnostic", "account_diagnostic", "trading_diagnostic"
SLOW_REPLIES = {"fault": "delay", "connection": "api", "seconds": 0.3}


@dataclass(frozen=True)
class Case:
    """A fault, and what a test must make of it.

    Attributes:
        script: The diagnostic.
        test: Its test.
        fault: What goes wrong, as in ``Fault``.
        outcome: What is reported.
        detail: A part of what is told.
        how: ``lasting`` from before the start; of connections: ``once`` after some data, or ``again and again``.
        beside: Another fault, so that the first one meets a request on its way.
        timeout: Of the diagnostic.
    """

    script: str
    test: str
    fault: dict
    outcome: str
    detail: str
    how: str = "lasting"
    beside: dict | None = None
    timeout: float = 1.0

    def __str__(self):
        return f"{self.fault['fault']}-{self.how}-{self.test}-{self.outcome}".replace(" ", "_")


def stream(kind, **options):
    return {"fault": kind, "connection": "stream", **options}


def api(kind, **options):
    return {"fault": kind, "connection": "api", **options}


AGAIN, ONCE = "again and again", "once"
RED = [
    Case(BASE, "streams_connect", {"fault": "refuse", "seconds": 60.0}, "failed", "HTTP status 503"),
    Case(BASE, "api_connects", {"fault": "refuse", "seconds": 60.0, "tcp": True}, "failed", "gave up after 3 attempts"),
    Case(BASE, "api_connects", {"fault": "ban", "seconds": 60.0}, "failed", "this address is banned"),
    Case(REQUESTS, "depth", {"fault": "rate_limit", "seconds": 5.0}, "failed", "RateLimited"),
    Case(BASE, "round_trip", api("drop"), "failed", "OutcomeUnknown", AGAIN, SLOW_REPLIES),
    Case(BASE, "round_trip", api("torn"), "failed", "OutcomeUnknown", AGAIN, SLOW_REPLIES),
    Case(BASE, "round_trip", api("half_open"), "failed", "no reply in time", AGAIN, SLOW_REPLIES),
    Case(BASE, "round_trip", api("stall", seconds=60.0), "failed", "no reply in time", AGAIN, SLOW_REPLIES),
    Case(REQUESTS, "ping", api("garbage", binary=True), "failed", "frames were not JSON", AGAIN, SLOW_REPLIES),
    Case(REQUESTS, "klines", api("skip"), "failed", "no reply in time"),
    Case(BASE, "round_trip", api("delay", seconds=3.0), "failed", "no reply in time"),
    Case(STREAMS, "order_book", stream("drop"), "failed", "no 10 changes of the book", AGAIN, timeout=2.0),
    Case(STREAMS, "order_book", stream("torn"), "failed", "no 10 changes of the book", AGAIN, timeout=2.0),
    Case(STREAMS, "dense_trades", stream("half_open"), "failed", "no event", AGAIN, timeout=1.0),
    Case(STREAMS, "dense_trades", stream("stall", seconds=60.0), "failed", "no event", AGAIN, timeout=1.0),
    Case(STREAMS, "dense_trades", stream("garbage"), "failed", "DecodeFailed", AGAIN, timeout=3.0),
    Case(STREAMS, "trade", stream("delay", seconds=2.1), "failed", "late: the event is 2.", timeout=5.0),
    Case(STREAMS, "trade", stream("duplicate"), "failed", "trade ids are not dense", timeout=3.0),
    Case(STREAMS, "trade", stream("reorder"), "failed", "trade ids are not dense", timeout=3.0),
    Case(STREAMS, "depth_100ms", stream("skip", probability=0.5), "failed", "updates are missing", timeout=3.0),
    Case(STREAMS, "dense_trades", stream("skip"), "failed", "no event"),
    Case(ORDERS, "place_and_cancel", {"fault": "timeout"}, "failed", "OrderOutcomeUnknown"),
    Case(ORDERS, "fill", {"fault": "unexpected"}, "failed", "OrderOutcomeUnknown"),
    Case(USER, "subscribe", {"fault": "rate_limit", "seconds": 5.0}, "failed", "RateLimited"),
    Case(SESSION, "session.status", {"fault": "ban", "seconds": 60.0}, "failed", "ConnectFailed"),
    Case(SESSION, "userDataStream.unsubscribe", api("skip"), "failed", "no reply in time"),
    Case(ACCOUNT, "account.status", api("delay", seconds=3.0), "failed", "no reply in time"),
    Case(ACCOUNT, "myTrades", api("garbage"), "failed", "frames were not JSON", AGAIN, SLOW_REPLIES),
    Case(TRADING, "order.place", {"fault": "timeout", "done": False}, "failed", "OutcomeUnknown: order.place"),
    Case(TRADING, "order.cancel", {"fault": "unexpected", "done": True}, "failed", "OutcomeUnknown: order.place"),
    Case(TRADING, "orderList.place.oco", {"fault": "rate_limit", "seconds": 5.0}, "failed", "RateLimited"),
]
HEALED = [
    # one more attempt is the back-off's everyday work
    Case(BASE, "streams_connect", {"fault": "refuse", "count": 1}, "healed", "connected in", timeout=5.0),
    # a lost connection is opened again, and trades lost meanwhile are fetched
    Case(STREAMS, "dense_trades", stream("drop"), "healed", "10 trades", ONCE, timeout=5.0),
    Case(STREAMS, "dense_trades", stream("torn"), "healed", "10 trades", ONCE, timeout=5.0),
    Case(STREAMS, "dense_trades", stream("server_shutdown", seconds=1.0), "healed", "10 trades", ONCE, timeout=5.0),
    # trades that are lost are fetched, doubles are dropped, and their order is restored
    Case(STREAMS, "dense_trades", stream("skip", probability=0.5), "healed", "not received: ", timeout=5.0),
    Case(STREAMS, "dense_trades", stream("duplicate"), "healed", "received twice: ", timeout=5.0),
    Case(STREAMS, "dense_trades", stream("reorder"), "healed", "out of order: ", timeout=5.0),
    # a book that lost its place takes a new snapshot
    Case(STREAMS, "order_book", stream("skip", probability=0.3), "healed", "levels compared", timeout=5.0),
]
UNTOUCHED = [
    # replies are matched by their ids: neither a double nor another order can do harm
    Case(BASE, "requests_in_flight", api("duplicate"), "passed", "20 answers"),
    Case(BASE, "requests_in_flight", api("reorder"), "passed", "20 answers", timeout=5.0),
    # only requests that trade end in an unknown outcome
    Case(BASE, "round_trip", {"fault": "timeout"}, "passed", "median"),
    Case(BASE, "requests_in_flight", {"fault": "unexpected"}, "passed", "20 answers"),
]
CASES = [*RED, *HEALED, *UNTOUCHED]


def suffer(case):
    """Run a case's test against an exchange with its fault; gives the exit code and the test's record."""
    exchange = RunningExchange(rate=30 if case.how == "lasting" else 10, symbols=["BTCUSDT"])
    kind, options = case.fault["fault"], {key: value for key, value in case.fault.items() if key != "fault"}
    try:
        if case.beside is not None:
            exchange.fault(case.beside["fault"], **{key: case.beside[key] for key in ("connection", "seconds")})
        if case.how == "lasting":
            exchange.fault(kind, **options)
        terminal = Terminal(
            case.script,
            "--only",
            case.test,
            "--json",
            "--timeout",
            str(case.timeout),
            port=exchange.port,
            key=key_of(exchange.demo_keys[0]),
        )
        if case.how != "lasting":
            wait_until(lambda: exchange.connections or terminal.process.poll() is not None, "connection")
            time.sleep(0.05)  # to send something first: another process is on no clock of ours
        for _ in itertools.count() if case.how == AGAIN else range(case.how == ONCE):
            exchange.fault(kind, **options)
            if terminal.process.poll() is not None:
                break
            time.sleep(0.02)
        ended = terminal.end()
        wait_until(lambda: exchange.connections == 0 or kind == "half_open", "end of the connections")
    finally:
        exchange.stop()
    return ended.code, ended.report["tests"][0]


@pytest.fixture(scope="module")
def records():
    """What each case led to; they run side by side."""
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(map(str, CASES), pool.map(suffer, CASES), strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is(case, records):
    code, record = records[str(case)]

    assert record["outcome"] == case.outcome, record
    assert case.detail in record["detail"]
    assert code == (1 if case.outcome == "failed" else 0)
    assert not record["traceback"]


def test_every_kind_of_fault_is_in_the_table():
    seen = {FaultKind(case.fault["fault"]) for case in CASES}
    assert seen == set(FaultKind)
    assert len({str(case) for case in CASES}) == len(CASES)
    # what ends in red; a server that goes down in order is part of everyday life, and is healed
    assert {case.fault["fault"] for case in RED} == {kind.value for kind in FaultKind} - {"server_shutdown"}
    assert {case.how for case in CASES if case.fault["fault"] in AT_ONCE} == {AGAIN, ONCE}
