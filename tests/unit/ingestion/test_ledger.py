from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import IngestionError
from cryptotrader.ingestion.ledger import Absence, Ledger

ids = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=6)


@given(stream=ids, backfill=ids, rejected=ids)
def test_a_ledger_survives_its_json_and_knows_its_holes(stream, backfill, rejected):
    ledger = Ledger()
    entry = ledger.of("BTCUSDT")
    everything = set()
    for intervals, part in ((stream, entry.stream), (backfill, entry.backfill), (rejected, entry.rejected)):
        for first, length in intervals:
            part.add_range(first, first + length)
            everything |= set(range(first, first + length + 1))
    back = Ledger.from_json(ledger.to_json())

    assert back == ledger
    assert back.copy().to_json() == ledger.to_json()
    missing = {number for first, last in back.of("BTCUSDT").unresolved() for number in range(first, last + 1)}
    whole = set(range(min(everything), max(everything) + 1)) if everything else set()
    assert missing == whole - everything


def test_absent_ids_are_known_and_keep_their_evidence():
    ledger = Ledger()
    entry = ledger.of("X")
    entry.stream.add_range(1, 3)
    entry.stream.add_range(6, 9)
    assert entry.unresolved() == [(4, 5)]
    absence = Absence(4, 5, "trades.historical fromId=4 limit=3", 6, 1)
    entry.absent.append(absence)

    back = Ledger.from_json(ledger.to_json()).of("X")
    assert back.unresolved() == []
    assert back.absent == [absence]
    assert back.stored().count == 7


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        ("{}", "cannot be read"),
        ('{"format":2,"symbols":{}}', "has format 2; this version reads 1"),
        ('{"format":1,"symbols":{"X":{"stream":[[1]]}}}', "cannot be read"),
    ],
)
def test_what_is_no_ledger_of_this_format_is_refused(text, why):
    with pytest.raises(IngestionError, match=why):
        Ledger.from_json(text)
