"""What the WebSocket API answers, as its documentation shows it: the same names, types and forms; values of our own.

``$name`` stands for the request's parameter of that name, ``$id`` for its id, ``$now`` for the exchange's time.

Source: Binance Spot documentation, "WebSocket API".
"""

from __future__ import annotations

import json
from string import Template
from typing import Any

WEIGHT = '{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,"count":41}'
ORDERS = (
    '{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":3},'
    '{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":160000,"count":17}'
)


def done(result: str, limits: str = WEIGHT) -> str:
    """A reply to a request that did what it should."""
    return f'{{"id":$id,"status":200,"result":{result},"rateLimits":[{limits}]}}'


def refused(status: int, code: int, message: str, data: str = "") -> str:
    """A reply that is an error."""
    more = f',"data":{data}' if data else ""
    text = json.dumps(message)
    return f'{{"id":$id,"status":{status},"error":{{"code":{code},"msg":{text}{more}}},"rateLimits":[{WEIGHT}]}}'


def filled_in(text: str, values: dict[str, Any]) -> str:
    """A text with what stands for its ``$name``; texts keep what quotation marks they have."""
    return Template(text).safe_substitute(values)


SYMBOL_INFO = (
    '{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,"quoteAsset":"USDT",'
    '"quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,"quoteCommissionPrecision":8,'
    '"orderTypes":["LIMIT","LIMIT_MAKER","MARKET","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],'
    '"icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,"quoteOrderQtyMarketAllowed":true,'
    '"allowTrailingStop":true,"cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,'
    '"isSpotTradingAllowed":true,"isMarginTradingAllowed":false,"filters":['
    '{"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"},'
    '{"filterType":"LOT_SIZE","minQty":"0.00001000","maxQty":"9000.00000000","stepSize":"0.00001000"}],'
    '"permissions":[],"permissionSets":[["SPOT","TRD_GRP_004"]],"defaultSelfTradePreventionMode":"EXPIRE_MAKER",'
    '"allowedSelfTradePreventionModes":["NONE","EXPIRE_TAKER","EXPIRE_MAKER","EXPIRE_BOTH","DECREMENT"]}'
)
_TRADES = (
    '[{"id":8801,"price":"64012.50000000","qty":"0.00150000","quoteQty":"96.01875000","time":1790000000101,'
    '"isBuyerMaker":true,"isBestMatch":true}]'
)
_KLINES = (
    '[[1790000040000,"64000.10000000","64030.20000000","63990.30000000","64010.40000000","12.50000000",1790000099999,'
    '"800130.05000000",412,"7.25000000","464070.15000000","0"]]'
)
_MINI = (
    '"openPrice":"63500.00000000","highPrice":"64400.00000000","lowPrice":"63300.00000000",'
    '"lastPrice":"64012.50000000","volume":"1520.50000000","quoteVolume":"97330000.25000000","openTime":1789913600000,'
    '"closeTime":1790000000000,"firstId":8000,"lastId":8801,"count":802'
)
_CHANGE = '"priceChange":"512.50000000","priceChangePercent":"0.807","weightedAvgPrice":"64011.84000000",'
_TICKER = f'{{"symbol":"BTCUSDT",{_CHANGE}{_MINI}}}'
_TICKER_24HR = (
    f'{{"symbol":"BTCUSDT",{_CHANGE}"prevClosePrice":"63499.00000000","lastQty":"0.00150000",'
    f'"bidPrice":"64012.40000000","bidQty":"1.10000000","askPrice":"64012.60000000","askQty":"2.20000000",{_MINI}}}'
)
_OPEN_ORDER_STATE = (
    '"executedQty":"0.00000000","origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"NEW",'
    '"timeInForce":"GTC","type":"LIMIT","side":"BUY"'
)
ACK = (
    '{"symbol":"BTCUSDT","orderId":501,"orderListId":-1,"clientOrderId":"$newClientOrderId",'
    '"transactTime":1790000000200}'
)
RESULT = (
    f'{ACK[:-1]},"price":"63000.00000000","origQty":"0.00200000",{_OPEN_ORDER_STATE},"workingTime":1790000000200,'
    '"selfTradePreventionMode":"EXPIRE_MAKER"}'
)
FULL = f'{RESULT[:-1]},"fills":[]}}'
FILLED = (
    f'{ACK[:-1]},"price":"0.00000000","origQty":"0.00200000","executedQty":"0.00200000",'
    '"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"128.02500000","status":"FILLED","timeInForce":"GTC",'
    '"type":"MARKET","side":"BUY","workingTime":1790000000200,"selfTradePreventionMode":"EXPIRE_MAKER","fills":['
    '{"price":"64012.00000000","qty":"0.00100000","commission":"0.00000100","commissionAsset":"BTC","tradeId":8802},'
    '{"price":"64013.00000000","qty":"0.00100000","commission":"0.00000100","commissionAsset":"BTC","tradeId":8803}]}'
)
_ROUTED = (
    '[{"symbol":"BTCUSDT","orderId":502,"orderListId":-1,"clientOrderId":"$newClientOrderId",'
    '"transactTime":1790000000210,"price":"64100.00000000","origQty":"0.00500000","executedQty":"0.00500000",'
    '"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"320.05000000","status":"FILLED","timeInForce":"GTC",'
    '"type":"LIMIT","side":"BUY","workingTime":1790000000210,"fills":[{"matchType":"ONE_PARTY_TRADE_REPORT",'
    '"price":"64010.00000000","qty":"0.00500000","commission":"0.00000250","commissionAsset":"BTC","tradeId":-1,'
    '"allocId":7}],"workingFloor":"SOR","selfTradePreventionMode":"NONE","usedSor":true}]'
)
CANCELLED = (
    '{"symbol":"BTCUSDT","origClientOrderId":"mine-1","orderId":501,"orderListId":-1,"clientOrderId":"cancelled-by-9",'
    '"transactTime":1790000000300,"price":"63000.00000000","origQty":"0.00200000","executedQty":"0.00050000",'
    '"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"31.50000000","status":"CANCELED","timeInForce":"GTC",'
    '"type":"LIMIT","side":"BUY","selfTradePreventionMode":"EXPIRE_MAKER"}'
)
ORDER = (
    '{"symbol":"BTCUSDT","orderId":501,"orderListId":-1,"clientOrderId":"$clientOrderId","price":"63000.00000000",'
    '"origQty":"0.00200000","executedQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"NEW",'
    '"timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0.00000000","icebergQty":"0.00000000",'
    '"time":1790000000200,"updateTime":1790000000200,"isWorking":true,"workingTime":1790000000200,'
    '"origQuoteOrderQty":"0.00000000","selfTradePreventionMode":"EXPIRE_MAKER"}'
)
_LIST_ORDERS = (
    '"orders":[{"symbol":"BTCUSDT","orderId":601,"clientOrderId":"$first"},'
    '{"symbol":"BTCUSDT","orderId":602,"clientOrderId":"$second"}]'
)


