"""What each method takes, as the tables of Binance's documentation say: ``!`` marks what is mandatory.

Source: Binance Spot documentation, "WebSocket API", the parameters of each request.
"""

from __future__ import annotations

STRING, STRINGS, STRING_OR_STRINGS = "text", "array of texts", "text or array of texts"
INT, DECIMAL, MILLISECONDS, BOOL = "integer", "decimal", "number of milliseconds", "boolean"

_ENUMS = {
    "side": "BUY SELL",
    "type": "LIMIT MARKET STOP_LOSS STOP_LOSS_LIMIT TAKE_PROFIT TAKE_PROFIT_LIMIT LIMIT_MAKER",
    "timeInForce": "GTC IOC FOK",
    "newOrderRespType": "ACK RESULT FULL",
    "selfTradePreventionMode": "NONE EXPIRE_MAKER EXPIRE_TAKER EXPIRE_BOTH DECREMENT TRANSFER",
    "pegPriceType": "PRIMARY_PEG MARKET_PEG",
    "pegOffsetType": "PRICE_LEVEL",
    "cancelReplaceMode": "STOP_ON_FAILURE ALLOW_FAILURE",
    "cancelRestrictions": "ONLY_NEW ONLY_PARTIALLY_FILLED",
    "orderRateLimitExceededMode": "DO_NOTHING CANCEL_ONLY",
    "symbolStatus": "TRADING HALT BREAK",
    "interval": "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M",
}
_TYPES = {
    **dict.fromkeys(["symbol", "timeZone", "windowSize", "apiKey", "signature"], STRING),
    **dict.fromkeys(["newClientOrderId", "origClientOrderId", "listClientOrderId"], STRING),
    **dict.fromkeys(["cancelOrigClientOrderId", "cancelNewClientOrderId"], STRING),
    **dict.fromkeys(["limitClientOrderId", "stopClientOrderId", "ClientOrderId"], STRING),
    **dict.fromkeys(["price", "quantity", "quoteOrderQty", "stopPrice", "icebergQty", "newQty"], DECIMAL),
    **dict.fromkeys(["stopLimitPrice", "limitIcebergQty", "stopIcebergQty"], DECIMAL),
    **dict.fromkeys(["trailingDelta", "strategyId", "strategyType", "pegOffsetValue", "timestamp", "limit"], INT),
    **dict.fromkeys(["limitStrategyId", "limitStrategyType", "stopStrategyId", "stopStrategyType"], INT),
    **dict.fromkeys(["orderId", "orderListId", "cancelOrderId", "fromId", "startTime", "endTime"], INT),
    **dict.fromkeys(["preventedMatchId", "fromPreventedMatchId", "fromAllocationId", "fromExecutionId"], INT),
    **dict.fromkeys(["subscriptionId"], INT),
    **dict.fromkeys(["returnRateLimits", "computeCommissionRates", "omitZeroBalances", "showPermissionSets"], BOOL),
    "recvWindow": MILLISECONDS,
    "symbols": STRINGS,
    "permissions": STRING_OR_STRINGS,
}
_NEW_ORDER = (
    "timeInForce price quantity quoteOrderQty newClientOrderId newOrderRespType stopPrice trailingDelta icebergQty"
    " strategyId strategyType selfTradePreventionMode pegPriceType pegOffsetValue pegOffsetType"
)
_SOR = (
    "symbol! side! type! quantity! timeInForce price newClientOrderId newOrderRespType icebergQty strategyId"
    " strategyType selfTradePreventionMode"
)
_LIST = "symbol! listClientOrderId newOrderRespType selfTradePreventionMode"
_TICKER = "symbol symbols type symbolStatus"
_KLINES = "symbol! interval! startTime endTime timeZone limit"
_OPTIONAL_OF_LEG = (
    "ClientOrderId IcebergQty Price StopPrice TrailingDelta TimeInForce StrategyId StrategyType PegPriceType"
    " PegOffsetType PegOffsetValue"
)


