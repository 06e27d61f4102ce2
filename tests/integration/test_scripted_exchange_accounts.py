"""Sessions and user data of an exchange that knows nothing of this library."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from cryptotrader.errors import ConnectFailed, DecodeFailed, OutcomeUnknown, RequestRejected
from cryptotrader.models.control_models import Reconnected
from cryptotrader.requests import (
    AccountStatusRequest,
    SessionLogonRequest,
    SessionLogoutRequest,
    SessionStatusRequest,
    UserDataStreamSubscribeRequest,
)
from scripted import replies
from scripted.events import SHUTDOWN, USER, wrapped
from scripted.server import SILENT
from waiting import PATIENCE, soon, until
from witnessed import ED25519, EXCHANGE_MS, HMAC, RSA, witnessed

LOOKS = {
    "executionReport": (
        lambda event: (event.client_order_id, event.execution_type, event.trade_id, event.commission_asset),
        ("elsewhere-1", "NEW", -1, None),
    ),
    "outboundAccountPosition": (
        lambda event: [(balance.asset, balance.free, balance.locked) for balance in event.balances],
        [("BTC", Decimal("1.2519985"), Decimal(0)), ("USDT", Decimal("8874.502"), Decimal(0))],
    ),
    "balanceUpdate": (lambda event: (event.asset, event.delta), ("BTC", Decimal("-0.1"))),
    "listStatus": (
        lambda event: (event.order_list_id, event.list_client_order_id, [order.order_id for order in event.orders]),
        (61, "list-1", [601, 602]),
    ),
    "externalLockUpdate": (lambda event: (event.asset, event.delta), ("USDT", Decimal("15.5"))),
    "eventStreamTerminated": (lambda event: event.event_time, 1790000000706),
}
SUBSCRIPTIONS = ("userDataStream.subscribe", "userDataStream.subscribe.signature")


def user_connections(exchange):
    """The connections that subscribed to user data."""
    return [api for api in exchange.apis if any(asked.method in SUBSCRIPTIONS for asked in api.asked)]


# ---------------------------------------------------------------------------------------------------------- sessions


async def test_a_session_is_logged_on_by_its_key_and_needs_no_signature_after():
    async with witnessed(ED25519) as (exchange, binance):
        await soon(binance._api.wait_logged_on(PATIENCE))
        status = await soon(binance.call(SessionStatusRequest()))
        assert (status.api_key, status.user_data_stream) == (ED25519.api_key, False)
        await soon(binance.call(AccountStatusRequest()))
        by_session = exchange.requests("account.status")[-1].params
        assert by_session.keys() == {"timestamp", "recvWindow"}
        assert exchange.requests("session.logon")[-1].params.keys() == {
            "apiKey",
            "signature",
            "timestamp",
            "recvWindow",
        }


async def test_after_a_log_out_requests_are_signed_again():
    async with witnessed(ED25519) as (exchange, binance):
        await soon(binance._api.wait_logged_on(PATIENCE))
        assert (await soon(binance.call(SessionLogoutRequest()))).api_key is None
        await soon(binance.call(AccountStatusRequest()))
        assert exchange.requests("account.status")[-1].params["apiKey"] == ED25519.api_key
        assert (await soon(binance.call(SessionLogonRequest()))).api_key == ED25519.api_key
        await soon(binance.call(AccountStatusRequest()))
        assert "signature" not in exchange.requests("account.status")[-1].params


async def test_another_key_signs_its_own_request_beside_the_session():
    async with witnessed(ED25519) as (exchange, binance):
        await soon(binance._api.wait_logged_on(PATIENCE))
        await soon(binance.call(AccountStatusRequest(), key=RSA))
        assert exchange.requests("account.status")[-1].params["apiKey"] == RSA.api_key


async def test_a_revoked_key_of_a_session_leaves_the_outcome_unknown():
    async with witnessed(ED25519) as (exchange, binance):
        await soon(binance._api.wait_logged_on(PATIENCE))
        exchange.answers("session.logon", replies.NO_SUCH_KEY)
        exchange.answers("account.status", replies.KEY_REVOKED)
        with pytest.raises((RequestRejected, OutcomeUnknown), match="Invalid API-key") as caught:
            await soon(binance.call(AccountStatusRequest()))
        assert "code -2015" in str(caught.value)
        assert len(exchange.requests("account.status")) == 1
        assert binance._api.logged_on is False


async def test_a_refused_log_on_is_told():
    async with witnessed(ED25519) as (exchange, binance):
        exchange.answers("session.logon", replies.BAD_SIGNATURE, replies.BAD_SIGNATURE)
        with pytest.raises(RequestRejected, match="Signature for this request is not valid"):
            await soon(binance._api.wait_logged_on(PATIENCE))
        assert 1 <= len(exchange.requests("session.logon")) <= 2


# --------------------------------------------------------------------------------------------------------- user data


@pytest.mark.parametrize("key", [HMAC, RSA, ED25519], ids=["hmac", "rsa", "ed25519"])
async def test_user_data_is_subscribed_as_the_key_allows(key):
    async with witnessed(key) as (exchange, binance):
        await soon(binance.user.wait_subscribed(PATIENCE))
        by_session, by_signature = map(exchange.requests, SUBSCRIPTIONS)
        assert [bool(by_session), bool(by_signature)] == [key is ED25519, key is not ED25519]
        balances = binance.user.state().balances
        assert balances["USDT"].locked == Decimal(126)


@pytest.mark.parametrize("kind", USER)
async def test_each_kind_of_user_data_event(kind):
    async with witnessed(HMAC) as (exchange, binance):
        events = binance.user.subscribe()
        await soon(events.confirmed(None))
        (client,) = user_connections(exchange)
        await exchange.send(client, wrapped(USER[kind]))
        event = await soon(anext(events))
        look, expected = LOOKS[kind]
        assert look(event) == expected
        assert json.loads(event.to_json()).keys() == json.loads(USER[kind]).keys()


async def test_events_of_another_subscription_are_not_told():
    async with witnessed(HMAC) as (exchange, binance):
        events = binance.user.subscribe()
        await soon(events.confirmed(None))
        (client,) = user_connections(exchange)
        await exchange.send(client, wrapped(USER["balanceUpdate"], 7))
        await exchange.send(client, wrapped(USER["externalLockUpdate"]))
        assert (await soon(anext(events))).delta == Decimal("15.5")


async def test_an_event_before_the_answer_to_its_subscription_is_not_lost():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("userDataStream.subscribe.signature", SILENT)
        events = binance.user.subscribe()
        # the first may be refused for its time
        asked = (await until(lambda: accepted(exchange)))[0]
        (client,) = user_connections(exchange)
        await exchange.send(client, wrapped(USER["executionReport"], 4))
        await exchange.send(client, f'{{"id":{json.dumps(asked.id)},"status":200,"result":{{"subscriptionId":4}}}}')
        assert (await soon(anext(events))).client_order_id == "elsewhere-1"


def accepted(exchange):
    """Subscriptions that were signed with the exchange's time."""
    return [asked for asked in exchange.requests(SUBSCRIPTIONS[1]) if asked.params["timestamp"] >= EXCHANGE_MS]


