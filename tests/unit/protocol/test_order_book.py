from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import BookOutOfSync
from cryptotrader.models.market_models import DepthUpdateEvent, OrderBookSnapshot
from cryptotrader.protocol.order_book import OrderBook, scaled


def diff(first, final, bids=(), asks=()):
    return DepthUpdateEvent(
        event_time=1, symbol="X", first_update_id=first, final_update_id=final, raw_bids=list(bids), raw_asks=list(asks)
    )


def snapshot(last, bids=(), asks=()):
    return OrderBookSnapshot(last_update_id=last, raw_bids=list(bids), raw_asks=list(asks))


levels = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=12)


@given(st.lists(st.tuples(levels, levels), max_size=12))
def test_a_book_equals_a_dictionary_of_its_levels(diffs):
    book = OrderBook("x")
    book.restore(snapshot(0, [("5.0", "1")], [("40.0", "1")]))
    bids, asks = {Decimal(5): Decimal(1)}, {Decimal(40): Decimal(1)}
    for number, (bid_levels, ask_levels) in enumerate(diffs, start=1):
        book.apply(
            diff(
                number,
                number,
                [(f"{price}.00", f"{quantity}.0") for price, quantity in bid_levels],
                [(f"{price + 30}", f"{quantity}") for price, quantity in ask_levels],
            )
        )
        for side, changed, offset in ((bids, bid_levels, 0), (asks, ask_levels, 30)):
            for price, quantity in changed:
                side[Decimal(price + offset)] = Decimal(quantity)
    best_bids, best_asks = book.levels(100)

    assert best_bids == sorted(((p, q) for p, q in bids.items() if q), reverse=True)
    assert best_asks == sorted((p, q) for p, q in asks.items() if q)
    assert book.best_bid == (best_bids[0] if best_bids else None)
    assert book.best_ask == (best_asks[0] if best_asks else None)


def test_diffs_before_the_snapshot_are_kept_and_old_ones_ignored():
    book = OrderBook("x")
    book.apply(diff(5, 7, [("1", "1")]))
    book.apply(diff(8, 9, [("2", "2")]))

    assert not book.restore(snapshot(3))
    assert book.restore(snapshot(7, [("3", "3")]))
    assert book.update_id == 9
    assert [level.price for level in book.levels(5)[0]] == [3, 2]
    book.apply(diff(6, 9, [("9", "9")]))
    assert book.best_bid.price == 3


def test_a_missing_diff_empties_the_book_and_says_what_was_expected():
    book = OrderBook("x")
    book.restore(snapshot(10, [("1", "1")]))

    with pytest.raises(BookOutOfSync, match="expected update 11, received 12") as raised:
        book.apply(diff(12, 13))
    assert (raised.value.symbol, raised.value.expected, raised.value.received) == ("X", 11, 12)
    assert book.update_id is None
    assert book.best_bid is None
    assert book.restore(snapshot(11))
    assert book.update_id == 13


@pytest.mark.parametrize(
    ("text", "value"), [("1", 10**8), ("0.00000001", 1), ("61837.63000000", 6183763000000), ("1.5000000000", 150000000)]
)
def test_texts_become_exact_integers(text, value):
    assert scaled(text) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [("0.000000001", "more than 8 decimals"), ("x", "invalid literal"), ("", "not a decimal number")],
)
def test_other_texts_are_refused(text, problem):
    with pytest.raises(ValueError, match=problem):
        scaled(text)
