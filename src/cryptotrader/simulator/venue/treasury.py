"""Who owns what: locks behind open orders, payments of fills, commissions. Amounts are integers at 10^-8.

Nothing is made or lost: the accounts, the fees taken, and what the crowd gave and got always sum up to what was
deposited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from cryptotrader.models.order_models import OrderStatus
from cryptotrader.simulator.venue.accounts import Account, quote_amount
from cryptotrader.simulator.venue.commissions import DISCOUNT_ASSET
from cryptotrader.simulator.venue.events import OrderList
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.rejections import INSUFFICIENT_BALANCE, order_rejected
from cryptotrader.simulator.venue.symbols import UNIT

Holder = AccountOrder | OrderList
"""What a lock is kept for: an order, or the list whose two legs share it."""


def required(order: AccountOrder) -> int:
    """What must be locked for an order, in the asset that it gives."""
    if not order.is_open or order.status is OrderStatus.PENDING_NEW:
        return 0
    if not order.is_buy:
        return order.remaining
    if order.is_at_market and order.is_working:
        return order.budget
    return quote_amount(order.lock_price, order.remaining)


class Treasury:
    """Balances of all accounts.

    Args:
        markets: Where assets are priced.

    Attributes:
        accounts: By uid.
        fees: Commissions taken, by asset.
        outside: What the crowd and smart order routing hold more than at the start, by asset.
        touched: Accounts whose balances changed since their position was told.
    """

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self._markets = markets
        self.accounts: dict[int, Account] = {}
        self.fees: defaultdict[str, int] = defaultdict(int)
        self.outside: defaultdict[str, int] = defaultdict(int)
        self.touched: dict[int, None] = {}

    def move(self, uid: int, asset: str, *, free: int = 0, locked: int = 0) -> None:
        """Change a balance."""
        self.accounts[uid].move(asset, free=free, locked=locked)
        self.touched[uid] = None

    def given_asset(self, order: AccountOrder) -> str:
        """What an order gives."""
        listing = self._markets[order.symbol].listing
        return listing.quote if order.is_buy else listing.base

    def received_asset(self, order: AccountOrder) -> str:
        """What an order receives."""
        listing = self._markets[order.symbol].listing
        return listing.base if order.is_buy else listing.quote

    def hold(self, order: AccountOrder, holder: Holder, legs: Iterable[AccountOrder]) -> None:
        """Lock as much as the needier of the legs requires, and free the rest.

        Raises:
            Rejection: The account has not enough.
        """
        asset = self.given_asset(order)
        change = max((required(leg) for leg in legs), default=0) - holder.locked
        if not change:
            return
        if change > self.accounts[order.uid].free(asset):
            raise order_rejected(INSUFFICIENT_BALANCE)
        self.move(order.uid, asset, free=-change, locked=change)
        holder.locked += change

    def pay(self, order: AccountOrder, holder: Holder, quantity: int, quote: int) -> None:
        """Give one asset from what is locked, and receive the other."""
        given, received = (quote, quantity) if order.is_buy else (quantity, quote)
        self.move(order.uid, self.given_asset(order), locked=-given)
        holder.locked -= given
        if order.is_buy and order.is_at_market:
            order.budget -= given
        self.move(order.uid, self.received_asset(order), free=received)

    def charge(self, order: AccountOrder, quantity: int, quote: int, *, is_maker: bool) -> tuple[int, str]:
        """Take the commission of a fill; returns how much and in which asset."""
        account, asset = self.accounts[order.uid], self.received_asset(order)
        received, rates = (quantity if order.is_buy else quote), account.commissions
        amount = rates.full(received, is_maker=is_maker, is_buyer=order.is_buy)
        if rates.pays_in_bnb:
            discounted = rates.discounted(received, is_maker=is_maker, is_buyer=order.is_buy)
            in_bnb = self._in_bnb(order.symbol, asset, discounted)
            if in_bnb is not None and in_bnb <= account.free(DISCOUNT_ASSET):
                asset, amount = DISCOUNT_ASSET, in_bnb
        if amount:
            self.move(order.uid, asset, free=-amount)
            self.fees[asset] += amount
        return amount, asset

    def _in_bnb(self, symbol: str, asset: str, amount: int) -> int | None:
        """An amount of an asset of a symbol, at last prices; ``None`` when neither of its two is traded against BNB."""
        market = self._markets[symbol]
        base, quote = market.listing.base, market.listing.quote
        direct = self._converted(asset, amount)
        if direct is not None:
            return direct
        if asset == base:
            return self._converted(quote, amount * market.last_price // UNIT)
        return self._converted(base, amount * UNIT // market.last_price)

    def _converted(self, asset: str, amount: int) -> int | None:
        """An amount in BNB at the last price; ``None`` when the asset is not traded against it."""
        if asset == DISCOUNT_ASSET:
            return amount
        if (market := self._markets.get(DISCOUNT_ASSET + asset)) is not None:
            return amount * UNIT // market.last_price
        if (market := self._markets.get(asset + DISCOUNT_ASSET)) is not None:
            return amount * market.last_price // UNIT
        return None

    def give_outside(self, symbol: str, quantity: int, quote: int, *, account_buys: bool) -> None:
        """Book the other side of an account's fill to the crowd."""
        listing, sign = self._markets[symbol].listing, (1 if account_buys else -1)
        self.outside[listing.base] -= sign * quantity
        self.outside[listing.quote] += sign * quote
