from __future__ import annotations

import asyncio
from decimal import Decimal

from cryptotrader.errors import ConnectFailed
from cryptotrader.ingestion.backfill import CONFIRMATIONS, Backfill
from cryptotrader.models.market_models import Trade
from cryptotrader.protocol.continuity import IdIntervals


def past(number):
    return Trade(
        id=number, price=Decimal(1), quantity=Decimal(1), quote_quantity=Decimal(1), time=1, is_buyer_maker=True,
        is_best_match=True,
    )  # fmt: skip


class Source:
    """Past trades without ``absent``; those in ``late`` appear after some requests; the first ``failures`` fail."""

    def __init__(self, *, absent=(), late=(), appears_after=0, failures=0, newest=10_000):
        self.absent, self.late = set(absent), set(late)
        self.appears_after, self.failures, self.newest = appears_after, failures, newest
        self.asked = []

    async def fetch(self, symbol, first, count):
        self.asked.append((first, count))
        if self.failures:
            self.failures -= 1
            raise ConnectFailed("refused")
        gone = self.absent | (self.late if len(self.asked) <= self.appears_after else set())
        known = (number for number in range(first, self.newest + 1) if number not in gone)
        return [past(number) for number, _ in zip(known, range(count), strict=False)]


def make(source, seen):
    stored, absences, errors = [], [], []

    def store(trade):
        stored.append(trade.id)

    def declare(absence):
        absences.append(absence)
        seen.add_range(absence.first, absence.last)

    return (
        Backfill(
            "X",
            seen,
            fetch=source.fetch,
            store=store,
            declare_absent=declare,
            now_us=lambda: 77,
            on_error=errors.append,
        ),
        stored,
        absences,
    )


async def test_holes_are_filled():
    seen = IdIntervals([(1, 10), (15, 20), (22, 30)])
    backfill, stored, absences = make(Source(), seen)
    backfill.wake()
    await backfill.wait_idle()

    assert stored == [11, 12, 13, 14, 21]
    assert list(seen) == [(1, 30)]
    assert absences == []


async def test_long_holes_take_several_requests_and_no_trade_twice():
    seen = IdIntervals([(1, 10), (2511, 2511)])
    source = Source()
    backfill, stored, _ = make(source, seen)
    backfill.wake()
    await backfill.wait_idle()

    assert stored == list(range(11, 2511))
    assert [count for _, count in source.asked] == [1000, 1000, 501]


async def test_absence_needs_several_answers_and_keeps_its_evidence():
    seen = IdIntervals([(1, 10), (15, 20)])
    source = Source(absent={12, 13})
    backfill, stored, absences = make(source, seen)
    backfill.wake()
    await backfill.wait_idle()

    (absence,) = absences
    assert stored == [11, 14]
    assert (absence.first, absence.last, absence.next_id, absence.checked_us) == (12, 13, 14, 77)
    assert absence.request.startswith("trades.historical fromId=")
    assert len(source.asked) >= CONFIRMATIONS


async def test_what_appears_late_is_not_absent():
    seen = IdIntervals([(1, 10), (15, 20)])
    backfill, stored, absences = make(Source(late={12}, appears_after=CONFIRMATIONS - 1), seen)
    backfill.wake()
    await backfill.wait_idle()

    assert sorted(stored) == [11, 12, 13, 14]
    assert absences == []


async def test_an_answer_that_ends_before_the_ids_is_no_evidence():
    seen = IdIntervals([(1, 10), (15, 20)])
    source = Source(newest=12)
    backfill, stored, absences = make(source, seen)
    backfill.wake()
    await asyncio.sleep(600)
    await backfill.close()

    assert stored == [11, 12]
    assert absences == []
    assert len(source.asked) > CONFIRMATIONS
    assert seen.holes() == [(13, 14)]


async def test_failures_are_tried_again():
    seen = IdIntervals([(1, 2), (5, 6)])
    backfill, stored, _ = make(Source(failures=7), seen)
    backfill.wake()
    backfill.wake()
    await backfill.wait_idle()

    assert stored == [3, 4]
    assert backfill.is_idle
    assert backfill.last_error == "refused"
