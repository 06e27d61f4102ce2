from __future__ import annotations

import json
import random
from decimal import Decimal

import pytest

from cryptotrader.config import Timeouts, TimeUnit
from cryptotrader.credentials import HmacKey
from cryptotrader.errors import (
    Banned,
    DecodeFailed,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    RequestRejected,
    UnexpectedFrame,
)
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.models.market_models import ServerTime
from cryptotrader.protocol.api_session import ApiSession, Identity
from cryptotrader.protocol.limits import GUARD_SECONDS, OrderBudget, WeightBudget
from cryptotrader.requests import (
    AccountStatusRequest,
    DepthRequest,
    OrderCancelRequest,
    OrderPlaceRequest,
    PingRequest,
    ReferencePriceRequest,
    SessionLogonRequest,
    SessionLogoutRequest,
    SessionStatusRequest,
    TimeRequest,
    TradesHistoricalRequest,
    UserDataStreamSubscribeRequest,
)

WALL = 1_700_000_000.0


class Told:
    """A session on an open connection, and everything that it told. Its clock starts at 0, Unix time at ``WALL``."""

    def __init__(self, **options):
        self.weights = WeightBudget()
        self.problems = []
        self.shutdowns = []
        self.answers = {}
        self.session = ApiSession(
            weights=self.weights, on_shutdown=self.shutdowns.append, on_problem=self.problems.append, **options
        )
        self.session.opened(0.0, WALL)

    def send(self, request, *, now=0.0, timeout=10.0, identity=None):
        number = self.session.send(
            request,
            request.params(),
            now=now,
            timeout=timeout,
            resolve=lambda result: self.answers.__setitem__(number, result),
            reject=lambda error: self.answers.__setitem__(number, error),
            identity=identity,
        )
        return number

    def reply(self, number, *, now=0.0, **body):
        self.session.receive(json.dumps({"id": number, "status": 200} | body).encode(), int((WALL + now) * 1e9), now)


def limits(count):
    return [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": count}]


def test_a_reply_is_decoded_into_the_result_of_its_request():
    told = Told()
    number = told.send(TimeRequest())

    assert json.loads(told.session.outbox.popleft()[1]) == {"id": number, "method": "time"}
    told.reply(number, result={"serverTime": 5, "novelty": 1}, rateLimits=limits(3))
    assert told.answers == {number: ServerTime(server_time=5)}
    assert told.session.in_flight == 0


def test_ten_thousand_replies_in_random_order_find_their_requests():
    told = Told()
    numbers = [told.send(TimeRequest()) for _ in range(10_000)]
    shuffled = numbers.copy()
    random.Random(1).shuffle(shuffled)
    for number in shuffled:
        told.reply(number, result={"serverTime": number})

    assert [told.answers[number].server_time for number in numbers] == numbers


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -1121, RequestRejected),
        (403, -1000, RequestRejected),
        (429, -1003, RateLimited),
        (418, -1003, Banned),
        (500, -1000, OutcomeUnknown),
        (503, -1008, OutcomeUnknown),
        (400, -1006, OutcomeUnknown),
        (400, -1007, OutcomeUnknown),
    ],
)
def test_errors_are_typed(status, code, kind):
    told = Told()
    number = told.send(DepthRequest(symbol="X"))
    told.reply(number, status=status, error={"code": code, "msg": "text"})

    assert type(told.answers[number]) is kind
    assert told.answers[number].method == "depth"


def test_a_lost_connection_fails_its_requests_at_once():
    told = Told()
    numbers = [told.send(PingRequest()) for _ in range(3)]
    told.session.lost("reset by peer", 1.0)

    assert all(isinstance(told.answers[number], OutcomeUnknown) for number in numbers)
    assert told.answers[numbers[0]].why == "reset by peer"
    assert not told.session.outbox


