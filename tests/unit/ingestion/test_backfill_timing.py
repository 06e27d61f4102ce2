"""When the backfill asks again, when it takes an absence for certain, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from itertools import pairwise

import pytest

from cryptotrader.errors import ConnectFailed
from cryptotrader.ingestion.backfill import CONFIRMATION_SECONDS, CONFIRMATIONS, RETRY_DELAYS, Backfill
from cryptotrader.models.market_models import Trade
from cryptotrader.protocol.continuity import IdIntervals
from virtual_clock import running_loop


def past(number):
    return Trade(
        id=number, price=Decimal(1), quantity=Decimal(1), quote_quantity=Decimal(1), time=1, is_buyer_maker=True,
        is_best_match=True,
    )  # fmt: skip


class Filling:
    """A backfill of ids 11 to 14, whose every request is answered by ``answer(number of request, first, count)``."""

    def __init__(self, answer):
        self.answer = answer
        self.seen = IdIntervals([(1, 10), (15, 20)])
        self.times, self.stored, self.absences, self.errors = [], [], [], []
        self.backfill = Backfill(
            "X",
            self.seen,
            fetch=self.fetch,
            store=self.stored.append,
            declare_absent=self.declare,
            now_us=lambda: 77,
            on_error=self.errors.append,
        )

    async def fetch(self, symbol, first, count):
        assert symbol == "X"
        self.times.append(running_loop().time())
        return self.answer(len(self.times), first, count)

    def declare(self, absence):
        self.absences.append((absence.first, absence.last))
        self.seen.add_range(absence.first, absence.last)

    @property
    def delays(self):
        return [after - before for before, after in pairwise(self.times)]


def all_of(first, count, *, without=()):
    """An honest answer."""
    return [past(number) for number in range(first, first + count + len(without)) if number not in without][:count]


async def test_a_source_that_fails_is_asked_ever_more_seldom_and_the_hole_stays_open(caplog):
    def refuse(*_):
        raise ConnectFailed("refused")

    async def main():
        filling = Filling(refuse)
        filling.backfill.wake()
        await asyncio.sleep(60)
        assert filling.delays[: len(RETRY_DELAYS) + 2] == pytest.approx([*RETRY_DELAYS, 10.0, 10.0])
        assert not filling.backfill.is_idle
        await filling.backfill.close()
        asked = len(filling.times)
        await asyncio.sleep(60)

        assert filling.backfill.is_idle
        assert len(filling.times) == asked
        assert filling.seen.holes() == [(11, 14)]
        assert (filling.stored, filling.absences, filling.errors) == ([], [], [])
        assert filling.backfill.last_error == "refused"

    with caplog.at_level(logging.WARNING, logger="cryptotrader"):
        await main()
    assert "X: trades from 11 on not fetched: refused" in caplog.messages


async def test_the_delays_start_anew_after_progress():
    def answer(request, first, count):
        if request != 4:
            raise ConnectFailed("refused")
        return [past(11), past(12)]

    filling = Filling(answer)
    filling.backfill.wake()
    await asyncio.sleep(10)
    await filling.backfill.close()

    assert filling.delays[:6] == pytest.approx([0.25, 0.5, 1.0, 0.0, 0.25, 0.5])
    assert filling.seen.holes() == [(13, 14)]


async def test_answers_count_as_confirmations_only_with_time_between_them():
    filling = Filling(lambda _, first, count: all_of(first, count, without={12, 13}))
    filling.backfill.wake()
    await filling.backfill.wait_idle()

    assert filling.absences == [(12, 13)]
    counted = [0.0, 0.25, 0.75, 1.75]
    assert filling.times == [0.0, *counted]  # what was asked again at once, after 11 and 14 had come, confirmed nothing
    assert len(counted) == CONFIRMATIONS
    assert min(after - before for before, after in pairwise(counted)) >= CONFIRMATION_SECONDS


async def test_a_doubt_about_more_ids_does_not_count_for_fewer():
    """While the database catches up id by id, no answer confirms another."""

    def answer(request, first, count):
        return all_of(first, count, without=set(range(11 + request, 15)))

    filling = Filling(answer)
    filling.backfill.wake()
    await filling.backfill.wait_idle()

    assert [trade.id for trade in filling.stored] == [11, 12, 13, 14]
    assert filling.absences == []


async def test_answers_that_end_right_before_the_ids_are_no_evidence_however_many_they_are():
    filling = Filling(lambda *_: [past(11), past(12)])
    filling.backfill.wake()
    await asyncio.sleep(100)
    await filling.backfill.close()

    assert len(filling.times) > 2 * CONFIRMATIONS
    assert (filling.absences, filling.errors) == ([], [])
    assert filling.seen.holes() == [(13, 14)]


async def test_one_trade_beyond_the_ids_is_evidence():
    filling = Filling(lambda *_: [past(11), past(12), past(13), past(15)])
    filling.backfill.wake()
    await asyncio.sleep(100)
    await filling.backfill.close()

    assert filling.absences == [(14, 14)]
    assert list(filling.seen) == [(1, 20)]


async def test_what_was_streamed_meanwhile_is_not_stored_twice():
    def answer(request, first, count):
        filling.seen.add(12)  # came late, out of order
        return all_of(first, count)

    filling = Filling(answer)
    filling.backfill.wake()
    await filling.backfill.wait_idle()

    assert [trade.id for trade in filling.stored] == [11, 13, 14]


async def test_trades_outside_of_the_hole_are_not_stored():
    filling = Filling(lambda _, first, count: [past(10), *all_of(first, count), past(21), past(500)])
    filling.backfill.wake()
    await filling.backfill.wait_idle()

    assert [trade.id for trade in filling.stored] == [11, 12, 13, 14]
    assert list(filling.seen) == [(1, 20)]


async def test_what_is_no_error_of_the_exchange_ends_it_and_is_told_twice():
    def fail(*_):
        raise ZeroDivisionError("ours")

    filling = Filling(fail)
    filling.backfill.wake()
    with pytest.raises(ZeroDivisionError, match="ours"):
        await filling.backfill.wait_idle()

    assert [type(error) for error in filling.errors] == [ZeroDivisionError]
    assert filling.backfill.is_idle


class SlowToEnd(Filling):
    """Its request takes three seconds to give up."""

    async def fetch(self, symbol, first, count):
        try:
            return await running_loop().create_future()
        finally:
            await asyncio.sleep(3.0)


async def test_closing_waits_until_nothing_is_fetched_any_more():
    filling = SlowToEnd(all_of)
    filling.backfill.wake()
    await asyncio.sleep(1.0)
    await filling.backfill.close()

    assert filling.backfill.is_idle
    assert running_loop().time() == 4.0


async def test_one_that_failed_may_be_closed():
    filling = Filling(lambda *_: 1 / 0)
    filling.backfill.wake()
    await asyncio.sleep(1.0)
    await filling.backfill.close()

    assert [type(error) for error in filling.errors] == [ZeroDivisionError]


async def test_it_does_not_fill_twice_at_once():
    filling = SlowToEnd(all_of)
    filling.backfill.wake()
    first = filling.backfill._task
    await asyncio.sleep(1.0)
    filling.backfill.wake()
    assert filling.backfill._task is first
    await filling.backfill.close()


async def test_without_holes_nothing_is_asked():
    filling = Filling(all_of)
    await filling.backfill.wait_idle()
    await filling.backfill.close()
    filling.seen.add_range(11, 14)
    filling.backfill.wake()

    assert filling.backfill.is_idle
    assert filling.times == []


async def test_it_may_be_woken_again():
    filling = Filling(lambda _, first, count: all_of(first, count))
    filling.backfill.wake()
    await filling.backfill.wait_idle()
    filling.seen.add(23)
    filling.backfill.wake()
    await filling.backfill.wait_idle()

    assert [trade.id for trade in filling.stored] == [11, 12, 13, 14, 21, 22]
    assert len(filling.times) == 2
