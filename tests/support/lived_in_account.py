"""What the diagnostics of accounts have to cope with: an account with a past."""

from __future__ import annotations

from cryptotrader.client import Binance
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.requests import AllOrdersRequest, DepthRequest, OrderListPlaceOcoRequest


async def live(endpoint, key, **options):
    """Give an account one example of everything that is told of accounts."""
    async with Binance(endpoint, key, **options) as binance:
        orders = binance.orders
        await orders.place_market("BTCUSDT", Side.BUY, quantity="0.5")
        await orders.place_routed("BTCUSDT", Side.BUY, OrderType.MARKET, quantity="20")
        await orders.place_limit("BTCUSDT", Side.SELL, quantity="0.5", price="120000")
        pair = OrderListPlaceOcoRequest(
            symbol="BTCUSDT", side=Side.BUY, quantity="0.1", above_type=OrderType.STOP_LOSS, above_stop_price="120000",
            below_type=OrderType.LIMIT_MAKER, below_price="70000",
        )  # fmt: skip
        await orders.place_list(pair)
        while not await was_prevented(binance):  # the market may move in between
            best = (await binance.call(DepthRequest(symbol="BTCUSDT", limit=5))).bids[0]
            own = await orders.place_limit("BTCUSDT", Side.BUY, quantity="0.01", price=best.price)
            await orders.place_limit(
                "BTCUSDT", Side.SELL, quantity=best.quantity + own.quantity, price=best.price,
                time_in_force=TimeInForce.IOC, self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_TAKER,
            )  # fmt: skip
        shrinking = await orders.place_limit("BTCUSDT", Side.BUY, quantity="0.3", price="70000")
        await shrinking.amend("0.2")
        await shrinking.amend("0.1")
        await shrinking.cancel()


async def was_prevented(binance):
    """Whether self-trade prevention kept two orders of the account from trading."""
    orders = await binance.call(AllOrdersRequest(symbol="BTCUSDT"))
    return any(order.prevented_match_id is not None for order in orders)
