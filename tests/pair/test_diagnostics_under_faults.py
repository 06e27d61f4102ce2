"""Each fault of the exchange, and what the diagnostics make of it: red, or healed where the library repairs it.

Client and exchange share one virtual clock, so that what is late, slow or silent is so to the microsecond.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from cryptotrader.diagnostics import (
    account_diagnostic,
    binance_websocket_diagnostic,
    market_diagnostic,
    market_stream_diagnostic,
    order_stream_diagnostic,
    session_diagnostic,
    trading_diagnostic,
    user_stream_diagnostic,
)
from cryptotrader.diagnostics.reporting import Script
from cryptotrader.simulator.faults import AT_ONCE, FaultKind
from diagnosed import diagnose, exchange_in_memory

BASE, STREAMS, REQUESTS = binance_websocket_diagnostic.SCRIPT, market_stream_diagnostic.SCRIPT, market_diagnostic.SCRIPT
ORDERS, USER = order_stream_diagnostic.SCRIPT, user_stream_diagnostic.SCRIPT
SESSION, ACCOUNT, TRADING = session_diagnostic.SCRIPT, account_diagnostic.SCRIPT, trading_diagnostic.SCRIPT
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

    script: Script
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
    Case(STREAMS, "trade", stream("delay", seconds=2.1), "failed", "late: the event is 2.1", timeout=5.0),
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


async def befall(case, exchange):
    """Let the fault of a case happen, where it does not last: soon after the connection is there."""
    kind, options = case.fault["fault"], {key: value for key, value in case.fault.items() if key != "fault"}
    while not exchange.connections:  # noqa: ASYNC110 - the exchange tells nobody
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)  # to send something first
    exchange.fault(kind, **options)
    while case.how == AGAIN:
        await asyncio.sleep(0.02)
        exchange.fault(kind, **options)


async def suffer(case, exchange):
    """Run a case's test against an exchange with its fault."""
    lasting = [each for each in (case.beside, case.fault if case.how == "lasting" else None) if each is not None]
    for each in lasting:
        exchange.fault(each["fault"], **{key: value for key, value in each.items() if key != "fault"})
    trouble = asyncio.create_task(asyncio.sleep(0) if case.how == "lasting" else befall(case, exchange))
    run = await diagnose(exchange, case.script, case.test, timeout=case.timeout)
    trouble.cancel()
    await asyncio.wait([trouble])
    return run


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fault_is(case):
    async with exchange_in_memory(rate=30 if case.how == "lasting" else 10) as exchange:
        run = await suffer(case, exchange)
        (record,) = run.records

        assert (record.name, record.outcome) == (case.test, case.outcome), record
        assert case.detail in record.detail
        assert run.exit_code == (1 if case.outcome == "failed" else 0)
        assert not record.traceback
        if case.fault["fault"] != "half_open":  # the exchange does not notice that the other end has gone
            await asyncio.sleep(1.0)
            assert exchange.connections == 0


def test_every_kind_of_fault_is_in_the_table():
    seen = {FaultKind(case.fault["fault"]) for case in CASES}
    assert seen == set(FaultKind)
    assert len({str(case) for case in CASES}) == len(CASES)
    # what ends in red; a server that goes down in order is part of everyday life, and is healed
    assert {case.fault["fault"] for case in RED} == {kind.value for kind in FaultKind} - {"server_shutdown"}
    assert {case.how for case in CASES if case.fault["fault"] in AT_ONCE} == {AGAIN, ONCE}
