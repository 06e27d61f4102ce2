"""Requests over a connection in memory whose far end is a script."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.api_connection import refuse_in_clear
from cryptotrader.base_operations import api_connection
from cryptotrader.client import Binance
from cryptotrader.config import Endpoint, Timeouts
from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.errors import ConfigurationError, ConnectFailed, OutcomeUnknown, RateLimited, RequestRejected
from cryptotrader.requests import (
    AccountStatusRequest,
    DepthRequest,
    PingRequest,
    SessionLogonRequest,
    TimeRequest,
    UserDataStreamSubscribeRequest,
)
from scripted_dialer import ScriptedDialer, comes
from virtual_clock import START_US, running_loop

ENDPOINT, KEY = Endpoint.local(1), HmacKey("mine", "secret")
IN_CLEAR = "keys are used over wss:// only, except on this machine"


# ---------------------------------------------------------------------------------------------------- keys in the clear


@pytest.mark.parametrize(
    "url",
    ["ws://stream.binance.com:9443/ws-api/v3", "ws://10.0.0.1", "ws://[2001:db8::1]:80", "ws://localhost.example"],
)
def test_a_key_is_not_shown_on_a_foreign_connection_in_the_clear(url):
    with pytest.raises(ConfigurationError, match=IN_CLEAR) as raised:
        refuse_in_clear(url)
    assert str(raised.value).startswith(url)


@pytest.mark.parametrize(
    "url",
    [
        "wss://ws-api.binance.com:443/ws-api/v3",
        "wss://10.0.0.1",
        "ws://localhost:9443",
        "ws://127.0.0.2",
        "ws://[::1]:80",
    ],
)
def test_a_key_may_be_used_over_tls_and_on_this_machine(url):
    assert refuse_in_clear(url) is None


async def test_a_client_with_a_key_is_not_made_for_a_foreign_address_in_the_clear():
    foreign, dialer = Endpoint.from_url("ws://exchange.example:9443"), ScriptedDialer(answer=Script())
    with pytest.raises(ConfigurationError, match=IN_CLEAR):
        Binance(foreign, KEY, environment=dialer.environment())
    with pytest.raises(ConfigurationError, match=IN_CLEAR):
        api_connection(foreign, key=KEY, environment=dialer.environment())
    api = api_connection(foreign, environment=dialer.environment())
    with pytest.raises(ConfigurationError, match=IN_CLEAR):
        await api.call(AccountStatusRequest(), key=KEY)
    assert dialer.urls == []
    await api.call(PingRequest(), key=KEY)  # a public request shows no key
    await api.close()

    assert dialer.urls == ["ws://exchange.example:9443/ws-api/v3"]
    assert "mine" not in str(dialer.ends[0].received)


# ------------------------------------------------------------------------------------------------------------- replies


def refusal(code, status=400, message="no", data=None):
    return {"status": status, "error": {"code": code, "msg": message} | ({} if data is None else {"data": data})}


class Script:
    """Replies by method: each list is used up from the front, and its last one stays."""

    def __init__(self, **replies):
        self.asked = []
        self._replies = {name.replace("_", "."): list(given) for name, given in replies.items()}

    def __call__(self, message):
        self.asked.append(message["method"])
        replies = self._replies.get(message["method"])
        if replies is None:
            return {"status": 200, "result": known_result(message["method"])}
        return replies.pop(0) if len(replies) > 1 else replies[0]


def known_result(method):
    if method == "time":
        return {"serverTime": int(START_US / 1000 + running_loop().time() * 1000)}
    return {}


class Asking:
    """A connection to a script."""

    def __init__(self, script, *, key=None, timeouts=None, acts=()):
        self.script = script
        self.dialer = ScriptedDialer(*acts, answer=script)
        self.api = api_connection(ENDPOINT, key=key, timeouts=timeouts, environment=self.dialer.environment())

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.api.close()


OUT_OF_TIME = refusal(-1021, message="Timestamp for this request is outside of the recvWindow.")


async def test_a_request_that_is_refused_for_its_time_is_sent_once_more_after_a_look_at_the_clock():
    async with Asking(Script(account_status=[OUT_OF_TIME, refusal(-2015)]), key=KEY) as asking:
        await asking.api.wait_clock()
        with pytest.raises(RequestRejected, match="-2015"):
            await asking.api.call(AccountStatusRequest())

    assert asking.script.asked == ["time", "time", "account.status", "time", "account.status"]


async def test_it_is_not_sent_a_third_time():
    async with Asking(Script(account_status=[OUT_OF_TIME]), key=KEY) as asking:
        with pytest.raises(RequestRejected, match="-1021"):
            await asking.api.call(AccountStatusRequest())

    assert asking.script.asked.count("account.status") == 2


@pytest.mark.parametrize("answer", [None, refusal(-1003, 429), refusal(-1000, 500)])
async def test_when_the_clock_cannot_be_looked_at_the_refusal_stands(answer):
    time = {"status": 200, "result": {"serverTime": START_US // 1000}}
    async with Asking(Script(account_status=[OUT_OF_TIME], time=[time, time, answer]), key=KEY) as asking:
        await asking.api.wait_clock()
        with pytest.raises(RequestRejected, match="-1021") as raised:
            await asking.api.call(AccountStatusRequest())

    assert raised.value.__cause__ is not None
    assert asking.script.asked.count("account.status") == 1


async def test_requests_that_are_refused_together_for_their_time_share_one_look():
    async with Asking(Script(account_status=[OUT_OF_TIME] * 3 + [refusal(-2015)]), key=KEY) as asking:
        await asking.api.wait_clock()
        calls = [asking.api.call(AccountStatusRequest()) for _ in range(3)]
        results = await asyncio.gather(*calls, return_exceptions=True)

    assert [result.code for result in results] == [-2015] * 3
    assert asking.script.asked.count("time") == 3  # two before: by the connection itself, and by wait_clock
    assert asking.script.asked.count("account.status") == 6


async def test_a_request_whose_caller_leaves_is_forgotten_and_its_reply_too():
    async with Asking(Script(ping=[None])) as asking:
        call = asyncio.ensure_future(asking.api.call(PingRequest()))
        await asyncio.sleep(1.0)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert asking.api._api.in_flight == 0
        (sent,) = asking.dialer.ends[0].received
        asking.dialer.ends[0].say({"id": sent["id"], "status": 200, "result": {}})
        await asyncio.sleep(1.0)
        assert asking.api._api.counters == {"unmatched": 1}


async def test_a_reply_is_waited_for_as_long_as_it_may_take_and_no_longer():
    async with Asking(Script(ping=[None]), timeouts=Timeouts(request=2.0)) as asking:
        await asking.api.wait_clock()
        for timeout in (None, 1.0):  # each time the connection would else be looked at after ten seconds
            before = running_loop().time()
            with pytest.raises(OutcomeUnknown, match="no reply in time"):
                await asking.api.call(PingRequest(), timeout=timeout)
            assert running_loop().time() - before == pytest.approx(timeout or 2.0)


async def test_windows_of_budgets_are_those_of_this_machine_s_clock_until_the_exchange_tells_its_own():
    async with Asking(Script(time=[None])) as asking:
        asking.api.open()
        await asking.api.wait_open()
        await asyncio.sleep(3.0)
        assert asking.api._api.exchange_time(3.0) == pytest.approx(START_US / 1e6 + 3.0, abs=1e-3)


async def test_a_request_without_a_key_that_needs_one_is_not_sent():
    async with Asking(Script()) as asking:
        with pytest.raises(ConfigurationError, match=r"account\.status needs a key; give one to the client"):
            await asking.api.call(AccountStatusRequest())
        assert asking.dialer.urls == []


async def test_weight_that_is_used_up_is_waited_for_or_told():
    script = Script(depth=[{"status": 200, "result": {"lastUpdateId": 1, "bids": [], "asks": []}}])
    async with Asking(script, timeouts=Timeouts(stale=1_000.0)) as asking:
        book = DepthRequest(symbol="X", limit=5000)
        for _ in range(22):  # 5,500 of 6,000, and two for the connection; 300 are kept in reserve
            await asking.api.call(book)
        with pytest.raises(RateLimited, match="by this library's own count request weight is used up until") as raised:
            await asking.api.call(book, patience=59.0)
        assert (raised.value.status, raised.value.code) == (429, -1003)
        assert raised.value.retry_after == pytest.approx(START_US / 1000 + 60_200, abs=1)
        assert running_loop().time() == 0
        await asking.api.call(book)
        assert running_loop().time() == pytest.approx(60.2)


# ------------------------------------------------------------------------------------------------- clock and log-on


async def test_the_clock_that_nobody_tells_is_a_failed_connection():
    async with Asking(Script(time=[None]), timeouts=Timeouts(request=2.0)) as asking:
        with pytest.raises(ConnectFailed, match="the exchange does not tell its time") as raised:
            await asking.api.wait_clock()
        assert isinstance(raised.value.__cause__, OutcomeUnknown)


async def test_a_clock_that_is_known_is_not_asked_for_again():
    async with Asking(Script()) as asking:
        await asking.api.wait_clock()
        await asking.api.wait_clock()
        assert asking.script.asked == ["time"]


async def test_a_failed_look_at_the_clock_is_repeated_after_a_while():
    good = {"status": 200, "result": {"serverTime": START_US // 1000}}
    async with Asking(Script(time=[refusal(-1000, 500), good]), key=KEY) as asking:
        asking.api.open()
        await asyncio.sleep(4.0)
        assert asking.script.asked == ["time"]
        await comes(lambda: asking.api._api.clock.is_known)
        assert 5 <= running_loop().time() <= 16


def account_of(key):
    return {
        "apiKey": key.api_key,
        "authorizedSince": 1,
        "connectedSince": 1,
        "returnRateLimits": True,
        "serverTime": 1,
        "userDataStream": False,
    }


async def test_a_key_that_cannot_log_on_is_told_so():
    async with Asking(Script(), key=KEY) as asking:
        with pytest.raises(ConfigurationError, match="a session is logged on with an Ed25519 key"):
            await asking.api.wait_logged_on()
        assert asking.dialer.urls == []


async def test_a_session_is_logged_on_once_its_clock_is_known():
    key = Ed25519Key.generate("mine")
    logged_on = {"status": 200, "result": account_of(key)}
    async with Asking(Script(session_logon=[logged_on]), key=key) as asking:
        await asking.api.wait_logged_on()
        assert asking.api.logged_on
        assert asking.script.asked == ["time", "session.logon"]


async def test_a_refused_key_is_told_to_who_waits_and_a_log_on_that_fails_for_a_while_is_tried_on():
    key = Ed25519Key.generate("mine")
    async with Asking(Script(session_logon=[refusal(-2015)]), key=key) as asking:
        with pytest.raises(RequestRejected, match="-2015"):
            await asking.api.wait_logged_on()
    logged_on = {"status": 200, "result": account_of(key)}
    async with Asking(Script(session_logon=[refusal(-1008, 503), OUT_OF_TIME, logged_on]), key=key) as asking:
        await asking.api.wait_logged_on()
        assert asking.script.asked == ["time", "session.logon", "session.logon", "time", "session.logon"]


async def test_a_log_on_that_never_succeeds_is_told_with_its_last_trouble():
    key = Ed25519Key.generate("mine")
    async with Asking(Script(session_logon=[refusal(-1008, 503, "busy")]), key=key) as asking:
        with pytest.raises(ConnectFailed, match=r"not logged on within 7 s \(session.logon: outcome unknown \(busy"):
            await asking.api.wait_logged_on(7.0)
    async with Asking(Script(session_logon=[None]), key=key) as asking:
        with pytest.raises(ConnectFailed, match=r"not logged on within 7 s \(no answer yet\)"):
            await asking.api.wait_logged_on(7.0)


async def test_what_only_a_logged_on_session_may_ask_waits_for_the_log_on():
    key = Ed25519Key.generate("mine")
    script = Script(
        session_logon=[{"status": 200, "result": account_of(key)}],
        userDataStream_subscribe=[{"status": 200, "result": {"subscriptionId": 3}}],
    )
    async with Asking(script, key=key) as asking:
        answer = await asking.api.call(UserDataStreamSubscribeRequest())
        assert answer.subscription_id == 3
        assert script.asked == ["time", "session.logon", "userDataStream.subscribe"]


async def test_a_key_that_is_revoked_is_logged_on_again_and_the_refusal_then_told():
    key = Ed25519Key.generate("mine")
    script = Script(session_logon=[{"status": 200, "result": account_of(key)}, refusal(-2015)])
    async with Asking(script, key=key) as asking:
        await asking.api.wait_logged_on()
        asking.dialer.ends[0].say({"id": None, "status": 401, "error": {"code": -2015, "msg": "Invalid API-key"}})
        await asyncio.sleep(1.0)
        assert not asking.api.logged_on
        with pytest.raises(RequestRejected, match="-2015"):
            await asking.api.wait_logged_on()
        assert script.asked.count("session.logon") == 2


async def test_each_connection_is_logged_on_anew():
    key = Ed25519Key.generate("mine")
    script = Script(session_logon=[{"status": 200, "result": account_of(key)}])
    async with Asking(script, key=key) as asking:
        await asking.api.wait_logged_on()
        asking.dialer.ends[0].transport.abort()
        await asyncio.sleep(0)
        await comes(lambda: len(asking.dialer.ends) == 2)
        await asking.api.wait_logged_on()
        methods = [message["method"] for message in asking.dialer.ends[1].received]
        assert sorted(methods) == ["session.logon", "time"]


async def test_the_exchange_clock_is_told_in_the_unit_of_the_connection():
    async with Asking(Script()) as asking:
        await asking.api.call(TimeRequest())
        await asyncio.sleep(2.0)
        assert asking.api.now_on_exchange() == START_US // 1000 + 2_000
    assert SessionLogonRequest().api.name == "session.logon"