def _list(kind: str, status: str, order_status: str, more: str = "") -> str:
    return (
        f'{{"orderListId":61,"contingencyType":"{kind}","listStatusType":"{status}","listOrderStatus":"{order_status}",'
        '"listClientOrderId":"$listClientOrderId","transactionTime":1790000000400,"symbol":"BTCUSDT",'
        f"{_LIST_ORDERS}{more}}}"
    )


def _leg(number: int, name: str, fields: str) -> str:
    return (
        f'{{"symbol":"BTCUSDT","orderId":{number},"orderListId":61,"clientOrderId":"${name}",'
        f'"transactTime":1790000000400,{fields},"selfTradePreventionMode":"EXPIRE_MAKER"}}'
    )


_NOTHING_DONE = '"executedQty":"0.00000000","origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000"'
_STOP_LEG = (
    f'"price":"0.00000000","origQty":"0.00200000",{_NOTHING_DONE},"status":"NEW","timeInForce":"GTC",'
    '"type":"STOP_LOSS","side":"SELL","stopPrice":"60000.00000000","workingTime":-1'
)
_MAKER_LEG = (
    f'"price":"70000.00000000","origQty":"0.00200000",{_NOTHING_DONE},"status":"NEW","timeInForce":"GTC",'
    '"type":"LIMIT_MAKER","side":"SELL","workingTime":1790000000400'
)
_WORKING_LEG = (
    f'"price":"63000.00000000","origQty":"0.00200000",{_NOTHING_DONE},"status":"NEW","timeInForce":"GTC",'
    '"type":"LIMIT","side":"BUY","workingTime":1790000000400'
)
_PENDING_LEG = (
    f'"price":"0.00000000","origQty":"0.00200000",{_NOTHING_DONE},"status":"PENDING_NEW","timeInForce":"GTC",'
    '"type":"MARKET","side":"SELL","workingTime":-1'
)
_PENDING_LEG_OF_OPO = _PENDING_LEG.replace('"origQty":"0.00200000",', "")
_CANCELLED_LEG = (
    '{{"symbol":"BTCUSDT","origClientOrderId":"{name}","orderId":{number},"orderListId":61,'
    '"clientOrderId":"cancelled-by-9","transactTime":1790000000500,"price":"70000.00000000","origQty":"0.00200000",'
    '"executedQty":"0.00000000","origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000",'
    '"status":"CANCELED","timeInForce":"GTC","type":"LIMIT_MAKER","side":"SELL",'
    '"selfTradePreventionMode":"EXPIRE_MAKER"}}'
)
_PAIR = _list(
    "OCO",
    "EXEC_STARTED",
    "EXECUTING",
    f',"orderReports":[{_leg(601, "first", _MAKER_LEG)},{_leg(602, "second", _STOP_LEG)}]',
)
_TRIGGERING = _list(
    "OTO",
    "EXEC_STARTED",
    "EXECUTING",
    f',"orderReports":[{_leg(601, "first", _WORKING_LEG)},{_leg(602, "second", _PENDING_LEG)}]',
)
_PAYING = _list(
    "OTO",
    "EXEC_STARTED",
    "EXECUTING",
    f',"orderReports":[{_leg(601, "first", _WORKING_LEG)},{_leg(602, "second", _PENDING_LEG_OF_OPO)}]',
)
_THIRD = ',{"symbol":"BTCUSDT","orderId":603,"clientOrderId":"$third"}]'