def _leg(prefix: str, mandatory: str = "", without: str = "", optional: str = "") -> str:
    """The parameters of one order of a list."""
    needed = mandatory.split()
    further = [name for name in [*_OPTIONAL_OF_LEG.split(), *optional.split()] if name not in needed + without.split()]
    return " ".join([*(f"{prefix}{name}!" for name in needed), *(f"{prefix}{name}" for name in further)])


_WORKING = _leg("working", "Type Side Price Quantity", without="StopPrice TrailingDelta")
_PAIR = f"{_leg('pendingAbove', 'Type')} {_leg('pendingBelow', optional='Type')}"
_HISTORY = "startTime endTime limit"

PUBLIC = {
    "ping": "",
    "time": "",
    "exchangeInfo": "symbol symbols permissions showPermissionSets symbolStatus",
    "executionRules": "symbol symbols symbolStatus",
    "depth": "symbol! limit symbolStatus",
    "trades.recent": "symbol! limit",
    "trades.historical": "symbol! fromId limit",
    "blockTrades.historical": "symbol! fromId! limit",
    "trades.aggregate": "symbol! fromId startTime endTime limit",
    "klines": _KLINES,
    "uiKlines": _KLINES,
    "avgPrice": "symbol!",
    "ticker.24hr": _TICKER,
    "ticker.tradingDay": f"{_TICKER} timeZone",
    "ticker": f"{_TICKER} windowSize",
    "ticker.price": "symbol symbols symbolStatus",
    "ticker.book": "symbol symbols symbolStatus",
    "referencePrice": "symbol!",
    "referencePrice.calculation": "symbol! symbolStatus",
    "session.status": "",
    "session.logout": "",
    "session.subscriptions": "",
    "userDataStream.subscribe": "",
    "userDataStream.unsubscribe": "subscriptionId",
}
SIGNED = {
    "session.logon": "",
    "userDataStream.subscribe.signature": "",
    "order.place": f"symbol! side! type! {_NEW_ORDER}",
    "order.test": f"symbol! side! type! {_NEW_ORDER} computeCommissionRates",
    "order.cancel": "symbol! orderId origClientOrderId newClientOrderId cancelRestrictions",
    "order.cancelReplace": (
        "symbol! cancelReplaceMode! side! type! cancelOrderId cancelOrigClientOrderId cancelNewClientOrderId"
        f" {_NEW_ORDER} cancelRestrictions orderRateLimitExceededMode"
    ),
    "order.amend.keepPriority": "symbol! newQty! orderId origClientOrderId newClientOrderId",
    "openOrders.cancelAll": "symbol!",
    "orderList.place": (
        f"{_LIST} side! price! quantity! stopPrice trailingDelta limitClientOrderId limitIcebergQty limitStrategyId"
        " limitStrategyType stopClientOrderId stopLimitPrice stopLimitTimeInForce stopIcebergQty stopStrategyId"
        " stopStrategyType"
    ),
    "orderList.place.oco": f"{_LIST} side! quantity! {_leg('above', 'Type')} {_leg('below', 'Type')}",
    "orderList.place.oto": f"{_LIST} {_WORKING} {_leg('pending', 'Type Side Quantity')}",
    "orderList.place.otoco": f"{_LIST} {_WORKING} pendingSide! pendingQuantity! {_PAIR}",
    "orderList.place.opo": f"{_LIST} {_WORKING} {_leg('pending', 'Type Side')}",
    "orderList.place.opoco": f"{_LIST} {_WORKING} pendingSide! {_PAIR}",
    "orderList.cancel": "symbol! orderListId listClientOrderId newClientOrderId",
    "sor.order.place": _SOR,
    "sor.order.test": f"{_SOR} computeCommissionRates",
    "account.status": "omitZeroBalances",
    "order.status": "symbol! orderId origClientOrderId",
    "openOrders.status": "symbol",
    "allOrders": f"symbol! orderId {_HISTORY}",
    "orderList.status": "origClientOrderId orderListId",
    "openOrderLists.status": "",
    "allOrderLists": f"fromId {_HISTORY}",
    "myTrades": f"symbol! orderId fromId {_HISTORY}",
    "account.rateLimits.orders": "",
    "myPreventedMatches": "symbol! preventedMatchId orderId fromPreventedMatchId limit",
    "myAllocations": f"symbol! fromAllocationId orderId {_HISTORY}",
    "account.commission": "symbol!",
    "order.amendments": "symbol! orderId! fromExecutionId limit",
    "myFilters": "symbol!",
}
METHODS = {**PUBLIC, **SIGNED}
ALWAYS_SIGNED = {"session.logon", "userDataStream.subscribe.signature"}
"""Those for which no logged-on session stands."""
SECURITY_PARAMETERS = {"apiKey", "signature", "timestamp", "recvWindow"}

