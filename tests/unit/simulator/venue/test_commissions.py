"""What an account pays for a fill, unless it is told otherwise: 0.1 %."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cryptotrader.models.base_models import Side
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.symbols import UNIT
from trading_pair import SYMBOL, desk

STANDARD = Decimal("0.001")


@pytest.mark.parametrize("is_maker", [True, False])
@pytest.mark.parametrize("is_buyer", [True, False])
def test_a_fill_costs_a_thousandth_of_what_is_received_and_a_quarter_less_in_bnb(is_maker, is_buyer):
    role = {"is_maker": is_maker, "is_buyer": is_buyer}

    assert Commissions().full(10 * UNIT, **role) == UNIT // 100
    assert Commissions().discounted(10 * UNIT, **role) == UNIT * 3 // 400
    assert not Commissions().pays_in_bnb


@pytest.mark.parametrize(
    ("is_maker", "is_buyer", "full", "discounted"), [(True, True, 555, 554), (False, False, 888, 886)]
)
def test_each_kind_is_charged_by_role_and_side_and_the_discount_is_on_the_standard_one_alone(
    is_maker, is_buyer, full, discounted
):
    kinds = {
        "standard": CommissionRates(maker=1, taker=2, buyer=4, seller=6),
        "special": CommissionRates(maker=10, taker=20, buyer=40, seller=60),
        "tax": CommissionRates(maker=100, taker=200, buyer=400, seller=600),
    }
    commissions = Commissions(**kinds, discount=UNIT * 4 // 5)

    assert commissions.full(UNIT, is_maker=is_maker, is_buyer=is_buyer) == full
    assert commissions.discounted(UNIT, is_maker=is_maker, is_buyer=is_buyer) == discounted


async def test_accounts_of_the_local_exchange_pay_it_and_say_so():
    async with desk(rate=0) as at, at.client() as seller, at.client(1) as buyer:
        told = await seller.orders.commission(SYMBOL)
        resting = await seller.orders.place_limit(SYMBOL, Side.SELL, quantity="0.5", price="95000")
        taking = await buyer.orders.place_market(SYMBOL, Side.BUY, quantity="0.5")
        await resting.filled(timeout=5)

        assert (told.standard_commission.maker, told.standard_commission.taker) == (STANDARD, STANDARD)
        (sold,), (bought,) = resting.fills, taking.fills
        assert (bought.commission, bought.commission_asset) == (Decimal("0.5") * STANDARD, "BTC")
        assert (sold.commission, sold.commission_asset) == (Decimal("0.5") * 95_000 * STANDARD, "USDT")
