"""Diagnose the session and user data stream requests: who a connection is logged on as, and whose events it is sent.

Run ``python -m cryptotrader.diagnostics.session_diagnostic --help``. The tests carry the names of the methods. The key
comes from the environment. Only Ed25519 keys log on; what needs that is skipped with others. Nothing is traded.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from cryptotrader.base_operations import ApiConnection
from cryptotrader.diagnostics.access import (
    BAD_SIGNATURE,
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_INACTIVE,
    Forged,
    open_api,
    refusal,
)
from cryptotrader.diagnostics.methods import method_tests
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import Finding, Outcome, Trial, within
from cryptotrader.errors import RequestInvalid, RequestRejected
from cryptotrader.models.account_models import SessionStatus
from cryptotrader.models.user_models import EventStreamTerminatedEvent, decode_user_data_event
from cryptotrader.protocol.api_session import Key
from cryptotrader.requests import (
    AccountStatusRequest,
    SessionLogonRequest,
    SessionLogoutRequest,
    SessionStatusRequest,
    SessionSubscriptionsRequest,
    TimeRequest,
    UserDataStreamSubscribeRequest,
    UserDataStreamSubscribeSignatureRequest,
    UserDataStreamUnsubscribeRequest,
)

MAX_OFFSET_MS = 1000
"""Between the exchange's clock and ours; Binance refuses signed requests from a clock that is further ahead."""

Check = Callable[[Trial], Awaitable[str | Finding]]
Events = asyncio.Queue[tuple[int | None, bytes]]


async def _run(name: str, check: Check, trial: Trial) -> str | Finding:  # noqa: ARG001 - as method_tests calls it
    return await check(trial)


@asynccontextmanager
async def _session(trial: Trial, key: Key | None = None) -> AsyncIterator[tuple[ApiConnection, Events]]:
    """A connection and the events that come on it; logged on with the key, if one is given."""
    events: Events = asyncio.Queue()
    async with open_api(trial, key, lambda number, event, _: events.put_nowait((number, event))) as api:
        if key is not None:
            await within(trial.timeout, "log-on", api.wait_logged_on())
        yield api, events


# ----------------------------------------------------------------------------------------------------------- sessions


async def _logon(trial: Trial) -> str | Finding:
    async with _session(trial) as (api, _):
        before = await api.call(SessionStatusRequest(), patience=trial.timeout)
        _require_nobody(before, "before the log-on")
        if not trial.key.can_log_on:
            return await _signing_instead(api, trial)
        forged = api.call(SessionLogonRequest(), key=Forged(trial.key))
        wrong = await refusal(forged, BAD_SIGNATURE, "a forged signature logged on")
        _require_nobody(await api.call(SessionStatusRequest()), "after a log-on that was refused")
        answer = await api.call(SessionLogonRequest(), key=trial.key)
        _require_logged_on(answer, trial, "the log-on's answer")
        _require_logged_on(await api.call(SessionStatusRequest()), trial, "session.status")
    async with _session(trial, trial.key) as (api, _):
        account = await api.call(AccountStatusRequest(omit_zero_balances=True))
        return f"account {account.uid} answers without a signature; a forged log-on is refused: {wrong.message}"


async def _signing_instead(api: ApiConnection, trial: Trial) -> Finding:
    """A key that cannot log on is refused, and signs each request."""
    kind = type(trial.key).__name__
    try:
        await api.call(SessionLogonRequest(), key=trial.key)
    except RequestRejected as error:
        refused = error
    else:
        raise AssertionError(f"{kind} logged on, which is for Ed25519 keys only")
    account = await api.call(AccountStatusRequest(omit_zero_balances=True), key=trial.key)
    return Finding(
        Outcome.SKIPPED,
        f"only Ed25519 keys log on; {kind} is refused ({refused.message}), and account {account.uid} answers to its "
        "signature",
    )


async def _status(trial: Trial) -> str:
    async with _session(trial) as (api, _):
        server = await api.call(TimeRequest(), patience=trial.timeout)
        sent = trial.environment.clock_ns() / 1e9
        status = await api.call(SessionStatusRequest())
        arrived = trial.environment.clock_ns() / 1e9
        _require_nobody(status, "on a fresh connection")
        require(server.server_time <= status.server_time, "the exchange's clock runs backwards")
        require(status.connected_since <= status.server_time, "connected since a time to come")
        offset = round(status.server_time - (sent + arrived) * 500)
        uncertain = (arrived - sent) * 500
        require(
            abs(offset) <= MAX_OFFSET_MS + uncertain, f"set this machine's clock: the exchange is {offset:+d} ms ahead"
        )
        if status.user_data_stream is None:
            return f"nobody is logged on, and there are no user data streams; the exchange is {offset:+d} ms ahead"
        require(not status.user_data_stream, "a user data stream is subscribed on a fresh connection")
        subscribe = UserDataStreamSubscribeSignatureRequest()
        await api.call(subscribe, key=trial.key)
        later = await api.call(SessionStatusRequest())
        require(later.user_data_stream, "a user data stream is subscribed, and session.status does not tell")
        require(later.connected_since == status.connected_since, "connected since another time than before")
        return f"nobody is logged on, a subscription is told; the exchange is {offset:+d} ms ahead"