def test_a_missing_reply_is_an_unknown_outcome_and_a_late_one_is_counted():
    told = Told()
    slow = told.send(PingRequest(), timeout=5.0)
    patient = told.send(PingRequest(), timeout=8.0)
    assert told.session.tick(0.0) == 5.0
    told.session.tick(5.0)
    assert isinstance(told.answers[slow], OutcomeUnknown)
    assert patient not in told.answers

    told.reply(slow, result={}, now=5.1)
    assert told.session.counters["unmatched"] == 1
    assert isinstance(told.answers[slow], OutcomeUnknown)


def test_a_result_of_another_form_is_told_with_the_frame():
    told = Told()
    number = told.send(TimeRequest())
    told.reply(number, result={"serverTime": "soon"})

    assert isinstance(told.answers[number], DecodeFailed)
    assert b"soon" in told.answers[number].payload


def test_an_error_inside_a_result_is_an_error():
    told = Told()
    number = told.send(ReferencePriceRequest(symbol="X"))
    told.reply(number, result={"code": -2043, "msg": "This symbol doesn't have a reference price."})

    assert isinstance(told.answers[number], RequestRejected)
    assert (told.answers[number].status, told.answers[number].code) == (400, -2043)


def test_weights_follow_the_counts_of_the_server_and_what_is_on_its_way():
    told = Told()
    assert told.weights.used == 2  # opening the connection
    number = told.send(TradesHistoricalRequest(symbol="X"))
    told.send(TradesHistoricalRequest(symbol="X"))
    assert told.weights.used == 52

    told.reply(number, result=[], rateLimits=limits(5000))
    assert told.weights.used == 5025
    assert told.session.wait(DepthRequest(symbol="X", limit=5000), 1.0) == 0.0
    for _ in range(4):
        told.send(DepthRequest(symbol="X", limit=5000), now=1.0)
    wait = told.session.wait(DepthRequest(symbol="X", limit=5000), 1.0)
    assert wait == pytest.approx(60 - (WALL + 1.0) % 60 + GUARD_SECONDS)


def test_retry_after_closes_the_budget_until_then():
    told = Told()
    number = told.send(PingRequest())
    told.reply(
        number,
        status=429,
        error={"code": -1003, "msg": "m", "data": {"serverTime": 1, "retryAfter": int((WALL + 90) * 1000)}},
    )

    assert told.session.wait(PingRequest(), 0.0) == pytest.approx(90)
    assert told.session.wait(PingRequest(), 90.0) == 0.0
    assert told.answers[number].retry_after == int((WALL + 90) * 1000)
    assert str(told.answers[number]) == "ping: m (code -1003, status 429): send nothing before 2023-11-14 22:14:50 UTC"


def test_server_shutdown_lets_replies_come_and_takes_no_new_requests():
    told = Told()
    number = told.send(PingRequest())
    told.session.receive(b'{"event":{"e":"serverShutdown","E":9}}', int(WALL * 1e9), 0.0)
    assert [event.event_time for event in told.shutdowns] == [9]
    assert not told.session.accepts_requests
    told.session.tick(0.1)
    assert told.session.dead is None

    told.reply(number, result={}, now=0.2)
    told.session.tick(0.2)
    assert told.session.dead == "server shutdown"
    assert told.session.redial_at_once


def test_garbage_and_strays_are_told():
    told = Told()
    told.session.receive(b"garbage", 0, 0.0)
    told.session.receive(b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}', 0, 0.0)
    told.session.receive(b'{"event":{"e":"novelty"}}', 0, 0.0)

    assert [type(problem) for problem in told.problems] == [DecodeFailed, UnexpectedFrame, UnexpectedFrame]


def test_silence_ends_the_connection():
    told = Told(timeouts=Timeouts(stale=50))
    told.session.tick(49.0)
    assert told.session.dead is None
    told.session.tick(50.0)

    assert told.session.dead == "nothing received for 50 s"


def test_the_time_unit_stands_in_the_url():
    told = Told(time_unit=TimeUnit.MICROSECOND)

    assert told.session.url("ws://x/ws-api/v3") == "ws://x/ws-api/v3?timeUnit=MICROSECOND"


class Unlocked:
    """A key whose session is logged on."""

    api_key, can_log_on = "name", True

    def sign(self, payload):
        return "signed"


