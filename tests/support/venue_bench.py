"""What the venue's tests share: a quiet exchange, accounts with money, and orders in readable numbers."""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import PegPriceType
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.events import ExecutionReport, ListKind
from cryptotrader.simulator.venue.list_placement import NewOrderList
from cryptotrader.simulator.venue.order_changes import OrderKey
from cryptotrader.simulator.venue.orders import NewOrder
from cryptotrader.simulator.venue.symbols import UNIT

START = 1_700_000_000_000_000
SYMBOL = "BTCUSDT"
FREE_OF_CHARGE = Commissions(standard=CommissionRates())
LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def units(amount):
    """A readable amount as an integer at 10^-8."""
    return int(Decimal(str(amount)) * UNIT)


class Bench:
    """An exchange without a crowd, in which accounts 1, 2 and 3 own plenty of all."""

    def __init__(self, *symbols, commissions=FREE_OF_CHARGE, **account):
        self.events = []
        self.adopt(Exchange(symbols or [SYMBOL], rate=0, start_us=START))
        assets = {
            asset for market in self.exchange.markets.values() for asset in (market.listing.base, market.listing.quote)
        }
        for uid in (1, 2, 3):
            funds = {asset: units(1_000_000) for asset in sorted(assets)}
            self.trading.open_account(Account(uid=uid, commissions=commissions, **account), funds)
        self.events.clear()

    def adopt(self, exchange):
        self.exchange, self.trading, self.desk = exchange, exchange.trading, exchange.desk
        self.market = next(iter(exchange.markets.values()))
        self.desk.listeners.append(self.events.append)

    def new(self, side, kind, quantity=0, price=0, **more):
        kind = OrderType(kind)
        amounts = {
            name: units(more.pop(name)) for name in ("stop_price", "iceberg_quantity", "quote_quantity") if name in more
        }
        force = more.pop("time_in_force", TimeInForce.GTC if kind in LIMITS else None)
        if "peg_price_type" in more:
            more["peg_price_type"] = PegPriceType(more["peg_price_type"])
        return NewOrder(
            symbol=more.pop("symbol", self.market.listing.symbol), side=Side(side), type=kind,
            quantity=units(quantity), price=units(price), time_in_force=force and TimeInForce(force), **amounts, **more,
        )  # fmt: skip

    def place(self, uid, side, kind, quantity=0, price=0, **more):
        return self.trading.place(uid, self.new(side, kind, quantity, price, **more)).order

    def limit(self, uid, side, quantity, price, **more):
        return self.place(uid, side, "LIMIT", quantity, price, **more)

    def place_list(self, uid, kind, *legs, **more):
        return self.trading.place_list(uid, NewOrderList(kind=ListKind(kind), legs=legs, **more))

    def order(self, order):
        """The record as it is now."""
        return self.desk.history.order(order.symbol, order.id)

    def status(self, order):
        return str(self.order(order).status)

    def key(self, order):
        return OrderKey(symbol=order.symbol, order_id=order.id)

    def cancel(self, order):
        return self.trading.cancel(order.uid, self.key(order))

    def trade_at(self, price, quantity=0.001):
        """Let accounts 2 and 3 trade once."""
        maker = self.limit(2, "SELL", quantity, price)
        self.limit(3, "BUY", quantity, price)
        assert self.status(maker) == "FILLED"

    def balance(self, uid, asset):
        """Free and locked, readable."""
        balance = self.trading.account(uid).balances[asset]
        return float(Decimal(balance.free) / UNIT), float(Decimal(balance.locked) / UNIT)

    def locked(self, uid, asset):
        return self.balance(uid, asset)[1]

    def reports(self, order):
        """Execution types and statuses told of an order."""
        return [
            (str(event.execution_type), str(event.order.status))
            for event in self.events
            if isinstance(event, ExecutionReport) and event.order.id == order.id
        ]