def _of_three(text: str, third: str) -> str:
    listed, reports = text.split('],"orderReports":[')
    return f'{listed}{_THIRD},"orderReports":[{reports[:-2]},{_leg(603, "third", third)}]}}'


CANCELLED_LIST = _list(
    "OCO",
    "ALL_DONE",
    "ALL_DONE",
    f',"orderReports":[{_CANCELLED_LEG.format(name="$first", number=601)},'
    f"{_CANCELLED_LEG.format(name='$second', number=602)}]",
)
_LIST = _list("OCO", "EXEC_STARTED", "EXECUTING")
REPLACED = (
    f'{{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS","cancelResponse":{CANCELLED},"newOrderResponse":'
    f"{RESULT.replace('501', '503')}}}"
)
HALF_REPLACED = (
    f'{{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":{CANCELLED},"newOrderResponse":'
    '{"code":-2010,"msg":"Order would immediately match and take."}}'
)
AMENDED = (
    '{"transactTime":1790000000600,"executionId":93,"amendedOrder":{"symbol":"BTCUSDT","orderId":501,"orderListId":-1,'
    '"origClientOrderId":"$newClientOrderId","clientOrderId":"$newClientOrderId","price":"63000.00000000",'
    '"qty":"0.00100000","executedQty":"0.00000000","preventedQty":"0.00000000","quoteOrderQty":"0.00000000",'
    '"cumulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"BUY",'
    '"workingTime":1790000000200,"selfTradePreventionMode":"EXPIRE_MAKER"}}'
)
_COMMISSION = (
    '{"standardCommissionForOrder":{"maker":"0.00080000","taker":"0.00090000"},'
    '"specialCommissionForOrder":{"maker":"0.00010000","taker":"0.00020000"},'
    '"taxCommissionForOrder":{"maker":"0.00000100","taker":"0.00000200"},'
    '"discount":{"enabledForAccount":true,"enabledForSymbol":false,"discountAsset":"BNB","discount":"0.75000000"}}'
)
_RATES = '{"maker":"0.00080000","taker":"0.00090000","buyer":"0.00001000","seller":"0.00002000"}'
_ACCOUNT = (
    '{"makerCommission":8,"takerCommission":9,"buyerCommission":1,"sellerCommission":2,'
    f'"commissionRates":{_RATES},"canTrade":true,"canWithdraw":false,"canDeposit":true,"brokered":false,'
    '"requireSelfTradePrevention":false,"preventSor":true,"updateTime":1790000000000,"accountType":"SPOT",'
    '"balances":[{"asset":"BTC","free":"1.25000000","locked":"0.00000000"},'
    '{"asset":"USDT","free":"9000.50000000","locked":"126.00000000"}],"permissions":["SPOT"],"uid":40517}'
)
_SESSION = (
    '{{"apiKey":{key},"authorizedSince":{since},"connectedSince":1789999990000,"returnRateLimits":true,'
    '"serverTime":$now,"userDataStream":false}}'
)
LOGGED_ON = _SESSION.format(key='"$loggedOnAs"', since="1789999991000")
LOGGED_OFF = _SESSION.format(key="null", since="null")
_COUNTED_LIMITS = (
    '[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000},'
    '{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50},'
    '{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":160000},'
    '{"rateLimitType":"CONNECTIONS","interval":"MINUTE","intervalNum":5,"limit":300}]'
)
PLACED = f"{ORDERS},{WEIGHT}"