def logged_on(*requests, ad_hoc=False):
    """A session that is logged on, with requests on their way."""
    told = Told()
    told.session.logged_on_as = Unlocked.api_key
    identity = Identity(Unlocked(), OrderBudget(), ad_hoc=ad_hoc)
    return told, [told.send(request, identity=identity) for request in requests]


REVOKED = b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}'


def test_a_request_that_is_refused_with_the_session_s_key_is_told_so_though_the_reply_does_not_name_it():
    told, (number,) = logged_on(AccountStatusRequest())
    other = told.send(PingRequest())
    told.session.receive(REVOKED, 0, 1.0)

    assert told.session.logged_on_as is None
    assert (told.answers[number].code, told.answers[number].status) == (-2015, 401)
    assert other not in told.answers
    assert [type(problem) for problem in told.problems] == [UnexpectedFrame]


@pytest.mark.parametrize("ad_hoc", [True, False])
def test_a_refusal_that_could_be_of_several_requests_is_given_to_none(ad_hoc):
    told, numbers = logged_on(AccountStatusRequest(), AccountStatusRequest(), ad_hoc=ad_hoc)
    told.session.receive(REVOKED, 0, 1.0)

    in_doubt = [] if ad_hoc else numbers
    assert {number: type(answer) for number, answer in told.answers.items()} == dict.fromkeys(in_doubt, OutcomeUnknown)
    assert [type(problem) for problem in told.problems] == [UnexpectedFrame]
    assert told.session.in_flight == len(numbers) - len(in_doubt)


def test_a_refusal_of_a_request_that_is_waited_for_no_more_is_not_taken_for_an_older_one_s():
    told, (older, newer) = logged_on(AccountStatusRequest(), AccountStatusRequest())
    told.session.forget(newer, 1.0)
    told.session.receive(REVOKED, 0, 1.0)

    assert isinstance(told.answers[older], OutcomeUnknown)


# ------------------------------------------------------------------------------------------------------ whose session


MINE, OTHER = HmacKey("mine", "secret"), HmacKey("other", "secret")


def sent_frame(told):
    return json.loads(told.session.outbox.pop()[1])


def ask_as(told, key, request=None, **options):
    identity = Identity(key, OrderBudget(), **options)
    number = told.send(request or AccountStatusRequest(), identity=identity)
    return number, "signature" in sent_frame(told)["params"]


def log_on_as(told, key, *, api_key=None):
    number, _ = ask_as(told, key, SessionLogonRequest())
    told.reply(number, result=status_of(api_key or key.api_key))


def status_of(api_key):
    return {
        "apiKey": api_key,
        "authorizedSince": 1,
        "connectedSince": 1,
        "returnRateLimits": True,
        "serverTime": 1,
        "userDataStream": False,
    }


def test_a_session_stands_for_the_key_that_is_logged_on_and_for_no_other():
    told = Told()
    assert ask_as(told, MINE)[1]
    log_on_as(told, MINE)
    assert not ask_as(told, MINE)[1]
    assert ask_as(told, MINE, ad_hoc=True)[1]
    assert ask_as(told, OTHER)[1]

    number, _ = ask_as(told, OTHER, SessionLogonRequest())
    assert ask_as(told, MINE)[1]  # the answer is on its way, and either may be logged on
    told.reply(number, result=status_of("other"))
    assert ask_as(told, MINE)[1]
    assert not ask_as(told, OTHER)[1]


def test_requests_are_signed_from_the_moment_a_log_out_is_sent():
    told = Told()
    log_on_as(told, MINE)
    told.send(SessionLogoutRequest())
    told.session.outbox.clear()

    assert ask_as(told, MINE)[1]


def test_an_answer_that_was_overtaken_by_another_log_on_does_not_count():
    told = Told()
    first, _ = ask_as(told, MINE, SessionLogonRequest())
    second, _ = ask_as(told, OTHER, SessionLogonRequest())
    told.reply(first, result=status_of("mine"))
    assert told.session.logged_on_as is None
    told.reply(second, status=400, error={"code": -2015, "msg": "m"})
    assert told.session.logged_on_as is None

    status = told.send(SessionStatusRequest())
    told.reply(status, result=status_of("mine"))
    assert told.session.logged_on_as == "mine"


