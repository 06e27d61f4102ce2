"""Clocks that are off and that drift apart: requests are signed with the exchange's time all the same."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from cryptotrader.api_connection import ApiConnection
from cryptotrader.requests import AccountRateLimitsOrdersRequest, OpenOrdersStatusRequest
from cryptotrader.simulator.api_session import ApiSession
from trading_pair import desk
from virtual_clock import START_US, running_loop


@pytest.fixture
def refused(monkeypatch):
    """How often the exchange refused, by code."""
    codes, refuse = Counter(), ApiSession._refuse

    def noting(self, envelope, error):
        codes[error.code] += 1
        refuse(self, envelope, error)

    monkeypatch.setattr(ApiSession, "_refuse", noting)
    return codes


@pytest.fixture
def looks(monkeypatch):
    """When clients looked at the exchange's clock."""
    times, observe = [], ApiConnection._observe

    def noting(self, sent, answer):
        times.append(sent)
        observe(self, sent, answer)

    monkeypatch.setattr(ApiConnection, "_observe", noting)
    return times


def drifting(per_minute):
    """An exchange's clock that loses so many seconds a minute on the loop's."""
    loop = running_loop()
    return lambda: START_US + round(loop.time() * (1 - per_minute / 60) * 1e6)


@pytest.mark.parametrize("key", ["ed25519", "hmac"])
@pytest.mark.parametrize("per_minute", [1.0, -1.0])
async def test_a_clock_that_drifts_for_hours_is_followed(refused, looks, key, per_minute):
    clock = drifting(per_minute)
    async with desk(rate=0, clock=clock) as at, at.client(key=key) as binance:
        while running_loop().time() < 2 * 3600:
            await binance.orders.open_orders("BTCUSDT")
            await asyncio.sleep(7.3)

    assert refused == {}
    assert len(looks) < 2 * 3600 / 5, "not more often than every five seconds"


async def test_clocks_that_agree_are_looked_at_once_a_minute(looks):
    async with desk(rate=0) as at, at.client(key="hmac") as binance:
        await binance.orders.open_orders("BTCUSDT")
        await asyncio.sleep(3600)

    assert 50 < len(looks) < 65


async def test_a_clock_that_is_set_costs_one_look_however_many_requests_are_on_their_way(refused, looks):
    loop, jump = running_loop(), 0
    async with desk(rate=0, clock=lambda: loop.wall_us() + jump) as at, at.client(key="hmac") as binance:
        await binance.orders.open_orders("BTCUSDT")
        await asyncio.sleep(100)
        looked = len(looks)
        jump = 10_000_000
        requests = [binance.call(OpenOrdersStatusRequest(symbol="BTCUSDT")) for _ in range(50)]
        assert await asyncio.gather(*requests) == [[]] * 50
        assert len(looks) == looked + 1

    assert refused == {-1021: 50}


@pytest.mark.parametrize("ahead", [10.0, -10.0])
async def test_a_key_that_is_used_ad_hoc_is_signed_with_by_the_exchange_s_clock(refused, ahead):
    async with desk(rate=0) as at, at.stranger(ahead=ahead) as binance:
        for _ in range(3):
            await binance.call(AccountRateLimitsOrdersRequest(), key=at.keys[0].hmac)
            await asyncio.sleep(600)

    assert refused[-1021] <= 1, "the first may come before the first look is answered"
