"""What requests must prove, in every state of a session."""

from __future__ import annotations

import json

import pytest

from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.protocol.request import SecurityType
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.simulator import ApiKey, ExchangeAccount, KeyType
from trader_client import LIMIT, Trader, error_of, now_ms, signed, trading

REJECTED = (400, -2015, "Invalid API-key, IP, or permissions for action.")
BAD_SIGNATURE = (400, -1022, "Signature for this request is not valid.")
TOO_OLD = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
TOO_EARLY = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def missing(name):
    return 400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def illegal(name, legal):
    return 400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."


AMOUNT = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519"])
def test_every_type_of_key_signs(kind):
    async def test(exchange):
        trader = await Trader.dial(exchange)
        result = await trader.result("account.status", **signed(getattr(trader.keys, kind)))
        assert result["uid"] == trader.keys.uid

    trading(test)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"apiKey": None}, missing("apiKey")),
        ({"apiKey": ""}, missing("apiKey")),
        ({"signature": None}, missing("signature")),
        ({"timestamp": None}, missing("timestamp")),
        ({"apiKey": "not a key"}, (400, -2014, "API-key format invalid.")),
        ({"apiKey": 7}, (400, -2014, "API-key format invalid.")),
        ({"apiKey": "unknown"}, REJECTED),
        ({"signature": "00"}, BAD_SIGNATURE),
        ({"signature": "ä"}, BAD_SIGNATURE),
        ({"signature": 7}, BAD_SIGNATURE),
        ({"omitZeroBalances": True}, BAD_SIGNATURE),
        ({"extra": {}}, BAD_SIGNATURE),
        ({"timestamp": "now"}, illegal("timestamp", "^[0-9]{1,20}$")),
        ({"recvWindow": -1}, illegal("recvWindow", AMOUNT)),
        ({"recvWindow": "5000.0001"}, (400, -1111, "Parameter 'recvWindow' has too much precision.")),
        ({"recvWindow": 60001}, (400, -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")),
    ],
)
def test_what_is_wrong_with_a_proof_is_told(changes, error):
    async def test(exchange):
        trader = await Trader.dial(exchange)
        params = {**signed(trader.keys.hmac), **changes}
        sent = {name: value for name, value in params.items() if value is not None}
        assert error_of(await trader.ask("account.status", **sent)) == error

    trading(test)


@pytest.mark.parametrize(
    ("ago_ms", "window", "error"),
    [
        (5000, None, None),
        (5001, None, TOO_OLD),
        (-999, None, None),
        (-1000, None, TOO_EARLY),
        (60_000, 60_000, None),
        (7, "6.999", TOO_OLD),
        (7, "7.000", None),
        (10**12, None, TOO_OLD),
    ],
)
@pytest.mark.parametrize("in_microseconds", [False, True])
def test_the_window_of_a_timestamp(ago_ms, window, error, in_microseconds):
    async def test(exchange):
        trader = await Trader.dial(exchange)
        stamp = now_ms() - ago_ms
        if in_microseconds and stamp * 1000 >= 10**14:
            stamp *= 1000
        more = {} if window is None else {"recvWindow": window}
        reply = await trader.ask("account.status", **signed(trader.keys.hmac, timestamp=stamp, **more))
        assert (reply["status"] == 200) if error is None else (error_of(reply) == error)

    trading(test)


def test_the_window_is_looked_at_once_more_before_an_order_is_matched():
    async def test(exchange):
        trader = await Trader.dial(exchange)
        surroundings = exchange._surroundings
        clock, late = surroundings.clock, 0

        def slow(now_us):  # between receipt and matching
            nonlocal late
            late = 1_000_000

        surroundings.clock, surroundings.advance = lambda: clock() + late, slow
        order = signed(trader.keys.hmac, **LIMIT, recvWindow=999)
        assert error_of(await trader.ask("order.place", **order)) == TOO_OLD
        assert exchange.venue.desk.history.open(trader.keys.uid) == []
        late = 0
        query = signed(trader.keys.hmac, recvWindow=999)
        assert (await trader.ask("openOrders.status", **query))["status"] == 200  # nothing is matched

    trading(test)


