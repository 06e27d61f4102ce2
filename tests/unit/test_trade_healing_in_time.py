"""How long healing goes on, and what it waits for: with its own delays, on virtual time."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from cryptotrader.errors import ConnectFailed
from cryptotrader.models.market_models import Trade, TradeEvent
from cryptotrader.trade_healing import RETRY_DELAYS, TradeHealer
from virtual_clock import running_loop


def event(number, symbol="X", time=None):
    return TradeEvent(
        event_time=1, symbol=symbol, trade_id=number, price=Decimal(1), quantity=Decimal(1),
        trade_time=number if time is None else time, is_buyer_maker=True, is_best_match=False,
    )  # fmt: skip


def past(number):
    return Trade(
        id=number, price=Decimal(7), quantity=Decimal(8), quote_quantity=Decimal(56), time=number * 10,
        is_buyer_maker=False, is_best_match=True,
    )  # fmt: skip


class Healing:
    """A healer, what it asked for and when, and what it told."""

    def __init__(self, fetch, *, hold=1000):
        self._fetch = fetch
        self.asked, self.delivered, self.gaps = [], [], []
        self.healer = TradeHealer(
            self._ask,
            deliver=lambda trade, received_ns: self.delivered.append((trade, received_ns)),
            on_gap=lambda gap, received_ns: self.gaps.append((gap, received_ns)),
            hold=hold,
        )

    async def _ask(self, symbol, first, count):
        self.asked.append((round(running_loop().time(), 3), first, count))
        return await self._fetch(symbol, first, count)

    @property
    def ids(self):
        return [trade.trade_id for trade, _ in self.delivered]

    def put(self, *numbers, received_ns=5):
        for number in numbers:
            self.healer.put(event(number), received_ns)

    async def end(self):
        self.healer.close()
        await self.healer.wait_closed()


async def refuses(symbol, first, count):
    raise ConnectFailed("refused")


async def knows_all(symbol, first, count):
    return [past(number) for number in range(first, first + count)]


async def knows_none(symbol, first, count):
    return []


@pytest.mark.parametrize(
    ("fetch", "why"), [(refuses, "refused"), (knows_none, "the exchange has no trade 2")], ids=["refused", "unknown"]
)
async def test_a_hole_is_asked_for_again_after_each_delay_and_then_told(fetch, why):
    healing = Healing(fetch)
    healing.put(1, 4, 5)
    await asyncio.sleep(sum(RETRY_DELAYS) - 0.01)
    assert (healing.ids, healing.gaps) == ([1], [])
    await asyncio.sleep(0.02)

    assert [moment for moment, _, _ in healing.asked] == [0.0, 0.2, 0.7, 1.7, 3.7, 7.7]
    ((gap, received_ns),) = healing.gaps
    assert (gap.symbol, gap.first, gap.last, gap.why, received_ns) == ("X", 2, 3, why, 5)
    assert healing.ids == [1, 4, 5]
    await healing.end()


async def test_after_a_success_failures_are_counted_anew():
    results = [refuses] * 5 + [knows_all] + [refuses] * 5 + [knows_all]

    async def fetch(symbol, first, count):
        return await results.pop(0)(symbol, first, count)

    healing = Healing(fetch, hold=10_000)
    healing.put(1, 2001)
    await asyncio.sleep(60)

    assert healing.ids == list(range(1, 2002))
    assert healing.gaps == []
    assert [(first, count) for _, first, count in healing.asked] == [(2, 1000)] * 6 + [(1002, 999)] * 6
    await healing.end()


async def test_after_a_hole_that_was_given_up_the_next_one_is_asked_for_as_patiently():
    healing = Healing(refuses)
    healing.put(1, 3, 5)
    await asyncio.sleep(2 * sum(RETRY_DELAYS) + 0.01)

    assert healing.ids == [1, 3, 5]
    assert [(gap.first, gap.last) for gap, _ in healing.gaps] == [(2, 2), (4, 4)]
    assert len(healing.asked) == 12
    await healing.end()


async def test_closing_waits_until_nothing_is_fetched_any_more():
    ended = []

    async def fetch(symbol, first, count):
        try:
            await running_loop().create_future()
        finally:
            await asyncio.sleep(3.0)  # as a connection that takes its time to give up
            ended.append(symbol)

    healing = Healing(fetch)
    healing.put(1, 3)
    healing.healer.put(event(1, "Y"), 5)
    healing.healer.put(event(3, "Y"), 5)
    await asyncio.sleep(1.0)
    healing.healer.close()
    assert ended == []
    await healing.healer.wait_closed()

    assert sorted(ended) == ["X", "Y"]
    assert running_loop().time() == 4.0
    assert healing.ids == [1, 1]


async def test_closing_when_nothing_is_fetched_takes_no_time():
    healing = Healing(knows_all)
    healing.put(1, 3)
    await asyncio.sleep(0.1)
    await healing.end()

    assert healing.ids == [1, 2, 3]
    assert running_loop().time() == 0.1


async def test_what_was_fetched_is_told_as_the_exchange_gave_it_with_the_time_of_the_live_trade_after_it():
    healing = Healing(knows_all)
    healing.put(1, received_ns=5)
    healing.put(3, received_ns=9)
    await asyncio.sleep(0.1)
    await healing.end()

    fetched, received_ns = healing.delivered[1]
    assert received_ns == 9
    assert (fetched.symbol, fetched.trade_id, fetched.price, fetched.quantity) == ("X", 2, 7, 8)
    assert (fetched.trade_time, fetched.event_time) == (20, 20)
    assert (fetched.is_buyer_maker, fetched.is_best_match) == (False, True)


async def test_frames_that_come_late_fill_the_hole_while_it_is_asked_for():
    gate = asyncio.Event()

    async def fetch(symbol, first, count):
        await gate.wait()
        return [past(2), past(3)]

    healing = Healing(fetch)
    healing.put(1, 4, 2)
    await asyncio.sleep(0.1)
    assert healing.ids == [1, 2]
    healing.put(3)
    assert healing.ids == [1, 2, 3, 4]
    gate.set()
    await asyncio.sleep(0.1)
    healing.put(5)

    assert healing.ids == [1, 2, 3, 4, 5]
    assert healing.gaps == []
    assert len(healing.asked) == 1
    await healing.end()


async def test_a_part_of_a_hole_is_asked_for_until_it_is_whole():
    async def fetch(symbol, first, count):
        return [past(first)]

    healing = Healing(fetch)
    healing.put(1, 5)
    await asyncio.sleep(0.1)

    assert healing.ids == [1, 2, 3, 4, 5]
    assert healing.asked == [(0.0, 2, 3), (0.0, 3, 2), (0.0, 4, 1)]
    await healing.end()


@pytest.mark.parametrize(("held", "given_up"), [(2, False), (3, True)])
async def test_exactly_as_many_live_trades_are_held_as_may_be(held, given_up):
    gate = asyncio.Event()

    async def fetch(symbol, first, count):
        await gate.wait()
        return []

    healing = Healing(fetch, hold=3)
    healing.put(1, *range(3, 3 + held))
    await asyncio.sleep(0.1)

    assert bool(healing.gaps) is given_up
    if given_up:
        assert healing.gaps[0][0].why == "too many live trades meanwhile"
        assert healing.ids == [1, 3, 4, 5]
    await healing.end()


async def test_numbers_that_begin_anew_leave_the_old_hole_alone():
    async def fetch(symbol, first, count):
        await asyncio.sleep(10)
        return []

    healing = Healing(fetch)
    healing.put(1_000, 1_002)
    await asyncio.sleep(1.0)
    healing.healer.put(event(5, time=2_000), 5)
    healing.healer.put(event(6, time=2_001), 5)
    await asyncio.sleep(60.0)

    assert healing.ids == [1_000, 5, 6]
    assert len(healing.asked) == 1
    assert healing.gaps == []
    await healing.end()


async def test_a_lower_number_of_the_same_time_is_a_double():
    healing = Healing(knows_all)
    healing.put(100, 101)
    healing.healer.put(event(7, time=101), 5)
    healing.put(102)

    assert healing.ids == [100, 101, 102]
    await healing.end()


async def test_trades_that_follow_each_other_are_told_at_once_and_nothing_is_asked():
    healing = Healing(knows_all)
    healing.put(*range(7, 20))
    for number in range(20, 30):  # and those of one moment, as of one order
        healing.healer.put(event(number, time=20), 5)

    assert healing.ids == list(range(7, 30))
    assert healing.asked == []
    await healing.end()
