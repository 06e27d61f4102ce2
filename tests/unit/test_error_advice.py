from __future__ import annotations

import pytest

from cryptotrader.errors import Banned, RateLimited, RequestRejected


@pytest.mark.parametrize("retry_after", [1_700_000_090_000, 1_700_000_090_000_000])
@pytest.mark.parametrize("kind", [RateLimited, Banned])
def test_when_to_try_again_is_told_in_words(kind, retry_after):
    error = kind("ping", 429, -1003, "Too much.", {"retryAfter": retry_after})

    assert str(error) == "ping: Too much. (code -1003, status 429): send nothing before 2023-11-14 22:14:50 UTC"


@pytest.mark.parametrize(
    "data", [None, [], {}, {"retryAfter": "soon"}, {"retryAfter": 10**40}, {"retryAfter": -(10**18)}]
)
def test_what_tells_no_time_is_told_as_it_came(data):
    assert str(RateLimited("ping", 429, -1003, "Too much.", data)) == "ping: Too much. (code -1003, status 429)"


def test_refusals_that_say_it_all_get_no_advice():
    assert str(RequestRejected("depth", 400, -1121, "Invalid symbol.")) == (
        "depth: Invalid symbol. (code -1121, status 400)"
    )