async def test_a_terminated_subscription_is_made_again_and_the_account_read():
    async with witnessed(HMAC) as (exchange, binance):
        events = binance.user.subscribe(control=True)
        await soon(events.confirmed(None))
        (client,) = user_connections(exchange)
        readings = len(exchange.requests("account.status"))
        exchange.answers(SUBSCRIPTIONS[1], '{"id":$id,"status":200,"result":{"subscriptionId":1}}')
        await exchange.send(client, wrapped(USER["eventStreamTerminated"]))
        assert (await soon(anext(events))).event_time == 1790000000706
        assert isinstance(await soon(anext(events)), Reconnected)
        assert len(exchange.requests("account.status")) > readings
        await exchange.send(client, wrapped(USER["externalLockUpdate"], 1))
        assert (await soon(anext(events))).asset == "USDT"
        assert user_connections(exchange) == [client]


async def test_a_server_that_shuts_down_is_left_and_the_subscription_made_elsewhere():
    async with witnessed(HMAC) as (exchange, binance):
        events = binance.user.subscribe(control=True)
        await soon(events.confirmed(None))
        (client,) = user_connections(exchange)
        await exchange.send(client, f'{{"event":{SHUTDOWN}}}')
        await exchange.cut(client)  # as announced; a client that is not cut leaves by itself half a minute later
        assert isinstance(await soon(anext(events)), Reconnected)
        (other,) = user_connections(exchange)
        assert other is not client
        await exchange.send(other, wrapped(USER["balanceUpdate"]))
        assert (await soon(anext(events))).asset == "BTC"


@pytest.mark.parametrize(
    "event",
    [
        '{"e":"somethingNew","E":1790000000000}',
        '{"e":"executionReport","E":1}',
        '{"e":"allocationReport","E":1,"s":"BTCUSDT"}',
        "{}",
    ],
)
async def test_an_event_that_no_document_knows_does_not_end_user_data(event):
    async with witnessed(HMAC) as (exchange, binance):
        events = binance.user.subscribe()
        await soon(events.confirmed(None))
        (client,) = user_connections(exchange)
        await exchange.send(client, wrapped(event))
        with pytest.raises(DecodeFailed, match="not a user data event"):
            await soon(anext(events))
        await exchange.send(client, wrapped(USER["externalLockUpdate"]))
        assert (await soon(anext(events))).asset == "USDT"
        assert user_connections(exchange) == [client]


async def test_a_new_field_and_a_new_value_of_an_enum_are_taken():
    async with witnessed(HMAC) as (exchange, binance):
        events = binance.user.subscribe()
        await soon(events.confirmed(None))
        (client,) = user_connections(exchange)
        newer = (
            USER["executionReport"].replace('"x":"NEW"', '"x":"SOMETHING_NEW","zz":[1]').replace('"LIMIT"', '"NEWER"')
        )
        await exchange.send(client, wrapped(newer))
        event = await soon(anext(events))
        assert (event.execution_type, event.type) == ("SOMETHING_NEW", "NEWER")


async def test_pings_of_the_api_are_answered_with_their_payload():
    async with witnessed(HMAC) as (exchange, binance):
        await soon(binance.user.wait_subscribed(PATIENCE))
        (client,) = user_connections(exchange)
        for payload in (b"1790000000000", b"", b"\x00\xff"):
            await exchange.ping(client, payload)
        await until(lambda: len(client.socket.pongs) == 3)
        assert client.socket.pongs == [b"1790000000000", b"", b"\x00\xff"]


async def test_a_key_that_is_refused_is_told_to_who_waits():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers(SUBSCRIPTIONS[1], *[replies.NO_SUCH_KEY] * 3)
        with pytest.raises((RequestRejected, ConnectFailed), match="Invalid API-key"):
            await soon(binance.user.wait_subscribed(PATIENCE))
        assert len(accepted(exchange)) <= 1, "what is refused for good was asked again"


async def test_a_client_without_a_log_on_asks_for_no_session():
    async with witnessed(HMAC) as (exchange, binance):
        await soon(binance.user.wait_subscribed(PATIENCE))
        assert not exchange.requests("session.logon")
        assert UserDataStreamSubscribeRequest.api.name not in {asked.method for asked in exchange.asked}
