"""Asking the exchange for symbols, and every way in which that fails; the far end is a script."""

from __future__ import annotations

import pytest

from cryptotrader.base_operations import AddressBudgets, Environment
from cryptotrader.config import Endpoint
from cryptotrader.errors import (
    ConfigurationError,
    ConnectFailed,
    DecodeFailed,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    UnknownSymbol,
)
from cryptotrader.simulator import LocalExchange
from cryptotrader.symbol_lookup import look_up_symbols
from paper_frames import symbol_info
from scripted_dialer import ScriptedDialer
from virtual_clock import running_loop

ENDPOINT = Endpoint.local(1)


class Listing:
    """An exchange that knows some symbols, and remembers what it was asked."""

    def __init__(self, *known):
        self.known = known
        self.asked = []

    def __call__(self, message):
        symbols = message["params"]["symbols"]
        self.asked.append(symbols)
        if set(symbols) <= set(self.known):
            return {"status": 200, "result": info_of(symbols)}
        return {"status": 400, "error": {"code": -1121, "msg": "Invalid symbol."}}


def info_of(symbols):
    return {
        "timezone": "UTC",
        "serverTime": 1,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [symbol_info(symbol) for symbol in symbols],
    }


async def look_up(dialer, *symbols, **options):
    return await look_up_symbols(ENDPOINT, symbols, environment=dialer.environment(), **options)


async def refused(dialer, kind, match, *symbols, **options):
    """The error of a look-up, which leaves no connection open."""
    with pytest.raises(kind, match=match) as raised:
        await look_up(dialer, *(symbols or ("BTCUSDT",)), **options)
    assert type(raised.value) is kind
    assert all(end.ended for end in dialer.ends)
    return raised.value


async def test_symbols_that_are_traded_are_told_with_what_the_exchange_says_of_them():
    listing = Listing("BTCUSDT", "ETHUSDT", "BNBUSDT")
    dialer = ScriptedDialer(answer=listing)
    found = await look_up(dialer, "BTCUSDT", "ETHUSDT")

    assert {name: info.base_asset for name, info in found.items()} == {"BTCUSDT": "BTC", "ETHUSDT": "ETH"}
    assert listing.asked == [["BTCUSDT", "ETHUSDT"]]
    assert [end.ended for end in dialer.ends] == ["closed by the client: 1000"]


async def test_no_symbols_are_looked_up_without_asking():
    dialer = ScriptedDialer()

    assert await look_up(dialer) == {}
    assert dialer.urls == []


async def test_more_symbols_than_fit_into_a_request_take_several():
    names = [f"X{number:03}USDT" for number in range(250)]
    listing = Listing(*names)
    found = await look_up(ScriptedDialer(answer=listing), *names)

    assert list(found) == names
    assert [len(asked) for asked in listing.asked] == [100, 100, 50]


async def test_a_symbol_that_is_not_traded_is_named():
    listing = Listing("BTCUSDT", "ETHUSDT")
    dialer = ScriptedDialer(answer=listing)
    error = await refused(dialer, UnknownSymbol, "NOPEUSDT: the exchange does not trade it", "BTCUSDT", "NOPEUSDT", "X")

    assert error.symbol == "NOPEUSDT"
    assert listing.asked == [["BTCUSDT", "NOPEUSDT", "X"], ["BTCUSDT"], ["NOPEUSDT"]]
    assert isinstance(error.__cause__, RequestRejected)


async def test_a_symbol_that_was_unknown_only_together_with_others_is_refused_as_it_was():
    listing = Listing("BTCUSDT", "ETHUSDT")

    def together_refused(message):
        reply = listing(message)
        refusal = {"status": 400, "error": {"code": -1121, "msg": "Invalid symbol."}}
        return refusal if len(message["params"]["symbols"]) > 1 else reply

    error = await refused(
        ScriptedDialer(answer=together_refused), RequestRejected, "Invalid symbol", "BTCUSDT", "ETHUSDT"
    )
    assert error.code == -1121


@pytest.mark.parametrize(
    ("reply", "kind", "match"),
    [
        ({"status": 400, "error": {"code": -1100, "msg": "Illegal characters."}}, RequestRejected, "Illegal"),
        ({"status": 429, "error": {"code": -1003, "msg": "Too much."}}, RateLimited, "Too much"),
    ],
)
async def test_another_refusal_is_told_as_it_is_and_nothing_more_is_asked(reply, kind, match):
    dialer = ScriptedDialer(answer=lambda _: reply)
    await refused(dialer, kind, match, "BTCUSDT", "ETHUSDT")

    assert len(dialer.ends[0].received) == 1


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        ({"status": 200, "result": {"hello": "world"}}, DecodeFailed),
        ({"status": 200, "result": []}, DecodeFailed),
        ({"status": 500, "error": {"code": -1000, "msg": "oops"}}, OutcomeUnknown),
        (None, OutcomeUnknown),
    ],
    ids=["another object", "a list", "its own trouble", "silence"],
)
async def test_what_answers_otherwise_is_not_binance(reply, cause):
    dialer = ScriptedDialer(answer=lambda _: reply)
    error = await refused(dialer, ConfigurationError, "what answers at ws://127.0.0.1:1/ws-api/v3 is not Binance")

    assert type(error.__cause__) is cause


async def test_what_leaves_instead_of_answering_is_not_binance():
    dialer = ScriptedDialer(answer=lambda _: dialer.ends[0].transport.abort())
    error = await refused(dialer, ConfigurationError, "is not Binance")

    assert isinstance(error.__cause__, OutcomeUnknown)


async def test_an_address_that_refuses_is_tried_once():
    dialer = ScriptedDialer(ConnectFailed("ws://x: refused", status=503))
    error = await refused(dialer, ConnectFailed, "gave up after 1 attempts: ws://x: refused")

    assert (error.status, error.attempts, dialer.times) == (503, 1, [0])


async def test_the_time_to_wait_for_each_answer_is_the_caller_s():
    dialer = ScriptedDialer(answer=lambda _: None)
    await refused(dialer, ConfigurationError, "no reply in time", timeout=3.0)

    assert 3 <= running_loop().time() < 4


async def test_the_local_exchange_answers_as_the_script_does():
    loop, budgets = running_loop(), AddressBudgets()
    names = [f"X{number:03}USDT" for number in range(101)]
    async with LocalExchange(names, port=None, rate=0, clock=loop.wall_us) as exchange:
        environment = Environment(dial=exchange.dial, budgets=lambda _: budgets, clock_ns=loop.wall_ns)
        found = await look_up_symbols(exchange.endpoint, names, environment=environment)
        with pytest.raises(UnknownSymbol, match="NOPEUSDT"):
            await look_up_symbols(exchange.endpoint, [*names[:3], "NOPEUSDT"], environment=environment)

    assert sorted(found) == names
