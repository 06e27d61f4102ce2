"""What a handshake's path asks for."""

from __future__ import annotations

import json

import pytest

from cryptotrader.config import TimeUnit
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.simulator.target import Target, parse_target
from cryptotrader.transport.serving import Refusal

MS, US = TimeUnit.MILLISECOND, TimeUnit.MICROSECOND
LIMITS = ExchangeLimits()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/ws", Target("stream", MS)),
        ("/ws/", Target("stream", MS)),
        ("/ws/0", Target("stream", MS)),
        ("/ws/btcusdt@trade", Target("stream", MS, streams=("btcusdt@trade",))),
        ("/ws/btcusdt@trade/ethusdt@depth", Target("stream", MS, streams=("btcusdt@trade", "ethusdt@depth"))),
        ("/ws/btcusdt%40trade", Target("stream", MS, streams=("btcusdt@trade",))),
        ("/stream", Target("stream", MS, combined=True)),
        (
            "/stream?streams=btcusdt@trade/btcusdt@kline_1m@+08:00&timeUnit=microsecond",
            Target("stream", US, combined=True, streams=("btcusdt@trade", "btcusdt@kline_1m@+08:00")),
        ),
        (
            "/stream?timeUnit=MICROSECOND&streams=btcusdt%40kline_1m%40%2B08%3A00%2F!miniTicker%40arr",
            Target("stream", US, combined=True, streams=("btcusdt@kline_1m@+08:00", "!miniTicker@arr")),
        ),
        ("/stream?streams=a@trade/a@trade", Target("stream", MS, combined=True, streams=("a@trade",))),
        ("/ws/这是测试币456@trade", Target("stream", MS, streams=("这是测试币456@trade",))),
        ("/ws-api/v3", Target("api", MS)),
        ("/ws-api/v3?returnRateLimits=false&timeUnit=MILLISECOND", Target("api", MS, return_rate_limits=False)),
    ],
)
def test_paths_are_read(path, target):
    assert parse_target(path.encode(), LIMITS) == target


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/ws?timeUnit=SECOND", 400, -1194),
        ("/ws-api/v3?timeUnit=", 400, -1194),
        ("/ws-api/v3?returnRateLimits=maybe", 400, -1130),
        ("/ws-api/v3?responseFormat=sbe", 400, -1155),
        ("/ws/btcusdt", 400, 2),
        ("/stream?streams=@trade", 400, 2),
        ("/stream?streams=" + "/".join(f"s{n}@trade" for n in range(6)), 400, 2),
    ],
)
def test_wrong_paths_are_refused_with_an_error(path, status, code):
    refusal = parse_target(path.encode(), ExchangeLimits(streams=5))
    assert isinstance(refusal, Refusal)
    assert refusal.status == status
    assert json.loads(refusal.body)["code"] == code


@pytest.mark.parametrize("path", ["/", "/other", "/wsx", "/ws-api", b"/\xff"])
def test_other_paths_are_not_found(path):
    raw = path if isinstance(path, bytes) else path.encode()
    assert parse_target(raw, LIMITS) == Refusal(404)


def test_long_urls_get_no_answer():
    path = "/stream?streams=" + "a" * 3_977 + "@trade"
    assert len(path) == 3_999
    assert isinstance(parse_target(path.encode(), LIMITS), Target)
    assert parse_target(path.encode() + b"s", LIMITS) == Refusal(None)
