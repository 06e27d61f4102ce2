from __future__ import annotations

import asyncio

import pytest

from cryptotrader.errors import ConnectFailed, ConsumerTooSlow, DecodeFailed, RequestRejected
from cryptotrader.subscription import CallbackSubscription, Subscription


def make(buffer=4):
    closed = []
    subscription = Subscription(("x@trade",), clock_ns=lambda: 1_000, buffer=buffer, on_close=closed.append)
    return subscription, closed


async def test_events_come_in_order_and_wake_a_waiting_consumer():
    subscription, _ = make()
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)
    subscription.put("a", 1)
    subscription.put("b", 2)

    assert await waiting == "a"
    assert await anext(subscription) == "b"


async def test_a_full_buffer_loses_new_events_and_says_how_many():
    subscription, _ = make(buffer=3)
    for number in range(8):
        subscription.put(number, number)

    assert [await anext(subscription) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ConsumerTooSlow, match="5 events discarded") as raised:
        await anext(subscription)
    assert raised.value.lost == 5
    assert raised.value.lag_ns == 1_000 - 3
    subscription.put(9, 1)
    assert await anext(subscription) == 9


async def test_errors_come_in_order_and_do_not_end_the_iteration():
    subscription, _ = make()
    subscription.put("a", 1)
    subscription.fail(DecodeFailed("bad", b"x"))
    subscription.put("b", 1)

    assert await anext(subscription) == "a"
    with pytest.raises(DecodeFailed, match="bad"):
        await anext(subscription)
    assert await anext(subscription) == "b"


async def test_batches_take_what_has_come_and_stop_before_an_error():
    subscription, _ = make(buffer=100)
    for number in range(5):
        subscription.put(number, 1)
    subscription.fail(DecodeFailed("bad", b"x"))
    subscription.put(5, 1)
    batches = subscription.batches(size=3)

    assert [await anext(batches), await anext(batches)] == [[0, 1, 2], [3, 4]]
    with pytest.raises(DecodeFailed, match="bad"):
        await anext(batches)
    assert await anext(subscription.batches()) == [5]


async def test_closing_ends_iteration_and_batches_after_what_is_buffered():
    subscription, closed = make()
    subscription.put("a", 1)
    subscription.close()
    subscription.close()

    assert [event async for event in subscription] == ["a"]
    assert [batch async for batch in subscription.batches()] == []
    assert closed == [subscription]


async def test_closing_wakes_a_waiting_consumer():
    subscription, _ = make()
    waiting = asyncio.ensure_future(anext(subscription, "ended"))
    await asyncio.sleep(0)
    subscription.close()

    assert await waiting == "ended"


async def test_giving_up_raises_to_everyone_who_waits():
    subscription, _ = make()
    waiting = asyncio.ensure_future(anext(subscription))
    confirming = asyncio.ensure_future(subscription.confirmed())
    await asyncio.sleep(0)
    subscription.fail(ConnectFailed("refused"))

    for waiter in (waiting, confirming):
        with pytest.raises(ConnectFailed, match="refused"):
            await waiter


async def test_confirmation_has_a_deadline():
    subscription, _ = make()
    with pytest.raises(ConnectFailed, match="1 streams not confirmed"):
        await subscription.confirmed(timeout=0.001)

    subscription.mark_confirmed({"x@trade"})
    await subscription.confirmed(timeout=0.001)


async def test_a_second_consumer_is_refused():
    subscription, _ = make()
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="one consumer"):
        await anext(subscription)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_errors_of_a_callback_subscription_are_told():
    told = []
    subscription = CallbackSubscription(
        ("x@trade",), clock_ns=lambda: 1_000, on_error=told.append, on_close=told.append
    )
    error = DecodeFailed("bad", b"x")
    subscription.fail(error)

    assert told == [error]
    with pytest.raises(RuntimeError, match="callback"):
        await anext(subscription)


async def test_a_refused_stream_is_raised_to_who_waits_for_its_confirmation():
    for subscription in (
        make()[0],
        CallbackSubscription(("x@trade",), clock_ns=lambda: 1_000, on_error=print, on_close=print),
    ):
        subscription.fail(DecodeFailed("bad", b"x"))
        subscription.fail(RequestRejected("SUBSCRIBE", 0, 2, "invalid stream"))
        with pytest.raises(RequestRejected, match="invalid stream"):
            await subscription.confirmed()


async def test_an_error_in_on_error_stays_there(caplog):
    def fails(error):
        raise RuntimeError("a bug of the caller's")

    subscription = CallbackSubscription(("x@trade",), clock_ns=lambda: 1_000, on_error=fails, on_close=lambda _: None)
    subscription.fail(DecodeFailed("bad", b"x"))

    assert "on_error failed with DecodeFailed" in caplog.text


async def test_a_refusal_is_over_when_all_streams_are_confirmed():
    subscription, _ = make()
    subscription.fail(RequestRejected("SUBSCRIBE", 0, 2, "no"))
    subscription.mark_confirmed({"x@trade"})
    subscription.mark_lost({"x@trade"})

    with pytest.raises(ConnectFailed, match="not confirmed"):
        await subscription.confirmed(timeout=0.01)