def test_a_key_that_is_revoked_leaves_what_the_session_stood_for_unknown():
    told, signed_off = Told(), []
    told.session.on_signed_off = signed_off.append
    log_on_as(told, MINE)
    by_session, _ = ask_as(told, MINE)
    ask_as(told, MINE)
    signed, _ = ask_as(told, OTHER)
    public = told.send(TimeRequest())
    told.session.receive(b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}', 0, 0.0)

    assert told.session.logged_on_as is None
    assert [error.code for error in signed_off] == [-2015]
    assert isinstance(told.answers[by_session], OutcomeUnknown)
    assert "Invalid API-key" in str(told.answers[by_session])
    assert signed not in told.answers
    assert public not in told.answers


# ---------------------------------------------------------------------------------------------------------- clocks


def test_a_wall_clock_that_is_set_moves_no_budget_and_no_deadline():
    told = Told()
    number = told.send(PingRequest())
    body = {"id": number, "status": 200, "result": {}, "rateLimits": limits(5990)}
    told.session.receive(json.dumps(body).encode(), int((WALL + 3600) * 1e9), 1.0)
    assert told.session.wait(TimeRequest(), 1.0) == pytest.approx(60 - (WALL + 1.0) % 60 + GUARD_SECONDS)

    told.session.receive(b'{"event":{"e":"serverShutdown","E":9}}', int((WALL + 3600) * 1e9), 1.0)
    told.send(PingRequest(), now=1.0)
    told.session.tick(1.9)
    assert told.session.dead is None
    told.session.tick(2.0)
    assert told.session.dead == "server shutdown"


def test_a_wall_clock_that_is_set_between_two_connections_is_not_believed():
    told = Told()
    told.session.observe_time(0.0, int((WALL + 5) * 1000), 0.0)
    told.session.lost("gone", 1.0)
    told.session.opened(2.0, WALL + 2.0 + 3600)

    assert told.session.timestamp(2.0) == int((WALL + 7) * 1000)
    assert not told.session.clock.is_known  # but looked at anew


# ---------------------------------------------------------------------------------------------------------- reserve


def test_reads_leave_weight_for_what_cancels():
    told = Told()
    number = told.send(TimeRequest())
    told.reply(number, result={"serverTime": 1}, rateLimits=limits(5700))

    assert told.session.wait(OrderCancelRequest(symbol="BTCUSDT", order_id=1), 0.0) == 0.0
    assert told.session.wait(TimeRequest(), 0.0) > 0
    assert told.session.wait(TimeRequest(), 0.0, urgent=True) == 0.0


# ----------------------------------------------------------------------------- weight of replies without rateLimits

FREE, CHARGED = OrderCancelRequest(symbol="BTCUSDT", order_id=1), DepthRequest(symbol="BTCUSDT", limit=5000)
REFUSED = {"status": 400, "error": {"code": -2011, "msg": "Unknown order sent."}}
CANCELLED = {
    "result": {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "orderListId": -1,
        "clientOrderId": "a",
        "origClientOrderId": "b",
        "transactTime": 1,
    }
}
BOOK = {"result": {"lastUpdateId": 1, "bids": [], "asks": []}}


@pytest.mark.parametrize(
    ("request_", "answer", "charged"),
    [(FREE, CANCELLED, 0), (FREE, REFUSED, 1), (CHARGED, BOOK, 250), (CHARGED, REFUSED, 250)],
    ids=["free, answered", "free, refused", "charged, answered", "charged, refused"],
)
def test_without_counts_of_the_exchange_a_reply_costs_what_is_documented(request_, answer, charged):
    told = Told()
    before = told.weights.used
    number = told.send(request_, identity=Identity(MINE, OrderBudget()))
    assert told.weights.used == before + request_.weight
    told.reply(number, **answer)

    assert number in told.answers
    assert type(told.answers[number]).__name__ != "DecodeFailed"
    assert told.weights.used == before + charged


