"""Whose orders a session sends, when its key is revoked, and what its budgets let through."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.credentials import HmacKey
from cryptotrader.errors import ConfigurationError, RateLimited, RequestRejected
from cryptotrader.models.base_models import Side
from cryptotrader.order_outcomes import OrderOutcomeUnknown
from cryptotrader.requests import (
    OpenOrdersStatusRequest,
    SessionLogonRequest,
    SessionLogoutRequest,
    SessionStatusRequest,
    UserDataStreamSubscribeRequest,
)
from trading_pair import SYMBOL, desk
from virtual_clock import running_loop


async def buy(binance):
    return await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.01", price="90000")


async def test_orders_stay_with_their_account_when_another_key_logs_on_by_call():
    async with desk() as at, at.client(0) as binance, at.client(1) as other:
        await buy(binance)
        await binance.call(SessionLogonRequest(), key=at.keys[1].ed25519)
        await buy(binance)
        await buy(binance)

        assert len(await binance.orders.open_orders()) == 3
        assert await other.orders.open_orders() == []


async def test_requests_are_signed_after_a_log_out_by_call():
    async with desk() as at, at.client() as binance:
        await buy(binance)
        await binance.call(SessionLogoutRequest())
        await buy(binance)
        assert (await binance.call(SessionStatusRequest())).api_key is None

        assert len(await binance.orders.open_orders()) == 2


async def test_subscribing_by_call_waits_for_the_log_on():
    async with desk() as at, at.client() as binance:
        assert (await binance.call(UserDataStreamSubscribeRequest())).subscription_id == 0
        await binance.call(SessionLogoutRequest())
        assert (await binance.call(UserDataStreamSubscribeRequest())).subscription_id == 1


async def test_a_key_that_is_revoked_is_told_to_all_who_wait():
    async with desk() as at, at.client() as binance:
        order = await buy(binance)
        told, started = [], running_loop().time()
        binance.user.subscribe(callback=lambda event, _: None, on_error=told.append)
        at.exchange.revoke(at.keys[0].ed25519.api_key)

        ends = await asyncio.gather(order.cancel(), order.cancel(), return_exceptions=True)
        assert [type(end) for end in ends] == [OrderOutcomeUnknown] * 2  # which one was refused is not told
        assert "the key of the session was refused: Invalid API-key" in str(ends[0])
        with pytest.raises(RequestRejected, match="-2015"):
            await order.cancel()
        assert running_loop().time() - started < 1

        with pytest.raises(RequestRejected, match="-2015"):  # the only one that waits: it is the one
            await binance.user._api.call(OpenOrdersStatusRequest())
        at.exchange.fault("drop")
        with pytest.raises(RequestRejected, match="-2015"):
            await order.done(60)
        assert [error.code for error in told] == [-2015]


async def test_a_wrong_secret_is_told_each_time_and_at_once():
    async with desk() as at:
        wrong = HmacKey(at.keys[0].hmac.api_key, "wrong")
        environment = at._machine()
        async with Binance(at.exchange.endpoint, wrong, environment=environment) as binance:
            started = running_loop().time()
            for _ in range(3):
                with pytest.raises(RequestRejected, match="-1022"):
                    await buy(binance)
            with pytest.raises(RequestRejected, match="-1022"):
                await anext(binance.user.subscribe())
            assert running_loop().time() - started < 1


async def test_one_refusal_for_weight_delays_cold_placements_and_fails_none():
    async with desk() as at:
        at.exchange.fault("rate_limit", seconds=2, count=1)
        async with at.client() as binance:
            await asyncio.gather(*(buy(binance) for _ in range(5)))
            assert len(await binance.orders.open_orders()) == 5


async def test_a_cancel_does_not_wait_for_reads():
    async with desk() as at, at.client() as binance:
        order = await buy(binance)
        with pytest.raises(RateLimited, match="by this library's own count") as caught:
            while True:
                await binance.call(OpenOrdersStatusRequest(), patience=0)
        assert caught.value.code == -1003
        assert "by this library's own count request weight is used up until" in str(caught.value)
        started = running_loop().time()
        await order.cancel()
        assert running_loop().time() - started < 1


async def test_the_budget_that_is_used_up_is_named():
    async with desk() as at, at.client() as binance:
        await buy(binance)
        binance._api._identity.orders.close_until(running_loop().wall_seconds() + 90)
        with pytest.raises(RateLimited, match="unfilled orders are used up until") as caught:
            await buy(binance)
        assert caught.value.code == -1015
        assert caught.value.retry_after == pytest.approx((running_loop().wall_seconds() + 90) * 1000, abs=1000)


@pytest.mark.parametrize("window", [0, -5, float("nan"), float("inf"), 60_001, True, "5000"])
async def test_a_receive_window_that_cannot_be_is_refused_where_it_is_given(window):
    with pytest.raises(ConfigurationError, match="recv_window"):
        Binance(Endpoint.local(), recv_window=window)
    async with desk() as at, at.client() as binance:
        with pytest.raises(ConfigurationError, match="recv_window"):
            await binance._api.call(OpenOrdersStatusRequest(), recv_window=window)


def test_a_client_outside_of_an_event_loop_says_what_to_do():
    with pytest.raises(ConfigurationError, match=r"no event loop is running: make it in a coroutine"):
        Binance(Endpoint.local())


async def test_trading_goes_on_when_this_machines_clock_is_set(monkeypatch):
    async with desk() as at, at.client() as binance:
        await buy(binance)
        handler = binance._api
        receive = handler._api.receive
        monkeypatch.setattr(
            handler._api, "receive", lambda payload, ns, now: receive(payload, ns + 3_600_000_000_000, now)
        )
        started = running_loop().time()
        for _ in range(20):
            await (await buy(binance)).cancel()
            await asyncio.sleep(0.5)
        assert running_loop().time() - started < 15
