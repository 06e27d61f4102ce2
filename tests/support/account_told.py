"""What is told of an account, in short: events, balances, trades and open orders, of one symbol."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cryptotrader.models.account_models import AccountStatus, AccountTrade, Allocation
from cryptotrader.models.order_models import AllocationType, Order
from cryptotrader.models.user_models import decode_user_data_event

SYMBOL = "BTCUSDT"


def report(execution, *, order=1, status="NEW", executed="0", trade=-1, last="0", time=100, **more):
    is_fill = trade >= 0 or "a" in more
    body = {
        "e": "executionReport", "E": time, "s": SYMBOL, "c": "name", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "1",
        "p": "100", "P": "0", "F": "0", "g": -1, "C": "", "x": "TRADE" if is_fill else "NEW", "X": status,
        "r": "NONE", "i": order, "l": last, "z": executed, "L": "100", "n": "0.001" if is_fill else "0",
        "N": "BNB" if is_fill else None, "T": time, "t": trade, "I": execution, "w": True, "m": False, "M": False,
        "O": 1, "Z": "0", "Y": str(Decimal(last) * 100), "Q": "0", "V": "NONE",
    }  # fmt: skip
    return decode_user_data_event(msgspec.json.encode(body | more))


def position(time, **balances):
    rows = [{"a": asset, "f": free, "l": "0"} for asset, free in balances.items()]
    return decode_user_data_event(
        msgspec.json.encode({"e": "outboundAccountPosition", "E": time, "u": time, "B": rows})
    )


def account(time=50, **balances):
    rates = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0")
    body = dict.fromkeys(("makerCommission", "takerCommission", "buyerCommission", "sellerCommission"), 0)
    body |= dict.fromkeys(("canTrade", "canWithdraw", "canDeposit", "brokered"), True)
    body |= {"requireSelfTradePrevention": False, "preventSor": False, "updateTime": time, "accountType": "SPOT"}
    body |= {"commissionRates": rates, "permissions": [], "uid": 1}
    body |= {"balances": [{"asset": asset, "free": free, "locked": "0"} for asset, free in balances.items()]}
    return msgspec.convert(body, AccountStatus, strict=False)


def allocation(number, order=1):
    given = msgspec.structs.asdict(trade(number, order))
    left = ("id", "is_best_match")
    return Allocation(
        **{name: value for name, value in given.items() if name not in left},
        allocation_id=number,
        allocation_type=AllocationType.SOR,
        is_allocator=False,
    )


def trade(number, order=1, quantity="1", time=200):
    return AccountTrade(
        symbol=SYMBOL,
        id=number,
        order_id=order,
        order_list_id=-1,
        price=Decimal(100),
        quantity=Decimal(quantity),
        quote_quantity=Decimal(quantity) * 100,
        commission=Decimal("0.001"),
        commission_asset="BNB",
        time=time,
        is_buyer=True,
        is_maker=True,
        is_best_match=True,
    )


def open_order(number, executed="0"):
    return Order(
        symbol=SYMBOL,
        order_id=number,
        order_list_id=-1,
        client_order_id=f"name-{number}",
        original_quantity=Decimal(1),
        executed_quantity=Decimal(executed),
        time=1,
        update_time=2,
        is_working=True,
    )