@pytest.mark.parametrize("answer", [CANCELLED, REFUSED])
def test_a_count_of_the_exchange_is_all_that_a_reply_costs(answer):
    told = Told()
    number = told.send(FREE, identity=Identity(MINE, OrderBudget()))
    told.reply(number, rateLimits=limits(40), **answer)

    assert told.weights.used == 40


def test_what_is_not_answered_has_cost_its_weight():
    told = Told()
    late, forgotten, lost = (told.send(CHARGED, timeout=timeout) for timeout in (5.0, 9.0, 9.0))
    told.session.tick(5.0)
    told.session.forget(forgotten, 5.0)
    told.session.lost("gone", 5.0)

    assert sorted(told.answers) == [late, lost]
    assert told.weights.used == 2 + 3 * 250


# ----------------------------------------------------------------------------------------------- orders of an account

PLACED = {"symbol": "BTCUSDT", "orderId": 1, "orderListId": -1, "clientOrderId": "a", "transactTime": 1}


def order_limits(count):
    return [{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": count}]


def place(told, orders, **reply):
    request = OrderPlaceRequest(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1))
    number = told.send(request, identity=Identity(MINE, orders))
    if reply:
        told.reply(number, **reply)
    return number


def left(orders):
    """How many orders may be sent in these ten seconds."""
    return next(count for count in range(50, -1, -1) if orders.wait(count, WALL) == 0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"result": PLACED}, 49),
        ({"result": PLACED, "rateLimits": order_limits(7)}, 43),
        ({"status": 400, "error": {"code": -2010, "msg": "no"}}, 50),
        ({"status": 400, "error": {"code": -2010, "msg": "no"}, "rateLimits": order_limits(7)}, 43),
        ({}, 49),  # on its way
    ],
    ids=["placed", "placed and counted", "refused", "refused and counted", "on its way"],
)
def test_an_order_costs_one_unless_it_is_refused_or_the_exchange_tells_its_count(answer, expected):
    told, orders = Told(), OrderBudget()
    number = place(told, orders, **answer)

    assert type(told.answers.get(number)).__name__ != "DecodeFailed"
    assert left(orders) == expected


def test_an_order_whose_answer_is_missing_is_taken_for_placed():
    told, orders = Told(), OrderBudget()
    place(told, orders)
    told.session.lost("gone", 0.0)

    assert left(orders) == 49


def test_too_many_orders_close_the_budget_of_the_account_and_not_that_of_the_weight():
    told, orders = Told(), OrderBudget()
    data = {"serverTime": 1, "retryAfter": int((WALL + 30) * 1000)}
    number = place(told, orders, status=429, error={"code": -1015, "msg": "Too many new orders.", "data": data})

    assert isinstance(told.answers[number], RateLimited)
    assert orders.wait(1, WALL) == pytest.approx(30)
    assert told.weights.wait(1, WALL) == 0.0
    identity = Identity(MINE, orders)
    request = OrderPlaceRequest(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1))
    assert told.session.wait(request, 0.0, identity) == pytest.approx(30)
    assert told.session.shortage(request, 0.0, identity) == (-1015, "unfilled orders are")
    assert told.session.shortage(request, 30.0, identity) == (-1003, "request weight is")
    assert told.session.shortage(request, 0.0, None) == (-1003, "request weight is")
    assert told.session.wait(FREE, 0.0, identity) == 0.0  # a cancel is no order


# ------------------------------------------------------------------------------------------------ the end of a drain


def test_a_drain_ends_after_its_time_and_no_sooner():
    told = Told()
    number = told.send(PingRequest(), timeout=30.0)
    told.session.receive(b'{"event":{"e":"serverShutdown","E":9}}', 0, 10.0)

    assert told.session.tick(10.0) == 11.0  # the end of the drain is a wake-up, before any other
    told.session.tick(10.999)
    assert told.session.dead is None
    told.session.tick(11.0)
    assert told.session.dead == "server shutdown"
    assert number not in told.answers  # its connection is not lost yet