async def _logout(trial: Trial) -> str:
    async with _session(trial) as (api, _):
        nobody = await api.call(SessionLogoutRequest(), patience=trial.timeout)
        _require_nobody(nobody, "after a log-out of nobody")
        if not trial.key.can_log_on:
            return "without effect where nobody is logged on; only Ed25519 keys log on"
        await api.call(SessionLogonRequest(), key=trial.key)
        _require_nobody(await api.call(SessionLogoutRequest()), "after the log-out")
        _require_nobody(await api.call(SessionStatusRequest()), "after the log-out, says session.status")
        kept = await api.call(UserDataStreamSubscribeSignatureRequest(), key=trial.key)
        await api.call(SessionLogonRequest(), key=trial.key)
        await api.call(SessionLogoutRequest())
        left = await api.call(SessionSubscriptionsRequest())
        require(kept in left, "the log-out ended a subscription by signature")
        return "the session is nobody's afterwards, and a subscription by signature outlives it"


def _require_nobody(status: SessionStatus, when: str) -> None:
    require(status.api_key is None and status.authorized_since is None, f"somebody is logged on {when}")


def _require_logged_on(status: SessionStatus, trial: Trial, who: str) -> None:
    require(status.api_key == trial.key.api_key, f"{who} tells another key than the one that logged on")
    since = status.authorized_since
    require(since is not None, f"{who} does not tell since when")
    require(
        since is not None and status.connected_since <= since <= status.server_time,
        f"{who}: logged on at {since}, connected at {status.connected_since}, and it is {status.server_time}",
    )


# -------------------------------------------------------------------------------------------------------- subscriptions


async def _subscriptions(trial: Trial) -> str:
    async with _session(trial) as (api, _):
        none = await api.call(SessionSubscriptionsRequest(), patience=trial.timeout)
        require(not none, f"{len(none)} subscriptions on a fresh connection")
        one = await api.call(UserDataStreamSubscribeSignatureRequest(), key=trial.key)
        told = await api.call(SessionSubscriptionsRequest())
        require(told == [one], f"subscription {one.subscription_id} is active, and {told} are told")
        return f"none on a fresh connection, then subscription {one.subscription_id}"


async def _subscribe(trial: Trial) -> str | Finding:
    async with _session(trial) as (api, _):
        try:
            await api.call(UserDataStreamSubscribeRequest(), key=trial.key, patience=trial.timeout)
        except (RequestInvalid, RequestRejected) as error:
            refused = error
        else:
            raise AssertionError("user data was subscribed on a session that nobody is logged on to")
    if not trial.key.can_log_on:
        why = "it needs a session that is logged on, which takes an Ed25519 key"
        return Finding(Outcome.SKIPPED, f"{why}; without one it is refused: {refused}")
    async with _session(trial, trial.key) as (api, events):
        number = (await api.call(UserDataStreamSubscribeRequest())).subscription_id
        again = UserDataStreamSubscribeRequest()
        await refusal(api.call(again), SUBSCRIPTION_ACTIVE, "the same user data was subscribed twice")
        await api.call(SessionLogoutRequest())
        await _require_terminated(events, number, trial)
        left = await api.call(SessionSubscriptionsRequest())
        require(not left, f"{len(left)} subscriptions outlive the log-out")
        return f"subscription {number} lasts until the log-out; without a log-on it is refused: {refused}"


async def _subscribe_signature(trial: Trial) -> str:
    async with _session(trial) as (api, _):
        request = UserDataStreamSubscribeSignatureRequest()
        forged = api.call(request, key=Forged(trial.key), patience=trial.timeout)
        wrong = await refusal(forged, BAD_SIGNATURE, "a forged signature subscribed")
        require(not await api.call(SessionSubscriptionsRequest()), "a subscription that was refused is active")
        number = (await api.call(request, key=trial.key)).subscription_id
        twice = api.call(request, key=trial.key)
        await refusal(twice, SUBSCRIPTION_ACTIVE, "the same user data was subscribed twice")
        return f"subscription {number}; a forged signature is refused: {wrong.message}"


async def _unsubscribe(trial: Trial) -> str:
    async with _session(trial) as (api, events):
        subscribe = UserDataStreamSubscribeSignatureRequest()
        first = (await api.call(subscribe, key=trial.key, patience=trial.timeout)).subscription_id
        end = UserDataStreamUnsubscribeRequest(subscription_id=first)
        await api.call(end)
        await _require_terminated(events, first, trial)
        again = await refusal(api.call(end), SUBSCRIPTION_INACTIVE, f"subscription {first} was ended twice")
        second = (await api.call(subscribe, key=trial.key)).subscription_id
        require(second > first, f"subscription {second} follows {first}")
        await api.call(UserDataStreamUnsubscribeRequest())
        await _require_terminated(events, second, trial)
        require(not await api.call(SessionSubscriptionsRequest()), "subscriptions are left when all were ended")
        return f"subscriptions {first} and {second} were ended; once more is refused: {again.message}"


async def _require_terminated(events: Events, number: int, trial: Trial) -> None:
    """The end of a subscription is told; other events of the account may come before."""
    while True:
        told, event = await within(trial.timeout, f"eventStreamTerminated of subscription {number}", events.get())
        if isinstance(decode_user_data_event(event), EventStreamTerminatedEvent):
            require(told == number, f"subscription {told} was ended instead of {number}")
            return


CHECKS: dict[str, Check] = {
    "session.logon": _logon,
    "session.status": _status,
    "session.logout": _logout,
    "session.subscriptions": _subscriptions,
    "userDataStream.subscribe": _subscribe,
    "userDataStream.subscribe.signature": _subscribe_signature,
    "userDataStream.unsubscribe": _unsubscribe,
}

SCRIPT = Script(
    feature="Binance session and user data stream requests",
    tests=method_tests(("session", "user_data_stream"), CHECKS, _run),
    needs_key=True,
)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))
