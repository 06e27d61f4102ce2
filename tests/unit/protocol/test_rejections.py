from __future__ import annotations

import pytest

from cryptotrader.errors import Banned, OrderRejected, OutcomeUnknown, PartiallyApplied, RateLimited, RequestRejected
from cryptotrader.protocol.codec import ErrorBody, rejection
from cryptotrader.requests import DepthRequest, OrderCancelReplaceRequest


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, -2021, PartiallyApplied),
        (429, -2021, PartiallyApplied),
        (400, -2021, PartiallyApplied),
        (429, -2022, RateLimited),
        (429, -1015, RateLimited),
        (418, -1003, Banned),
        (400, -2010, OrderRejected),
        (400, -2022, RequestRejected),
        (503, -1008, OutcomeUnknown),
        (400, -1007, OutcomeUnknown),
    ],
)
def test_a_refusal_is_told_by_what_it_means(status, code, kind):
    assert type(rejection(OrderCancelReplaceRequest.api, 1, status, ErrorBody(code, "text"))) is kind


def test_an_engines_code_is_of_orders_only():
    assert type(rejection(DepthRequest.api, 1, 400, ErrorBody(-2010, "text"))) is RequestRejected