REPLIES = {
    "ping": done("{}"),
    "time": done('{"serverTime":$now}'),
    "exchangeInfo": done(
        f'{{"timezone":"UTC","serverTime":$now,"rateLimits":{_COUNTED_LIMITS},"exchangeFilters":[],'
        f'"symbols":[{SYMBOL_INFO}],"sors":[{{"baseAsset":"BTC","symbols":["BTCUSDT","BTCUSDC"]}}]}}'
    ),
    "executionRules": (
        '{"id":$id,"status":200,"result":{"symbolRules":[{"symbol":"BTCUSDT","rules":[{"ruleType":"PRICE_RANGE",'
        '"bidLimitMultUp":"1.0200","bidLimitMultDown":"0.9800","askLimitMultUp":"1.0300","askLimitMultDown":"0.9700"'
        "}]}]}}"
    ),
    "depth": done(
        '{"lastUpdateId":7000,"bids":[["64012.40000000","1.10000000"],["64012.30000000","0.40000000"]],'
        '"asks":[["64012.60000000","2.20000000"]]}'
    ),
    "trades.recent": done(_TRADES),
    "trades.historical": done(_TRADES),
    "blockTrades.historical": done(
        '[{"id":31,"price":"64001.00000000","qty":"25.00000000","quoteQty":"1600025.00000000","time":1790000000102,'
        '"isBuyerMaker":false}]'
    ),
    "trades.aggregate": done(
        '[{"a":990,"p":"64012.50000000","q":"0.00350000","f":8799,"l":8801,"T":1790000000101,"m":false,"M":true}]'
    ),
    "klines": done(_KLINES),
    "uiKlines": done(_KLINES),
    "avgPrice": done('{"mins":5,"price":"64005.11000000","closeTime":1790000000101}'),
    "ticker.24hr": done(_TICKER_24HR),
    "ticker.tradingDay": done(_TICKER),
    "ticker": done(_TICKER),
    "ticker.price": done('{"symbol":"BTCUSDT","price":"64012.50000000"}'),
    "ticker.book": done(
        '{"symbol":"BTCUSDT","bidPrice":"64012.40000000","bidQty":"1.10000000","askPrice":"64012.60000000",'
        '"askQty":"2.20000000"}'
    ),
    "referencePrice": done('{"symbol":"BTCUSDT","referencePrice":"64003.70000000","timestamp":1790000000103}'),
    "referencePrice.calculation": done(
        '{"symbol":"BTCUSDT","calculationType":"ARITHMETIC_MEAN","bucketCount":12,"bucketWidthMs":1500}'
    ),
    "session.logon": done(LOGGED_ON),
    "session.status": done(LOGGED_OFF),
    "session.logout": done(LOGGED_OFF),
    "session.subscriptions": done('[{"subscriptionId":0},{"subscriptionId":3}]'),
    "userDataStream.subscribe": '{"id":$id,"status":200,"result":{"subscriptionId":0}}',
    "userDataStream.subscribe.signature": '{"id":$id,"status":200,"result":{"subscriptionId":0}}',
    "userDataStream.unsubscribe": '{"id":$id,"status":200,"result":{}}',
    "order.place": done(FULL, PLACED),
    "order.test": done("{}"),
    "order.cancel": done(CANCELLED),
    "order.cancelReplace": done(REPLACED, PLACED),
    "order.amend.keepPriority": done(AMENDED),
    "openOrders.cancelAll": done(f"[{CANCELLED},{CANCELLED_LIST}]"),
    "orderList.place": done(_PAIR, PLACED),
    "orderList.place.oco": done(_PAIR, PLACED),
    "orderList.place.oto": done(_TRIGGERING, PLACED),
    "orderList.place.otoco": done(_of_three(_TRIGGERING, _STOP_LEG), PLACED),
    "orderList.place.opo": done(_PAYING, PLACED),
    "orderList.place.opoco": done(_of_three(_PAYING, _PENDING_LEG_OF_OPO), PLACED),
    "orderList.cancel": done(CANCELLED_LIST),
    "sor.order.place": done(_ROUTED, PLACED),
    "sor.order.test": done(_COMMISSION),
    "account.status": done(_ACCOUNT),
    "order.status": done(ORDER),
    "openOrders.status": done("[]"),
    "allOrders": done(f"[{ORDER}]"),
    "orderList.status": done(_LIST),
    "openOrderLists.status": done("[]"),
    "allOrderLists": done(f"[{_LIST}]"),
    "myTrades": done(
        '[{"symbol":"BTCUSDT","id":8802,"orderId":501,"orderListId":-1,"price":"64012.00000000","qty":"0.00100000",'
        '"quoteQty":"64.01200000","commission":"0.00000100","commissionAsset":"BTC","time":1790000000200,'
        '"isBuyer":true,"isMaker":false,"isBestMatch":true}]'
    ),
    "account.rateLimits.orders": done(f"[{ORDERS}]"),
    "myPreventedMatches": done(
        '[{"symbol":"BTCUSDT","preventedMatchId":4,"takerOrderId":502,"makerSymbol":"BTCUSDT","makerOrderId":501,'
        '"tradeGroupId":2,"selfTradePreventionMode":"EXPIRE_MAKER","price":"64012.00000000",'
        '"makerPreventedQuantity":"0.00130000","transactTime":1790000000250}]'
    ),
    "myAllocations": done(
        '[{"symbol":"BTCUSDT","allocationId":7,"allocationType":"SOR","orderId":502,"orderListId":-1,'
        '"price":"64010.00000000","qty":"0.00500000","quoteQty":"320.05000000","commission":"0.00000250",'
        '"commissionAsset":"BTC","time":1790000000210,"isBuyer":true,"isMaker":false,"isAllocator":false}]'
    ),
    "account.commission": done(
        f'{{"symbol":"BTCUSDT","standardCommission":{_RATES},"specialCommission":{_RATES},"taxCommission":{_RATES},'
        '"discount":{"enabledForAccount":true,"enabledForSymbol":true,"discountAsset":"BNB","discount":"0.75000000"}}'
    ),
    "order.amendments": done(
        '[{"symbol":"BTCUSDT","orderId":501,"executionId":93,"origClientOrderId":"mine-1","newClientOrderId":"mine-2",'
        '"origQty":"0.00200000","newQty":"0.00100000","time":1790000000600}]'
    ),
    "myFilters": (
        '{"id":$id,"status":200,"result":{"exchangeFilters":[{"filterType":"EXCHANGE_MAX_NUM_ORDERS","maxNumOrders":900}],'
        '"symbolFilters":[{"filterType":"MAX_NUM_ORDER_LISTS","maxNumOrderLists":20}],'
        '"assetFilters":[{"filterType":"MAX_ASSET","asset":"BTC","limit":"42.00000000"}]}}'
    ),
}
COMMISSION = done(_COMMISSION)
SUBSCRIBED = '{"result":null,"id":$id}'

