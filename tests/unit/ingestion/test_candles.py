"""Candles held against a recomputation that shares nothing with them: fractions, and borders by the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cryptotrader.errors import QueryFailed, SinkFailed, UnknownSymbol
from cryptotrader.ingestion.iceberg import read_candles
from cryptotrader.models.base_models import KlineInterval
from trade_tables import PAIRS, START_MS, trade, write_table
from volume import rounds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BORDERS = [
    datetime(2024, 1, 1, tzinfo=UTC),  # year, month and Monday
    datetime(2024, 3, 1, tzinfo=UTC),  # after a leap day
    datetime(2024, 8, 5, tzinfo=UTC),  # Monday
    datetime(2024, 8, 8, 12, tzinfo=UTC),
]
AMOUNTS = st.one_of(
    st.integers(1, 10**5), st.integers(1, 10**17), st.sampled_from([1, 99_999_999, 100_000_000, 10**17 - 1])
).map(lambda units: Decimal(units).scaleb(-8))


@st.composite
def trades(draw):
    """Some trades around a border, each with its own id."""
    border_us = (draw(st.sampled_from(BORDERS)) - EPOCH) // timedelta(microseconds=1)
    reach_us = draw(st.sampled_from([2 * 10**6, 10 * 60 * 10**6, 86_400 * 10**6, 40 * 86_400 * 10**6]))
    numbers = draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=15, unique=True))
    return [
        trade(
            number,
            draw(st.sampled_from(sorted(PAIRS))),
            price=draw(AMOUNTS),
            quantity=draw(AMOUNTS),
            trade_time=border_us + draw(st.integers(-reach_us, reach_us)),
            is_buyer_maker=draw(st.booleans()),
        )
        for number in numbers
    ]


@st.composite
def commits(draw, events):
    """The trades in any order, some of them more than once, cut into any number of commits."""
    repeated = draw(st.lists(st.sampled_from(events), max_size=5))
    order = draw(st.permutations([*events, *repeated]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def start_of(time_us, interval):
    """The start of an interval, by the calendar."""
    time = EPOCH + timedelta(microseconds=time_us)
    day = time.date()
    starts = {
        "1M": lambda: day.replace(day=1),
        "1w": lambda: day - timedelta(days=day.weekday()),
        "3d": lambda: day - timedelta(days=(day - date(1970, 1, 1)).days % 3),
        "1d": lambda: day,
    }
    if interval.value in starts:
        first = starts[interval.value]()
        return datetime(first.year, first.month, first.day, tzinfo=UTC)
    count, unit = int(interval[:-1]), interval[-1]
    if unit == "s":
        return time.replace(microsecond=0)
    if unit == "m":
        return time.replace(minute=time.minute // count * count, second=0, microsecond=0)
    return time.replace(hour=time.hour // count * count, minute=0, second=0, microsecond=0)


def recomputed(events, interval):
    inside = {}
    for event in sorted(events, key=lambda event: event.trade_id):
        inside.setdefault((event.symbol, start_of(event.trade_time, interval)), []).append(event)
    return [
        (symbol, start, *summary(group))
        for (symbol, start), group in sorted(inside.items(), key=lambda item: item[0])
    ]  # fmt: skip


def summary(group):
    prices = [Fraction(event.price) for event in group]
    quantities = [Fraction(event.quantity) for event in group]
    quotes = [price * quantity for price, quantity in zip(prices, quantities, strict=True)]
    bought = [index for index, event in enumerate(group) if not event.is_buyer_maker]
    return (
        prices[0], max(prices), min(prices), prices[-1], sum(quantities), sum(quotes), len(group),
        sum(quantities[index] for index in bought), sum(quotes[index] for index in bought),
        group[0].trade_id, group[-1].trade_id,
    )  # fmt: skip


def values_of(candle):
    values = (getattr(candle, name) for name in candle.__slots__)
    return tuple(Fraction(value) if isinstance(value, Decimal) else value for value in values)


WITHOUT_SHRINKING = (Phase.explicit, Phase.generate)  # each example writes a table: shrinking would take minutes


@pytest.mark.volume
@settings(
    max_examples=rounds(5, 100), phases=WITHOUT_SHRINKING, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
@given(data=st.data(), events=trades())
def test_candles_of_any_interval_equal_an_exact_recomputation(tmp_path_factory, data, events):
    folder = write_table(tmp_path_factory.mktemp("candles") / "table", *data.draw(commits(events)))

    intervals = data.draw(st.lists(st.sampled_from(KlineInterval), min_size=3, max_size=3, unique=True))
    assert intervals
    for interval in intervals:
        assert [values_of(candle) for candle in read_candles(folder, interval)] == recomputed(events, interval)


@pytest.fixture(scope="module")
def two_months(tmp_path_factory):
    """Trades on both sides of each border, and far from any."""
    offsets = [timedelta(microseconds=us) for us in (-1, 0, 1)] + [timedelta(hours=7, minutes=13, seconds=59)]
    times = [(border + offset - EPOCH) // timedelta(microseconds=1) for border in BORDERS for offset in offsets]
    events = [trade(number, trade_time=time) for number, time in enumerate(times, 1)]
    return write_table(tmp_path_factory.mktemp("borders") / "table", events), events


@pytest.mark.parametrize("interval", KlineInterval)
def test_each_interval_has_its_borders(two_months, interval):
    folder, events = two_months

    assert [values_of(candle) for candle in read_candles(folder, interval)] == recomputed(events, interval)


def test_only_the_asked_symbol_is_read(tmp_path):
    folder = write_table(tmp_path / "table", [trade(1), trade(2, "ETHUSDT")])

    (candle,) = read_candles(folder, KlineInterval.DAY_1, symbol="ETHUSDT")
    assert (candle.symbol, candle.first_trade_id, candle.open) == ("ETHUSDT", 2, trade(2).price)


@pytest.mark.parametrize("symbol", ["BNBUSDT", "", "x' OR '1'='1"])
def test_an_unknown_symbol_is_told_with_those_there_are(tmp_path, symbol):
    folder = write_table(tmp_path / "table", [trade(1), trade(2, "ETHUSDT")])

    with pytest.raises(UnknownSymbol, match="which holds BTCUSDT, ETHUSDT"):
        next(read_candles(folder, KlineInterval.DAY_1, symbol=symbol))


def test_an_empty_table_has_no_candles(tmp_path):
    folder = write_table(tmp_path / "table")

    assert list(read_candles(folder, KlineInterval.MINUTE_1)) == []
    with pytest.raises(UnknownSymbol, match="which holds no trades"):
        next(read_candles(folder, KlineInterval.MINUTE_1, symbol="BTCUSDT"))


def test_of_two_rows_with_one_id_the_first_received_counts(tmp_path):
    first, second = trade(7), trade(7, price=Decimal(1), trade_time=START_MS + 86_400_000)
    folder = write_table(tmp_path / "table", [first], [second])

    (candle,) = read_candles(folder, KlineInterval.MINUTE_1)
    assert (candle.close, candle.trade_count) == (first.price, 1)


def test_more_than_eight_places_are_refused_rather_than_rounded(tmp_path):
    folder = write_table(tmp_path / "table", [trade(1, price=Decimal("1.000000001"))])

    with pytest.raises(QueryFailed, match=r"price 1\.0{8}10* has more than eight places"):
        list(read_candles(folder, KlineInterval.MINUTE_1))


@pytest.mark.parametrize("events", [
    [trade(1, price=Decimal(10) ** 12, quantity=Decimal(10) ** 11)],
    [trade(number, price=Decimal(10) ** 11, quantity=Decimal(10) ** 10) for number in range(1, 13)],
])  # fmt: skip
def test_numbers_that_cannot_be_held_exactly_are_refused(tmp_path, events):
    folder = write_table(tmp_path / "table", events)

    with pytest.raises(QueryFailed, match="Overflow"):
        list(read_candles(folder, KlineInterval.MINUTE_1))


def test_no_table_is_told(tmp_path):
    with pytest.raises(SinkFailed, match="no table here"):
        next(read_candles(tmp_path, KlineInterval.MINUTE_1))
