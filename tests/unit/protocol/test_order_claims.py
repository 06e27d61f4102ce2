from __future__ import annotations

from cryptotrader.protocol.order_claims import AHEAD_US, REMEMBERED_NUMBERS, Claim, HeardNumbers

SECOND = 1_000_000


def test_what_was_heard_of_before_is_another_order():
    heard = HeardNumbers()
    heard.add("BTCUSDT", 1)
    claim = Claim(0.0, 0, heard.count, is_own=True)
    heard.add("BTCUSDT", 2)
    heard.add("BTCUSDT", 1)

    assert [heard.is_before(claim, "BTCUSDT", number) for number in (1, 2, 3)] == [True, False, False]
    assert not heard.is_before(claim, "ETHUSDT", 1)


def test_the_newest_numbers_are_remembered():
    heard = HeardNumbers()
    for number in range(REMEMBERED_NUMBERS + 1):
        heard.add("BTCUSDT", number)
    claim = Claim(0.0, 0, heard.count, is_own=True)

    assert [heard.is_before(claim, "BTCUSDT", number) for number in (0, 1, REMEMBERED_NUMBERS)] == [False, True, True]


def test_an_order_is_not_older_than_its_request_by_either_look_at_the_clock():
    claim = Claim(sent_at=10.0, not_before=1_000 * SECOND, heard=0, is_own=True)

    assert claim.earliest(12.0, 1_002 * SECOND) == 1_000 * SECOND - AHEAD_US
    assert claim.earliest(12.0, 992 * SECOND) == 990 * SECOND - AHEAD_US  # the clock was found to be behind
    assert claim.earliest(12.0, 4_000 * SECOND) == 1_000 * SECOND - AHEAD_US  # this machine slept
    assert Claim(float("-inf"), 0, 0, is_own=False).earliest(12.0, 1_002 * SECOND) == 0
