from __future__ import annotations

import pytest

from cryptotrader.config import Backoff
from cryptotrader.errors import OutcomeUnknown, RateLimited, RequestRejected
from cryptotrader.protocol.log_on import LogOn

NOW, EXCHANGE = 100.0, 1_700_000_000.0


def refusal(code, kind=RequestRejected, data=None):
    return kind("session.logon", 400, code, "text", data)


def sent():
    log_on = LogOn(Backoff(), lambda: 1.0)
    assert log_on.due_at <= NOW
    log_on.sent()
    assert log_on.due_at == float("inf")
    return log_on


@pytest.mark.parametrize("code", [-2015, -1022, -2014, -1002])
def test_a_refused_key_is_final_until_there_is_another_connection(code):
    log_on = sent()
    log_on.fail(refusal(code), NOW, EXCHANGE)
    log_on.want(NOW)

    assert (log_on.refusal.code, log_on.due_at) == (code, float("inf"))
    log_on.restart()
    assert (log_on.refusal, log_on.due_at) == (None, 0.0)


@pytest.mark.parametrize(
    "error", [refusal(-1008), refusal(-1001), OutcomeUnknown("session.logon", 1, "no reply in time")]
)
def test_whatever_else_fails_is_tried_again_ever_more_rarely(error):
    log_on, delays = sent(), []
    for _ in range(8):
        log_on.fail(error, NOW, EXCHANGE)
        delays.append(log_on.due_at - NOW)
        log_on.sent()

    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (log_on.refusal, log_on.trouble) == (None, error)


def test_the_exchange_says_when_to_try_again():
    log_on = sent()
    until = int((EXCHANGE + 30) * 1000)
    log_on.fail(refusal(-1003, RateLimited, {"retryAfter": until}), NOW, EXCHANGE)

    assert log_on.due_at == pytest.approx(NOW + 31)


def test_a_refusal_for_the_time_is_tried_again_at_once_and_then_more_rarely():
    log_on = sent()
    log_on.fail(refusal(-1021), NOW, EXCHANGE)
    assert (log_on.due_at, log_on.needs_clock) == (NOW, True)

    log_on.sent()
    log_on.fail(refusal(-1021), NOW, EXCHANGE)
    assert (log_on.due_at, log_on.needs_clock) == (NOW + 2, True)


def test_a_session_that_is_signed_off_is_logged_on_again_only_when_that_is_wanted():
    log_on = sent()
    log_on.want(NOW)
    log_on.revoke(NOW)
    assert log_on.due_at == float("inf")  # one is on its way

    log_on.succeed()
    assert log_on.due_at == float("inf")
    log_on.want(NOW)
    assert log_on.due_at == NOW