def test_a_drain_ends_at_once_when_nothing_is_on_its_way():
    told = Told()
    told.session.receive(b'{"event":{"e":"serverShutdown","E":9}}', 0, 10.0)
    told.session.tick(10.0)

    assert told.session.dead == "server shutdown"


def test_a_new_connection_is_not_drained():
    told = Told()
    told.session.receive(b'{"event":{"e":"serverShutdown","E":9}}', 0, 10.0)
    told.session.lost("server shutdown", 10.0)
    told.session.opened(11.0, WALL + 11.0)
    told.session.tick(13.0)

    assert told.session.accepts_requests
    assert (told.session.dead, told.session.redial_at_once) == (None, False)


# ------------------------------------------------------------------------------------------------------- wake-ups


def test_a_session_is_looked_at_when_its_next_reply_is_due_and_every_fifth_of_the_time_for_silence():
    told = Told(timeouts=Timeouts(stale=50.0))
    assert told.session.tick(1.0) == 11.0
    told.send(PingRequest(), now=1.0, timeout=4.0)
    told.send(PingRequest(), now=1.0, timeout=3.0)
    assert told.session.tick(1.0) == 4.0
    told.session.lost("gone", 2.0)

    assert told.session.tick(2.0) == 52.0


def test_replies_and_pings_keep_a_connection_alive():
    told = Told(timeouts=Timeouts(stale=50.0))
    number = told.send(TimeRequest())
    told.reply(number, result={"serverTime": 1}, now=40.0)
    told.session.tick(41.0)
    told.session.tick(90.0)
    assert told.session.dead is None
    told.session.ping(b"a", 90.5)
    told.session.tick(90.5)
    told.session.tick(140.0)
    assert told.session.dead is None
    told.session.tick(140.5)

    assert told.session.dead == "nothing received for 50 s"
    assert told.session.outbox[-1] == ("pong", b"a")


def test_a_request_that_was_answered_in_time_is_not_late_afterwards():
    told = Told()
    number = told.send(TimeRequest(), timeout=5.0)
    told.reply(number, result={"serverTime": 1}, now=4.0)
    told.session.tick(6.0)

    assert told.answers == {number: ServerTime(server_time=1)}


# --------------------------------------------------------------------------------------- frames that are not understood


@pytest.mark.parametrize(
    "frame",
    [b'{"event":5}', b'{"event":{"e":"serverShutdown"}}', b'{"event":{"e":"serverShutdown","E":"late"}}', b"[]"],
)
def test_a_frame_that_cannot_be_taken_in_is_told_with_its_payload_and_the_session_goes_on(frame):
    told = Told()
    told.session.receive(frame, 0, 0.0)
    (problem,) = told.problems

    assert isinstance(problem, DecodeFailed)
    assert problem.payload == frame
    assert problem.__cause__ is not None
    assert told.session.counters == {"undecodable": 1}
    number = told.send(TimeRequest())
    told.reply(number, result={"serverTime": 1})
    assert number in told.answers


def test_strays_and_misfits_are_counted_each_as_what_it_is():
    told = Told()
    number = told.send(TimeRequest())
    told.reply(number, result={"serverTime": "soon"})
    told.reply(number, result={"serverTime": 1})
    told.reply("a", result={})
    told.session.receive(b'{"event":{"e":"novelty"}}', 0, 0.0)
    told.session.receive(b"garbage", 0, 0.0)

    assert told.session.counters == {"undecodable": 2, "unmatched": 2, "unknown_events": 1}


def test_an_answer_at_which_our_own_code_fails_is_an_unknown_outcome():
    told = Told()
    number = told.send(TimeRequest())
    told.session.clock = None  # nothing of ours works any more
    told.reply(number, result={"serverTime": 1})

    assert told.session.in_flight == 0
    assert isinstance(told.answers[number], OutcomeUnknown)
    assert "its answer could not be taken in: AttributeError" in str(told.answers[number])
    assert isinstance(told.answers[number].__cause__, AttributeError)
    assert [type(problem) for problem in told.problems] == [DecodeFailed]