def test_numbers_are_signed_as_they_are_written():
    async def test(exchange):
        trader = await Trader.dial(exchange)
        params = {**LIMIT, "timestamp": str(now_ms()), "apiKey": trader.keys.hmac.api_key, "quantity": "0.50"}
        signature = trader.keys.hmac.sign(signature_payload(params))
        text = json.dumps({**params, "signature": signature}).replace('"0.50"', "0.50")
        (reply,) = await trader.client.ask('{"id":1,"method":"order.place","params":' + text + "}")
        assert reply["status"] == 200, reply
        assert reply["result"]["origQty"] == "0.50000000"

    trading(test)


def test_a_key_does_only_what_it_is_permitted():
    reader = HmacKey("reader", "s")
    key = ApiKey(
        api_key="reader", uid=5, type=KeyType.HMAC, secret="s", permissions=frozenset({SecurityType.USER_DATA})
    )

    async def test(exchange):
        trader = Trader(exchange, None)
        await trader.client.dial(exchange, "/ws-api/v3")
        assert (await trader.result("account.status", **signed(reader)))["uid"] == 5
        assert error_of(await trader.ask("order.place", **signed(reader, **LIMIT))) == REJECTED
        assert error_of(await trader.ask("userDataStream.subscribe.signature", **signed(reader))) == REJECTED

    trading(test, accounts=[ExchangeAccount(uid=5, keys=(key,))])


def test_authentication_comes_before_the_parameters():
    async def test(exchange):
        trader = await Trader.dial(exchange)
        assert error_of(await trader.ask("order.place")) == missing("apiKey")
        assert error_of(await trader.ask("order.place", **signed(trader.keys.hmac))) == missing("symbol")

    trading(test)


# ------------------------------------------------------------------------------------------------- sessions


def test_the_states_of_a_session():
    async def test(exchange):
        trader = await Trader.dial(exchange, query="?returnRateLimits=false")
        connected = now_ms()
        status = {
            "apiKey": None, "authorizedSince": None, "connectedSince": connected, "returnRateLimits": False,
            "serverTime": connected, "userDataStream": False,
        }  # fmt: skip
        reply = await trader.ask("session.status")
        assert reply == {"id": 1, "status": 200, "result": status}

        key, since = trader.keys.ed25519, now_ms()
        known = {**status, "apiKey": key.api_key, "authorizedSince": since}
        assert await trader.result("session.logon", **signed(key)) == {**known, "serverTime": since}
        assert await trader.result("session.status") == {**known, "serverTime": since + 100}

        assert await trader.result("session.logout") == {**status, "serverTime": since + 200}
        assert await trader.result("session.logout") == {**status, "serverTime": since + 300}

    trading(test)


def test_a_logged_on_session_needs_timestamps_and_no_signatures():
    async def test(exchange):
        trader = await Trader.dial(exchange, log_on=True)
        assert (await trader.result("account.status", timestamp=now_ms()))["uid"] == trader.keys.uid
        assert error_of(await trader.ask("account.status")) == missing("timestamp")
        assert error_of(await trader.ask("account.status", timestamp=now_ms() - 6000)) == TOO_OLD
        assert error_of(await trader.ask("session.logon", timestamp=now_ms())) == missing("apiKey")
        await trader.result("session.logout")
        assert error_of(await trader.ask("account.status", timestamp=now_ms())) == missing("apiKey")

    trading(test)


def test_a_request_with_a_key_of_its_own_goes_by_that():
    async def test(exchange):
        trader = await Trader.dial(exchange, log_on=True)
        other = exchange.demo_keys[1]
        assert (await trader.result("account.status", **signed(other.hmac)))["uid"] == other.uid
        assert (await trader.result("account.status", timestamp=now_ms()))["uid"] == trader.keys.uid
        assert error_of(await trader.ask("account.status", timestamp=now_ms(), apiKey="a")) == missing("signature")

    trading(test)


