"""Faults are checked strictly, come on time, and end."""

from __future__ import annotations

import json

import pytest

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.faults import ON_FRAMES, FaultBoard, FaultKind, TimedFault, make_fault, read_script

SKIP, REFUSE = frozenset({FaultKind.SKIP}), frozenset({FaultKind.REFUSE})
TRADES = b"btcusdt@trade"


def board():
    return FaultBoard(seed=1, start_us=0)


@pytest.mark.parametrize("kind", [kind.value for kind in FaultKind])
def test_every_fault_can_be_made(kind):
    assert make_fault(kind, {"count": 1} if kind == "refuse" else {}).fault == kind


@pytest.mark.parametrize(
    ("kind", "where", "problem"),
    [
        ("explode", {}, "Invalid enum value 'explode'"),
        ("drop", {"colour": "red"}, "unknown field `colour`"),
        ("drop", {"seconds": 1}, "knows no seconds"),
        ("drop", {"duration": 1}, "knows no duration"),
        ("drop", {"count": 0}, ">= 1"),
        ("drop", {"probability": 0}, "> 0"),
        ("drop", {"probability": 1.5}, "<= 1"),
        ("drop", {"connection": "user"}, "Invalid enum value 'user'"),
        ("drop", {"binary": True}, "binary belongs to garbage"),
        ("drop", {"tcp": True}, "tcp belongs to refuse"),
        ("stall", {"seconds": -1}, "> 0"),
        ("stall", {"seconds": "long"}, r"Expected `float \| null`, got `str`"),
        ("skip", {"stream": ""}, "length >= 1"),
        ("skip", {"stream": "a@trade", "connection": "api"}, "knows no stream"),
        ("refuse", {}, "needs seconds or count"),
        ("refuse", {"count": 1, "stream": "a@trade"}, "knows no stream"),
        ("refuse", {"count": 1, "tcp": True}, "tcp belongs to refuse with seconds"),
        ("refuse", {"seconds": 1, "connection": "api", "tcp": True}, "tcp refuses all"),
        ("rate_limit", {"connection": "stream"}, "acts on requests only"),
        ("rate_limit", {"stream": "a@trade"}, "knows no stream"),
        ("ban", {"count": 1}, "every address is banned alike"),
        ("ban", {"duration": 1}, "knows no duration"),
    ],
)
def test_wrong_faults_are_refused(kind, where, problem):
    with pytest.raises(ConfigurationError, match=problem):
        make_fault(kind, where)


def test_a_script_is_read_in_order_of_time(tmp_path):
    path = tmp_path / "faults.jsonl"
    path.write_text('{"at": 2.5, "fault": "drop", "connection": "api"}\n\n{"at": 1, "fault": "skip", "count": 3}\n')
    assert read_script(path) == [
        TimedFault(1_000_000, make_fault("skip", {"count": 3})),
        TimedFault(2_500_000, make_fault("drop", {"connection": "api"})),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("drop", "faults.jsonl:2: needs an object"),
        ('{"fault": "drop"}', "faults.jsonl:2: needs an object"),
        ('{"at": -1, "fault": "drop"}', "faults.jsonl:2: needs an object"),
        ('{"at": 1}', "faults.jsonl:2: fault ''"),
        ('{"at": 1, "fault": "drop", "seconds": 2}', "faults.jsonl:2: fault 'drop': drop: knows no seconds"),
    ],
)
def test_a_wrong_line_of_a_script_is_named(tmp_path, line, problem):
    path = tmp_path / "faults.jsonl"
    path.write_text(f"{json.dumps({'at': 0, 'fault': 'drop'})}\n{line}\n")
    with pytest.raises(ConfigurationError, match=problem):
        read_script(path)


def test_a_missing_script_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_script(tmp_path / "none")


def test_the_script_comes_on_time():
    faults = board()
    drop, stall = make_fault("drop", {}), make_fault("stall", {})
    faults.start([TimedFault(1_000_000, drop), TimedFault(2_000_000, stall)], 5_000_000)
    assert faults.next_us == 6_000_000
    assert list(faults.advance(5_999_999)) == []
    assert list(faults.advance(6_000_000)) == [drop]
    assert list(faults.advance(9_000_000)) == [stall]
    assert faults.next_us is None


def test_a_count_is_used_up():
    faults = board()
    faults.add(make_fault("skip", {"stream": "btcusdt@trade", "count": 2}), 0)
    assert faults.on_frames
    assert faults.hits(SKIP, "stream", b"ethusdt@trade") == []
    assert faults.hits(SKIP, "api", TRADES) == []
    assert [len(faults.hits(SKIP, "stream", TRADES)) for _ in range(3)] == [1, 1, 0]
    assert not faults.on_frames


def test_a_duration_ends():
    faults = board()
    faults.add(make_fault("skip", {"duration": 2}), 1_000_000)
    assert list(faults.advance(2_999_999)) == []
    assert faults.hits(SKIP, "stream", TRADES)
    assert list(faults.advance(3_000_000)) == []
    assert faults.hits(SKIP, "stream", TRADES) == []


def test_refusals_last_for_their_seconds():
    faults = board()
    faults.add(make_fault("refuse", {"seconds": 2, "connection": "api"}), 0)
    assert not faults.on_frames
    assert faults.hits(REFUSE, "api")
    assert not faults.hits(REFUSE, "stream")
    list(faults.advance(2_000_000))
    assert not faults.hits(REFUSE, "api")


def test_replies_are_hit_only_when_asked_for():
    faults = board()
    faults.add(make_fault("delay", {}), 0)
    assert faults.hits(ON_FRAMES, "api") == []
    faults.add(make_fault("delay", {"connection": "api"}), 0)
    assert len(faults.hits(ON_FRAMES, "api")) == 1


def test_the_dice_follow_the_seed():
    def throws(seed):
        faults = FaultBoard(seed=seed, start_us=0)
        faults.add(make_fault("skip", {"probability": 0.3}), 0)
        return [bool(faults.hits(SKIP, "stream", TRADES)) for _ in range(500)]

    assert throws(1) == throws(1) != throws(2)
    assert 100 < sum(throws(1)) < 200


def test_clearing_ends_everything():
    faults = board()
    faults.start([TimedFault(1, make_fault("drop", {}))], 0)
    faults.add(make_fault("skip", {}), 0)
    faults.clear()
    assert faults.active == []
    assert list(faults.advance(10)) == []