# ------------------------------------------------------------------------------------------------------------ errors

TOO_MUCH_WEIGHT = refused(
    429,
    -1003,
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. Please use WebSocket Streams "
    "for live updates to avoid polling the API.",
    '{"serverTime":$now,"retryAfter":$retryAfter}',
)
BANNED = refused(
    418,
    -1003,
    "Way too much request weight used; IP banned until $retryAfter. Please use WebSocket Streams for live updates to "
    "avoid bans.",
    '{"serverTime":$now,"retryAfter":$retryAfter}',
)
OUT_OF_TIME = refused(400, -1021, "Timestamp for this request is outside of the recvWindow.")
BAD_SIGNATURE = refused(400, -1022, "Signature for this request is not valid.")
NO_SUCH_KEY = refused(401, -2015, "Invalid API-key, IP, or permissions for action.")
NO_FUNDS = refused(400, -2010, "Account has insufficient balance for requested action.")
UNKNOWN_ORDER = refused(400, -2011, "Unknown order sent.")
NO_SUCH_ORDER = refused(400, -2013, "Order does not exist.")
TOO_MANY_ORDERS = refused(429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.")
ODD_REPLY = refused(500, -1006, "An unexpected response was received from the message bus. Execution status unknown.")
TIMED_OUT = refused(
    500,
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
)
INTERNAL = refused(500, -1001, "Internal error; unable to process your request. Please try again.")
BUSY = refused(503, -1008, "Server is currently overloaded with other requests. Please try again in a few minutes.")
HALF_DONE = refused(409, -2021, "Order cancel-replace partially failed.", HALF_REPLACED)
NOTHING_DONE = refused(
    400,
    -2022,
    "Order cancel-replace failed.",
    '{"cancelResult":"FAILURE","newOrderResult":"NOT_ATTEMPTED","cancelResponse":'
    '{"code":-2011,"msg":"Unknown order sent."},"newOrderResponse":null}',
)
KEY_REVOKED = '{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}}'
NO_REFERENCE_PRICE = done('{"code":-2043,"msg":"This symbol doesn\'t have a reference price."}')
