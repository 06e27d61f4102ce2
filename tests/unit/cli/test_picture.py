"""Candles drawn with characters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.cli.picture import _labels, _ticks, picture
from cryptotrader.ingestion.iceberg.plot import Drawing

START = datetime(2024, 8, 8, tzinfo=UTC)


def drawing(slots, closes):
    return Drawing(
        title="BTCUSDT 1m",
        times=[START + slot * timedelta(minutes=1) for slot in slots],
        slots=slots,
        length=timedelta(minutes=1),
        opens=[100.0] * len(slots),
        highs=[max(100.0, close) + 1 for close in closes],
        lows=[min(100.0, close) - 1 for close in closes],
        closes=closes,
        volumes=[5.0] * len(slots),
    )


def test_candles_rise_fall_and_leave_empty_intervals_empty():
    lines = picture(drawing([0, 1, 3], [110.0, 90.0, 110.0]), 80, 24, has_color=False).splitlines()
    above = [line[9:] for line in lines[2:14]]
    columns = ["".join(line[place] for line in above if place < len(line)) for place in range(70)]
    kinds = ["".join(sorted(set(column) & set("█░"))) for column in columns]

    assert re.fullmatch(r" *█+ +░+ +█+ *", "".join(kind or " " for kind in kinds))
    gaps = [len(gap) for gap in re.findall(r"(?<=\S) +(?=\S)", "".join(kind or " " for kind in kinds))]
    assert gaps[1] > 2 * gaps[0]


def test_color_is_only_where_asked():
    some = drawing([0, 1], [110.0, 90.0])
    plain, colored = (picture(some, 80, 24, has_color=has_color) for has_color in (False, True))

    assert "\x1b" not in plain
    assert "\x1b[38;5;2m" in colored
    assert "\x1b[38;5;1m" in colored


@pytest.mark.parametrize("count", [1, 2, 72, 73, 5000])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 46), (60, 16)])
def test_pictures_have_the_asked_size(count, width, height):
    some = drawing(list(range(count)), [100.0 + index % 7 for index in range(count)])
    lines = picture(some, width, height, has_color=False).splitlines()

    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    assert "00:00" in lines[-1]


@given(low=st.floats(1e-8, 1e6), span=st.floats(0, 1e6), most=st.integers(1, 20))
def test_ticks_lie_within_and_are_told_apart(low, span, most):
    ticks = _ticks(low, low + span, most)
    labels = _labels(ticks)

    assert 1 <= len(ticks) <= most + 1
    assert all(low * (1 - 1e-9) <= tick <= (low + span) * (1 + 1e-9) for tick in ticks)
    assert len(set(labels)) == len(labels)