AT_MOST_ONE = {
    "exchangeInfo": "symbol symbols permissions",
    "executionRules": "symbol symbols symbolStatus",
    **dict.fromkeys(["ticker.24hr", "ticker.tradingDay", "ticker", "ticker.price", "ticker.book"], "symbol symbols"),
}
AT_LEAST_ONE = {
    "ticker.tradingDay": "symbol symbols",
    "ticker": "symbol symbols",
    "order.cancel": "orderId origClientOrderId",
    "order.cancelReplace": "cancelOrderId cancelOrigClientOrderId",
    "order.amend.keepPriority": "orderId origClientOrderId",
    "order.status": "orderId origClientOrderId",
    "orderList.cancel": "orderListId listClientOrderId",
    "orderList.status": "orderListId origClientOrderId",
    "orderList.place": "stopPrice trailingDelta",
    "myPreventedMatches": "preventedMatchId orderId",
}
ONLY_TOGETHER = {
    "myTrades": [
        "",
        "orderId",
        "startTime",
        "endTime",
        "startTime endTime",
        "fromId",
        "orderId fromId",
    ],
    "myAllocations": [
        "",
        "startTime",
        "endTime",
        "startTime endTime",
        "fromAllocationId",
        "orderId",
        "orderId fromAllocationId",
    ],
}
"""The combinations of optional parameters that are documented, ``limit`` apart."""

_TRIGGERS = ("stopPrice", "trailingDelta")
NEEDED_BY_TYPE = {
    "LIMIT": [("timeInForce",), ("price", "pegPriceType"), ("quantity",)],
    "LIMIT_MAKER": [("price", "pegPriceType"), ("quantity",)],
    "MARKET": [("quantity", "quoteOrderQty")],
    "STOP_LOSS": [("quantity",), _TRIGGERS],
    "TAKE_PROFIT": [("quantity",), _TRIGGERS],
    "STOP_LOSS_LIMIT": [("timeInForce",), ("price", "pegPriceType"), ("quantity",), _TRIGGERS],
    "TAKE_PROFIT_LIMIT": [("timeInForce",), ("price", "pegPriceType"), ("quantity",), _TRIGGERS],
}
"""For each type of order groups of parameters of which one is needed."""

_LEGS = ("pendingAbove", "pendingBelow", "pending", "working", "above", "below", "stopLimit")


def without_leg(name: str) -> str:
    """A parameter's name without the order of a list that it is about."""
    for leg in _LEGS:
        rest = name.removeprefix(leg)
        if rest != name and rest[:1].isupper():
            return rest[0].lower() + rest[1:]
    return name


def kind_of(method: str, name: str) -> str | frozenset[str]:
    """The documented type of a parameter, or the values of an enum."""
    if name == "type" and method.startswith("ticker"):
        return frozenset({"FULL", "MINI"})
    plain = name if name in _TYPES else without_leg(name)
    if plain in _ENUMS:
        return frozenset(_ENUMS[plain].split())
    return STRING if plain == "clientOrderId" else _TYPES[plain]