def test_user_events_go_to_who_takes_them_and_what_it_raises_is_told():
    taken = []

    def take(subscription, event, received_ns):
        taken.append((subscription, event, received_ns))
        raise ZeroDivisionError

    told = Told(on_user_event=take)
    told.session.receive(b'{"subscriptionId":3,"event":{"e":"balanceUpdate"}}', 7, 0.0)

    assert taken == [(3, b'{"e":"balanceUpdate"}', 7)]
    assert [type(problem.__cause__) for problem in told.problems] == [ZeroDivisionError]
    assert told.session.dead is None


def test_an_order_limit_of_an_unknown_unit_does_not_keep_the_answer_from_its_order():
    told, orders = Told(), OrderBudget()
    weekly = {"rateLimitType": "ORDERS", "interval": "WEEK", "intervalNum": 1, "limit": 5, "count": 1}
    number = place(told, orders, result=PLACED, rateLimits=[weekly])

    assert told.answers[number].order_id == 1
    assert told.problems == []


# --------------------------------------------------------------------------------------------- who may send what


def test_what_needs_a_key_is_not_sent_without_one():
    told = Told()
    with pytest.raises(RequestInvalid, match=r"account\.status: needs a key"):
        told.send(AccountStatusRequest())

    assert (told.session.in_flight, list(told.session.outbox), told.weights.used) == (0, [], 2)


def test_what_only_a_logged_on_session_may_ask_is_not_sent_before():
    told = Told()
    with pytest.raises(RequestInvalid, match="nobody is logged on, which takes an Ed25519 key"):
        told.send(UserDataStreamSubscribeRequest(), identity=Identity(MINE, OrderBudget()))
    assert told.session.in_flight == 0
    log_on_as(told, MINE)
    told.send(UserDataStreamSubscribeRequest(), identity=Identity(MINE, OrderBudget()))

    assert "params" not in sent_frame(told)


def test_a_lost_connection_logs_nobody_on_and_forgets_the_deadlines():
    told = Told()
    log_on_as(told, MINE)
    told.send(PingRequest(), timeout=5.0)
    told.session.lost("gone", 1.0)
    told.session.opened(2.0, WALL + 2.0)

    assert told.session.logged_on_as is None
    assert told.session.tick(2.0) == 12.0
    assert told.session.accepts_requests


def test_a_clock_of_another_day_is_that_of_a_recording_and_counts_no_windows():
    told = Told()
    told.session.observe_time(0.0, int((WALL - 100_000) * 1000), 0.0)

    assert told.session.timestamp(0.0) == int((WALL - 100_000) * 1000)
    assert told.session.exchange_time(0.0) == WALL


def test_a_clock_that_runs_fast_by_less_than_a_second_is_not_looked_at_anew():
    told = Told()
    told.session.observe_time(0.0, int((WALL + 5) * 1000), 0.0)
    told.session.lost("gone", 1.0)
    told.session.opened(2.0, WALL + 3.0)
    assert told.session.clock.is_known
    told.session.lost("gone", 3.0)
    told.session.opened(4.0, WALL + 5.1)

    assert not told.session.clock.is_known


def test_microseconds_are_asked_for_and_told():
    told = Told(time_unit=TimeUnit.MICROSECOND)
    told.session.observe_time(0.0, int(WALL * 1_000_000) + 250_000, 0.0)

    assert told.session.timestamp(1.0) == int(WALL * 1_000_000) + 1_250_000
    assert told.session.url("ws://x/y?a=b") == "ws://x/y?a=b&timeUnit=MICROSECOND"


# ------------------------------------------------------------------------------------------------------ on the edges


def test_nothing_is_sent_before_the_connection_is_open():
    session = ApiSession(weights=WeightBudget(), on_shutdown=print, on_problem=print, timeouts=Timeouts(stale=50.0))

    assert not session.accepts_requests
    assert (session.tick(7.0), session.in_flight, list(session.outbox)) == (57.0, 0, [])
    session.opened(7.0, WALL)
    assert session.accepts_requests
    assert (session.timestamp(7.0), session.exchange_time(8.0)) == (int(WALL * 1000), WALL + 1.0)


