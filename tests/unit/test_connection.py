"""How connections are kept up: back-off, attempts, budgets, and what happens when our own code fails."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from itertools import cycle, pairwise

import pytest

from cryptotrader.base_operations import AddressBudgets, ConnectionState, api_connection, stream_connection
from cryptotrader.config import Backoff, Endpoint, Timeouts
from cryptotrader.errors import ConfigurationError, ConnectFailed, OutcomeUnknown
from cryptotrader.protocol.limits import SlidingBudget
from cryptotrader.requests import PingRequest
from scripted_dialer import ScriptedDialer, comes
from virtual_clock import running_loop

ENDPOINT = Endpoint.local(1)
TRADE = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true,"M":true}}'
)
STEADY = Backoff(initial=1.0, factor=2.0, maximum=60.0, healthy_after=60.0, jitter=False)
PATIENT = Timeouts(stale=1_000.0)  # that nobody pings is of no account here


class Kept:
    """A connection for one stream, and what it told."""

    def __init__(self, dialer, *, backoff=STEADY, timeouts=PATIENT, **callbacks):
        self.lost, self.failed, self.shutdowns, self.events = [], [], [], []
        options = {"on_lost": self.lost.append, "on_confirmed": lambda _: None} | callbacks
        self.connection = stream_connection(
            ENDPOINT,
            on_shutdown=self.shutdowns.append,
            on_problem=lambda stream, error: pytest.fail(f"{stream}: {error}"),
            on_failed=self.failed.append,
            backoff=backoff,
            timeouts=timeouts,
            environment=dialer.environment(),
            **options,
        )
        self.connection.session.add("btcusdt@trade", lambda event, _: self.events.append(event))
        self.connection.open()


def lives(seconds, *frames):
    """A connection that brings some frames at once, and is cut when it has lived so long."""

    def act(end):
        for frame in frames:
            end.say(frame)
        running_loop().call_later(seconds, end.transport.abort)

    return act


async def dials_of(act, count, **options):
    """Seconds between the end of a connection, which lives as the act says, and the dial of the next one."""
    dialer = ScriptedDialer(act)
    kept = Kept(dialer, **options)
    await comes(lambda: len(dialer.times) > count)
    await kept.connection.close()
    return kept, [round(after - before, 3) for before, after in pairwise(dialer.times)][:count]


# ---------------------------------------------------------------------------------------------------------- back-off


async def test_a_connection_that_flaps_is_dialled_ever_more_rarely():
    kept, pauses = await dials_of(lives(0.0, TRADE), 9)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(kept.events) >= 9
    assert kept.failed == []


async def test_the_back_off_begins_anew_only_after_a_connection_that_lived_long_enough():
    dialer = ScriptedDialer(*[lives(0.0, TRADE)] * 3, lives(59.9, TRADE), lives(60.0, TRADE), lives(0.0, TRADE))
    kept = Kept(dialer)
    await comes(lambda: len(dialer.times) >= 8)
    await kept.connection.close()
    pauses = [after - before for before, after in pairwise(dialer.times)]

    assert pauses[:7] == pytest.approx([1, 2, 4, 59.9 + 8, 60 + 1, 2, 4])


async def test_a_connection_on_which_nothing_was_said_does_not_count_as_healthy():
    _, pauses = await dials_of(lives(61.0), 4)

    assert pauses == [61 + 1, 61 + 2, 61 + 4, 61 + 8]


async def test_jitter_draws_the_pause_from_zero_to_its_bound():
    dialer, chances = ScriptedDialer(lives(0.0, TRADE)), cycle([0.5, 0.25, 0.0, 1.0])
    connection = stream_connection(
        ENDPOINT,
        on_shutdown=print,
        on_confirmed=lambda _: None,
        on_problem=print,
        backoff=Backoff(initial=1.0, factor=2.0, maximum=60.0),
        environment=dialer.environment(random=lambda: next(chances)),
    )
    connection.session.add("btcusdt@trade", lambda event, _: None)
    connection.open()
    await comes(lambda: len(dialer.times) >= 5)
    await connection.close()

    assert [after - before for before, after in pairwise(dialer.times)][:4] == pytest.approx([0.5, 0.5, 0.0, 8.0])


def announces_its_end(end):
    end.say('{"e":"serverShutdown","E":5}')


async def test_a_server_that_goes_down_is_left_at_once_the_first_time_and_with_a_back_off_when_it_goes_on_so():
    kept, pauses = await dials_of(announces_its_end, 4)

    assert pauses == [0, 2, 4, 8]
    assert len(kept.shutdowns) >= 4
    assert kept.lost[:4] == ["server shutdown"] * 4


async def test_a_refusal_that_says_how_long_to_wait_is_obeyed():
    dialer = ScriptedDialer(ConnectFailed("banned", retry_after=300.0), ConnectFailed("refused", retry_after=0.5))
    kept = Kept(dialer)
    await comes(lambda: len(dialer.times) >= 3)
    await kept.connection.close()

    assert dialer.times == [0, 300, 302]


async def test_the_budget_of_connections_is_waited_for():
    dialer, budgets = ScriptedDialer(), AddressBudgets()
    for _ in range(budgets.connections.limit):
        budgets.connections.spend(0.0)
    connection = api_connection(ENDPOINT, environment=dialer.environment(budgets=budgets))
    connection.open()
    with pytest.raises(ConnectFailed, match="not connected within 10 s"):
        await connection.wait_open()
    assert dialer.times == []
    assert connection.state is ConnectionState.WAITING
    await connection.wait_open(1_000.0)
    await connection.close()

    assert dialer.times == [budgets.connections.window]


async def test_attempts_are_spent_whether_they_succeed_or_not():
    dialer = ScriptedDialer(ConnectFailed("refused"), lives(0.0, TRADE))
    budgets = AddressBudgets(connections=SlidingBudget(3, 100.0))
    connection = api_connection(ENDPOINT, backoff=STEADY, environment=dialer.environment(budgets=budgets))
    connection.open()
    await comes(lambda: len(dialer.times) >= 5)
    await connection.close()

    assert dialer.times[:5] == [0, 1, 3, 100, 108]


# ---------------------------------------------------------------------------------------------------------- attempts


async def failed(kept):
    with pytest.raises(ConnectFailed, match="gave up") as raised:
        await kept.connection.wait_open(10_000.0)
    assert kept.failed == [raised.value]
    assert kept.connection.state is ConnectionState.CLOSED
    await kept.connection.close()
    return raised.value


async def test_attempts_that_fail_are_counted_and_the_last_error_is_told():
    refusal = ConnectFailed("ws://x: refused", url="ws://x", status=503)
    dialer = ScriptedDialer(refusal)
    error = await failed(Kept(dialer, backoff=Backoff(attempts=4, jitter=False)))

    assert (error.attempts, error.status, error.url) == (4, 503, "ws://x")
    assert error.__cause__ is refusal
    assert str(error) == "gave up after 4 attempts: ws://x: refused"
    assert dialer.times == [0, 1, 3, 7]


async def test_connections_that_end_without_a_word_are_failed_attempts():
    dialer = ScriptedDialer(lives(0.0))
    kept = Kept(dialer, backoff=Backoff(attempts=3, jitter=False))
    await comes(lambda: kept.failed)

    assert len(dialer.times) == 3
    assert str(kept.failed[0]) == ("gave up after 3 attempts: ws://127.0.0.1:1: dropped by the server")
    assert kept.lost == ["dropped by the server"] * 3
    await kept.connection.close()


@pytest.mark.parametrize("act", [lives(0.0, TRADE), lives(60.0)], ids=["with data", "long enough"])
async def test_connections_that_were_of_use_are_no_failed_attempts(act):
    kept, pauses = await dials_of(act, 6, backoff=Backoff(attempts=2, jitter=False))

    assert len(pauses) == 6
    assert kept.failed == []


async def test_failures_are_counted_in_a_row():
    refusal = ConnectFailed("refused")
    dialer = ScriptedDialer(refusal, lives(0.0, TRADE), refusal, lives(0.0, TRADE), refusal, refusal)
    await failed_after(dialer, Kept(dialer, backoff=Backoff(attempts=2, jitter=False)), 6)


async def failed_after(dialer, kept, dials):
    await comes(lambda: kept.failed)
    await kept.connection.close()
    assert len(dialer.times) == dials


async def test_who_limits_the_attempts_is_not_made_to_wait_for_the_end_of_a_ban():
    dialer = ScriptedDialer(ConnectFailed("banned", status=418, retry_after=11.0))
    error = await failed(Kept(dialer, backoff=Backoff(attempts=5), timeouts=Timeouts(open=10.0)))

    assert (error.attempts, error.status, error.retry_after) == (1, 418, 11.0)


async def test_who_limits_the_attempts_waits_for_the_end_of_a_ban_that_is_no_longer_than_opening_may_take():
    dialer = ScriptedDialer(ConnectFailed("banned", retry_after=10.0))
    error = await failed(Kept(dialer, backoff=Backoff(attempts=2), timeouts=Timeouts(open=10.0)))

    assert (error.attempts, dialer.times) == (2, [0, 10])


async def test_who_is_refused_without_a_word_of_when_to_come_back_waits_for_the_back_off_alone():
    dialer = ScriptedDialer(ConnectFailed("refused"))
    await failed(Kept(dialer, backoff=Backoff(initial=0.25, attempts=3), timeouts=Timeouts(open=0.5)))

    assert dialer.times == [0, 0.25, 0.75]


async def test_who_does_not_limit_them_waits_and_is_told_the_last_failure():
    kept = Kept(ScriptedDialer(ConnectFailed("ws://x: refused", status=429, retry_after=700.0)))
    with pytest.raises(ConnectFailed, match="not connected within 10 s: ws://x: refused") as raised:
        await kept.connection.wait_open()

    assert (raised.value.status, raised.value.retry_after) == (429, 700.0)
    assert kept.failed == []
    await kept.connection.close()


# --------------------------------------------------------------------------------------------- errors in our own code


async def test_an_error_of_the_dialer_that_nobody_foresaw_is_told_to_those_who_wait():
    error = ZeroDivisionError("our own")
    kept = Kept(ScriptedDialer(error))
    with pytest.raises(ConnectFailed, match="internal error: ZeroDivisionError") as raised:
        await kept.connection.wait_open()

    assert raised.value.__cause__ is error
    assert kept.failed == [raised.value]
    assert kept.connection.state is ConnectionState.CLOSED
    await kept.connection.close()


def fails(*_):
    raise ZeroDivisionError("our own")


async def test_an_error_while_a_connection_is_taken_into_use_is_told_and_leaves_no_socket_behind():
    dialer = ScriptedDialer()
    kept = Kept(dialer, on_confirmed=fails)
    with pytest.raises(ConnectFailed, match="internal error: ZeroDivisionError"):
        await kept.connection.wait_open()
    await asyncio.sleep(0.1)

    assert kept.lost == ["ZeroDivisionError('our own')"]
    assert len(kept.failed) == 1
    assert [end.ended for end in dialer.ends] == ["dropped by the client"]
    await kept.connection.close()


async def test_an_error_of_who_is_told_of_a_loss_is_told_to_those_who_wait():
    kept = Kept(ScriptedDialer(lives(5.0, TRADE)), on_lost=fails)
    await kept.connection.wait_open()
    await comes(lambda: kept.failed)

    with pytest.raises(ConnectFailed, match="internal error: ZeroDivisionError"):
        await kept.connection.wait_open()
    await kept.connection.close()


async def test_requests_on_their_way_are_answered_when_our_own_code_fails():
    told = []

    def lost(reason):
        told.append(reason)
        raise ZeroDivisionError("our own")

    dialer = ScriptedDialer(answer=lambda _: None)
    connection = api_connection(ENDPOINT, on_lost=lost, environment=dialer.environment())
    calls = [asyncio.ensure_future(connection.call(PingRequest())) for _ in range(3)]
    await asyncio.sleep(1.0)
    dialer.ends[0].transport.abort()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in results] == [OutcomeUnknown] * 3
    with pytest.raises(ConnectFailed, match="internal error: ZeroDivisionError"):
        await connection.wait_open()
    await connection.close()


async def test_a_connection_that_gave_up_may_be_opened_again():
    dialer = ScriptedDialer(ZeroDivisionError("our own"), lambda _: None)
    kept = Kept(dialer)
    with pytest.raises(ConnectFailed, match="internal error"):
        await kept.connection.wait_open()
    kept.connection.open()
    await kept.connection.wait_open()

    assert kept.connection.state is ConnectionState.OPEN
    await kept.connection.close()
    with pytest.raises(ConnectFailed, match="closed by its owner"):
        kept.connection.open()


# ------------------------------------------------------------------------------------------------------- keep alive


async def test_a_stream_that_sends_events_and_no_pings_is_kept():
    def busy(end):
        end.say(TRADE)
        running_loop().call_later(30.0, busy, end)

    dialer = ScriptedDialer(busy)
    kept = Kept(dialer, timeouts=Timeouts(stale=50.0))
    await asyncio.sleep(600.0)

    assert dialer.times == [0]
    assert kept.lost == []
    assert len(kept.events) == 20
    await kept.connection.close()


async def test_a_far_end_that_says_nothing_is_left_after_the_time_for_it_and_a_fifth_for_the_watch():
    dialer = ScriptedDialer()
    kept = Kept(dialer, timeouts=Timeouts(stale=50.0))
    await comes(lambda: kept.lost)

    assert kept.lost == ["nothing received for 50 s"]
    assert 50 <= running_loop().time() <= 61
    await kept.connection.close()


async def test_closing_waits_for_the_far_end_no_longer_than_its_time():
    dialer = ScriptedDialer(lambda end: end.transport.freeze())
    kept = Kept(dialer, timeouts=Timeouts(close=0.5))
    await kept.connection.wait_open()
    await asyncio.sleep(1.0)
    before = running_loop().time()
    await kept.connection.close()

    assert running_loop().time() - before == 0.5
    assert kept.connection.state is ConnectionState.CLOSED
    assert kept.lost == ["closed by this side"]
    dialer.ends[0].say(TRADE)
    await asyncio.sleep(0.1)
    assert kept.events == []  # the socket is gone


async def test_closing_says_so_to_the_far_end_and_leaves_nothing_running():
    dialer = ScriptedDialer()
    kept = Kept(dialer)
    await kept.connection.wait_open()
    await kept.connection.close()

    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert running_loop().time() == 0
    await asyncio.sleep(0.1)
    assert [end.ended for end in dialer.ends] == ["closed by the client: 1000"]


def test_a_connection_is_made_where_an_event_loop_runs():
    with pytest.raises(ConfigurationError, match=r"no event loop is running: make it in a coroutine"):
        api_connection(ENDPOINT)


async def test_a_connection_that_was_never_opened_is_waited_for_in_vain():
    connection = api_connection(ENDPOINT, environment=ScriptedDialer().environment())
    with pytest.raises(ConnectFailed, match="/ws-api/v3: the connection is closed"):
        await connection.wait_open()

    assert connection.url == "ws://127.0.0.1:1/ws-api/v3"
    await connection.close()
    assert connection.is_shut


async def test_a_connection_is_given_up_for_a_new_one_when_it_is_asked_to():
    dialer = ScriptedDialer()
    kept = Kept(dialer)
    await kept.connection.wait_open()
    kept.connection.reconnect("enough of it")
    assert kept.connection.state is ConnectionState.OPEN
    await asyncio.sleep(0.01)
    assert kept.connection.state is ConnectionState.WAITING
    assert kept.lost == ["enough of it"]
    await comes(lambda: len(dialer.ends) == 2)

    assert kept.lost == ["enough of it"]
    assert [end.ended for end in dialer.ends] == ["dropped by the client", None]
    await kept.connection.close()


async def test_who_waits_is_told_as_soon_as_the_connection_is_about_to_be_closed():
    kept = Kept(ScriptedDialer(ConnectFailed("refused")))
    waiting = asyncio.ensure_future(kept.connection.wait_open())
    await asyncio.sleep(0.1)
    kept.connection.shut()
    assert kept.connection.state is ConnectionState.CLOSING
    with pytest.raises(ConnectFailed, match="closed by its owner"):
        await waiting
    assert running_loop().time() == 0.1
    await kept.connection.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}

    assert kept.connection.state is ConnectionState.CLOSED


async def test_a_connection_that_ends_twice_ends_for_the_first_reason():
    dialer = ScriptedDialer()
    kept = Kept(dialer)
    await kept.connection.wait_open()
    kept.connection.on_closed("the first")
    kept.connection.on_closed("the second")
    await comes(lambda: len(dialer.ends) == 2)

    assert kept.lost == ["the first"]
    assert kept.failed == []
    await kept.connection.close()


async def test_pings_are_answered_at_once():
    dialer = ScriptedDialer(lambda end: end.transport.ping(b"12"))
    kept = Kept(dialer)
    await asyncio.sleep(0.1)

    assert dialer.ends[0].pongs == [b"12"]
    await kept.connection.close()


# -------------------------------------------------------------------------------------------------------------- dials


@pytest.mark.parametrize(("url", "modes"), [("ws://x:1", [None]), ("wss://x:1", [ssl.CERT_REQUIRED])])
async def test_certificates_are_verified_where_the_address_asks_for_encryption(url, modes):
    dialer, contexts, states = ScriptedDialer(), [], []

    async def dial(url, handler, *, timeout, tls):
        contexts.append((timeout, tls))
        states.append(connection.state)
        return await dialer(url, handler, timeout=timeout, tls=tls)

    environment = replace(dialer.environment(), dial=dial)
    connection = api_connection(Endpoint.from_url(url), timeouts=Timeouts(open=7.0), environment=environment)
    connection.open()
    await connection.wait_open()
    connection.reconnect("once more")
    await comes(lambda: len(dialer.ends) == 2)
    await connection.close()

    assert [tls and tls.verify_mode for _, tls in contexts] == modes * 2
    assert [timeout for timeout, _ in contexts] == [7.0] * 2
    assert states == [ConnectionState.CONNECTING] * 2
