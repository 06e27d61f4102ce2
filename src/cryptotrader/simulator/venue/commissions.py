"""What an account pays for a fill. Rates and amounts are integers at 10^-8.

Source: Binance Spot documentation, "Commission rates": each kind is charged on what is received, at the sum of the
role's and the side's rate; a discount multiplies the standard part alone, and only when commission is paid in BNB.
"""

from __future__ import annotations

from msgspec import Struct

from cryptotrader.simulator.venue.symbols import UNIT

DISCOUNT_ASSET = "BNB"


class CommissionRates(Struct, frozen=True, kw_only=True):
    """Rates of one kind of commission."""

    maker: int = 0
    taker: int = 0
    buyer: int = 0
    seller: int = 0

    def rate(self, *, is_maker: bool, is_buyer: bool) -> int:
        """Rate of a fill."""
        return (self.maker if is_maker else self.taker) + (self.buyer if is_buyer else self.seller)


class Commissions(Struct, frozen=True, kw_only=True):
    """All rates of an account.

    Attributes:
        standard: Charged on every trade; the discount lowers it.
        special: Charged on top, without discount.
        tax: Charged on top, without discount.
        discount: Factor on the standard part when it is paid in BNB.
        pays_in_bnb: Whether the account wants to pay in BNB.
    """

    standard: CommissionRates = CommissionRates(maker=UNIT // 1000, taker=UNIT // 1000)
    special: CommissionRates = CommissionRates()
    tax: CommissionRates = CommissionRates()
    discount: int = UNIT * 3 // 4
    pays_in_bnb: bool = False

    def full(self, received: int, *, is_maker: bool, is_buyer: bool) -> int:
        """Commission in the received asset."""
        kinds = (self.standard, self.special, self.tax)
        return received * sum(kind.rate(is_maker=is_maker, is_buyer=is_buyer) for kind in kinds) // UNIT

    def discounted(self, received: int, *, is_maker: bool, is_buyer: bool) -> int:
        """Commission in the received asset when it is to be converted to BNB."""
        standard = self.standard.rate(is_maker=is_maker, is_buyer=is_buyer)
        others = sum(kind.rate(is_maker=is_maker, is_buyer=is_buyer) for kind in (self.special, self.tax))
        return received * (standard * self.discount + others * UNIT) // (UNIT * UNIT)
