"""Connections, weight and bans of one address."""

from __future__ import annotations

import pytest

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.limits import AddressLimits, ExchangeLimits

SECOND = 1_000_000
MINUTE = 60 * SECOND
START = 1_735_689_600 * SECOND


def test_connections_slide():
    address = AddressLimits(ExchangeLimits(connections=3, connection_window=10))
    assert [address.connect(START + n * SECOND, 0) for n in range(3)] == [None] * 3

    excess = address.connect(START + 3 * SECOND, 0)
    assert excess is not None
    assert (excess.status, excess.until_us) == (429, START + 10 * SECOND)
    assert address.connect(START + 13 * SECOND, 0) is None


def test_weight_is_counted_by_the_minute_of_the_wall_clock():
    address = AddressLimits(ExchangeLimits(weight=10))
    assert address.connect(START + 50 * SECOND, 2) is None
    assert address.request(8, START + 51 * SECOND) is None
    assert address.weight_used == 10

    excess = address.request(1, START + 52 * SECOND)
    assert excess is not None
    assert not excess.is_ban
    assert excess.until_us == START + MINUTE
    assert excess.error(1, 2) == {
        "code": -1003,
        "msg": "Too much request weight used; current limit is 10 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        "data": {"serverTime": 1, "retryAfter": 2},
    }
    assert address.request(1, START + MINUTE) is None
    assert address.weight_used == 1


def test_who_goes_on_is_banned_and_longer_each_time():
    address = AddressLimits(ExchangeLimits(weight=1, refusals_before_ban=2))
    now = START
    for ban_seconds in (120, 240):
        address.request(1, now)
        refused = [address.request(1, now) for _ in range(3)]
        assert [excess and excess.status for excess in refused] == [429, 429, 418]
        banned = refused[-1]
        assert banned is not None
        assert banned.is_ban
        assert banned.until_us == now + ban_seconds * SECOND
        assert f"IP banned until {banned.until_us // 1000}" in banned.message
        assert address.connect(now + SECOND, 2) == banned
        assert address.request(1, banned.until_us - 1) == banned
        now = banned.until_us
        assert address.connect(now, 0) is None


def test_a_ban_can_be_lifted():
    address = AddressLimits(ExchangeLimits())
    address.ban(START, 100)
    assert address.request(1, START) is not None
    address.lift_ban()
    assert address.request(1, START) is None


def test_time_runs_faster_but_minutes_stay():
    scaled = ExchangeLimits().scaled(60)
    assert (scaled.life, scaled.ping_interval, scaled.pong_timeout) == (1440, pytest.approx(1 / 3), 1)
    assert (scaled.weight, scaled.streams, scaled.connection_window) == (6000, 1024, 5)


def test_limits_must_be_positive():
    with pytest.raises(ConfigurationError, match="life"):
        ExchangeLimits(life=0)
    with pytest.raises(ConfigurationError, match="connect_weight"):
        ExchangeLimits(connect_weight=-1)
    with pytest.raises(ConfigurationError, match="time_scale"):
        ExchangeLimits().scaled(0)