def test_a_new_logon_replaces_the_key():
    async def test(exchange):
        trader = await Trader.dial(exchange, log_on=True)
        await trader.result("session.logon", **signed(exchange.demo_keys[1].ed25519))
        assert (await trader.result("account.status", timestamp=now_ms()))["uid"] == exchange.demo_keys[1].uid

    trading(test)


@pytest.mark.parametrize("kind", ["hmac", "rsa"])
def test_only_ed25519_keys_log_on(kind):
    async def test(exchange):
        trader = await Trader.dial(exchange)
        assert error_of(await trader.ask("session.logon", **signed(getattr(trader.keys, kind)))) == REJECTED
        assert (await trader.result("session.status"))["apiKey"] is None

    trading(test)


def test_a_revoked_key_ends_the_session_with_the_next_request():
    async def test(exchange):
        trader = await Trader.dial(exchange, log_on=True)
        await trader.result("userDataStream.subscribe")
        await trader.result("userDataStream.subscribe.signature", **signed(exchange.demo_keys[1].hmac))
        exchange.revoke(trader.keys.ed25519.api_key)
        assert await trader.ask("account.status", timestamp=now_ms()) == {
            "id": None, "status": 401, "error": {"code": -2015, "msg": REJECTED[2]},
        }  # fmt: skip
        assert trader.kinds == ["eventStreamTerminated"]
        assert (await trader.result("session.status"))["apiKey"] is None
        assert await trader.result("session.subscriptions") == [{"subscriptionId": 1}]
        assert error_of(await trader.ask("session.logon", **signed(trader.keys.ed25519))) == REJECTED

    trading(test)


def test_an_unknown_key_of_the_right_kind_is_rejected():
    async def test(exchange):
        trader = await Trader.dial(exchange)
        stranger = Ed25519Key.generate("stranger")
        assert error_of(await trader.ask("session.logon", **signed(stranger))) == REJECTED

    trading(test)


# ------------------------------------------------------------------------------------------------- subscriptions


def test_subscriptions_of_user_data():
    async def test(exchange):
        trader = await Trader.dial(exchange)
        other = exchange.demo_keys[1]
        assert error_of(await trader.ask("userDataStream.subscribe")) == REJECTED
        await trader.result("session.logon", **signed(trader.keys.ed25519))
        assert await trader.result("userDataStream.subscribe") == {"subscriptionId": 0}
        active = (400, -2035, "User Data Stream subscription already active.")
        assert error_of(await trader.ask("userDataStream.subscribe")) == active
        assert error_of(await trader.ask("userDataStream.subscribe.signature", **signed(trader.keys.hmac))) == active
        assert await trader.result("userDataStream.subscribe.signature", **signed(other.rsa)) == {"subscriptionId": 1}
        assert await trader.result("session.subscriptions") == [{"subscriptionId": 0}, {"subscriptionId": 1}]
        assert (await trader.result("session.status"))["userDataStream"] is True

        await trader.result("session.logout")  # ends what was subscribed by logon, and nothing else
        assert await trader.result("session.subscriptions") == [{"subscriptionId": 1}]
        inactive = (400, -2036, "User Data Stream subscription not active.")
        assert error_of(await trader.ask("userDataStream.unsubscribe", subscriptionId=0)) == inactive
        assert await trader.result("userDataStream.unsubscribe", subscriptionId=1) == {}
        assert await trader.result("userDataStream.unsubscribe") == {}
        assert (await trader.result("session.status"))["userDataStream"] is False

        ended = [frame for frame in trader.client.events if "event" in frame]
        assert [(frame["subscriptionId"], frame["event"]["e"]) for frame in ended] == [
            (0, "eventStreamTerminated"),
            (1, "eventStreamTerminated"),
        ]
        assert set(ended[0]["event"]) == {"e", "E"}

    trading(test)