def test_opening_a_connection_costs_its_weight_beside_what_others_have_on_their_way():
    weights = WeightBudget()
    weights.spend(10)
    session = ApiSession(weights=weights, on_shutdown=print, on_problem=print)
    session.opened(0.0, WALL)

    assert weights.used == 12


def test_requests_are_numbered_from_one():
    told = Told()

    assert [told.send(PingRequest()) for _ in range(3)] == [1, 2, 3]
    assert [json.loads(payload)["id"] for _, payload in told.session.outbox] == [1, 2, 3]


@pytest.mark.parametrize(("given", "sent"), [(None, {}), (1500, {"recvWindow": 1500})])
def test_a_receive_window_is_sent_only_where_it_is_given(given, sent):
    told, request = Told(), AccountStatusRequest()
    told.session.send(
        request,
        request.params(),
        now=0.0,
        timeout=1.0,
        resolve=print,
        reject=print,
        identity=Identity(MINE, OrderBudget()),
        recv_window=given,
    )
    params = sent_frame(told)["params"]

    assert {name: value for name, value in params.items() if name == "recvWindow"} == sent


def test_a_refusal_that_names_no_request_closes_the_budget_when_it_says_so():
    told, _ = logged_on(AccountStatusRequest())
    data = {"serverTime": 1, "retryAfter": int((WALL + 90) * 1000)}
    told.reply(None, status=429, error={"code": -1003, "msg": "m", "data": data})

    assert told.session.wait(PingRequest(), 0.0) == pytest.approx(90)
    assert [type(problem) for problem in told.problems] == [UnexpectedFrame]
    assert told.session.logged_on_as == "name"


@pytest.mark.parametrize("refusal", [{"status": 400, "error": {"code": -1100, "msg": "m"}}, {"status": 401}])
def test_only_the_refusal_of_a_key_signs_the_session_off(refusal):
    told, (number,) = logged_on(AccountStatusRequest())
    told.reply(None, **refusal)

    assert told.session.logged_on_as == "name"
    assert number not in told.answers


def test_a_session_that_is_signed_off_need_not_be_told():
    told, _ = logged_on(AccountStatusRequest())
    told.session.on_signed_off = None
    told.session.receive(REVOKED, 0, 1.0)

    assert [type(problem) for problem in told.problems] == [UnexpectedFrame]


def test_the_shortage_is_of_orders_however_soon_it_ends():
    told, orders = Told(), OrderBudget()
    orders.close_until(WALL + 0.5)
    request = OrderPlaceRequest(symbol="BTCUSDT", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1))

    assert told.session.shortage(request, 0.0, Identity(MINE, orders)) == (-1015, "unfilled orders are")


def test_budgets_count_by_the_exchange_s_clock():
    told = Told()
    told.session.observe_time(0.0, int((WALL + 5) * 1000), 0.0)

    assert told.session.exchange_time(1.0) == pytest.approx(WALL + 6.0, abs=0.01)


def test_a_clock_that_is_a_whole_day_off_is_that_of_another_day():
    told = Told()
    told.session.observe_time(0.0, int((WALL - 86_400) * 1000), 0.0)

    assert told.session.exchange_time(0.0) == WALL


def test_an_order_that_is_refused_with_a_status_of_success_counts_for_nothing():
    told, orders = Told(), OrderBudget()
    place(told, orders, status=200, error={"code": -2010, "msg": "no"})

    assert left(orders) == 50


def test_a_refusal_of_another_kind_closes_no_budget():
    told, orders = Told(), OrderBudget()
    data = {"serverTime": 1, "retryAfter": int((WALL + 30) * 1000)}
    place(told, orders, status=429, error={"code": -1000, "msg": "m", "data": data})
    place(told, orders, status=400, error={"code": -1015, "msg": "m", "data": data})
    place(told, orders, status=429, error={"code": -1015, "msg": "m"})

    assert orders.wait(1, WALL) == 0.0
    assert told.weights.wait(1, WALL) == 0.0
