"""What streams send, as Binance's documentation shows it: the same names, types and forms; values of our own.

Source: Binance Spot documentation, "WebSocket Streams" and "User Data Streams".
"""

from __future__ import annotations

_BAR = (
    '"k":{"t":1790000040000,"T":1790000099999,"s":"BTCUSDT","i":"1m","f":8700,"L":8801,"o":"64000.10000000",'
    '"c":"64010.40000000","h":"64030.20000000","l":"63990.30000000","v":"12.50000000","n":412,"x":false,'
    '"q":"800130.05000000","V":"7.25000000","Q":"464070.15000000","B":"0"}'
)
_WINDOW = (
    '"E":1790000000120,"s":"BTCUSDT","p":"-12.10000000","P":"-0.019","o":"64024.60000000","h":"64100.00000000",'
    '"l":"63950.00000000","c":"64012.50000000","w":"64020.00000000","v":"61.00000000","q":"3905220.00000000",'
    '"O":1789996380000,"C":1790000000119,"F":8600,"L":8801,"n":202'
)
_MINI = (
    '{"e":"24hrMiniTicker","E":1790000000120,"s":"BTCUSDT","c":"64012.50000000","o":"63500.00000000",'
    '"h":"64400.00000000","l":"63300.00000000","v":"1520.50000000","q":"97330000.25000000"}'
)
_LEVELS = '"bids":[["64012.40000000","1.10000000"]],"asks":[["64012.60000000","2.20000000"]]'

MARKET = {
    "btcusdt@trade": (
        '{"e":"trade","E":1790000000111,"s":"BTCUSDT","t":8801,"p":"64012.50000000","q":"0.00150000",'
        '"T":1790000000110,"m":true,"M":true}'
    ),
    "btcusdt@aggTrade": (
        '{"e":"aggTrade","E":1790000000112,"s":"BTCUSDT","a":990,"p":"64012.50000000","q":"0.00350000","f":8799,'
        '"l":8801,"T":1790000000110,"m":false,"M":true}'
    ),
    "btcusdt@blockTrade": (
        '{"e":"blockTrade","E":1790000000113,"s":"BTCUSDT","t":31,"p":"64001.00000000","q":"25.00000000",'
        '"T":1790000000102,"m":false}'
    ),
    "btcusdt@kline_1m": f'{{"e":"kline","E":1790000060000,"s":"BTCUSDT",{_BAR}}}',
    "btcusdt@kline_1m@+08:00": f'{{"e":"kline","E":1790000060001,"s":"BTCUSDT",{_BAR}}}',
    "btcusdt@miniTicker": _MINI,
    "!miniTicker@arr": f"[{_MINI}]",
    "btcusdt@ticker": (
        '{"e":"24hrTicker","E":1790000000120,"s":"BTCUSDT","p":"512.50000000","P":"0.807","w":"64011.84000000",'
        '"x":"63499.00000000","c":"64012.50000000","Q":"0.00150000","b":"64012.40000000","B":"1.10000000",'
        '"a":"64012.60000000","A":"2.20000000","o":"63500.00000000","h":"64400.00000000","l":"63300.00000000",'
        '"v":"1520.50000000","q":"97330000.25000000","O":1789913600000,"C":1790000000119,"F":8000,"L":8801,"n":802}'
    ),
    "btcusdt@ticker_1h": f'{{"e":"1hTicker",{_WINDOW}}}',
    "!ticker_4h@arr": f'[{{"e":"4hTicker",{_WINDOW}}}]',
    "btcusdt@bookTicker": (
        '{"u":7001,"s":"BTCUSDT","b":"64012.40000000","B":"1.10000000","a":"64012.60000000","A":"2.20000000"}'
    ),
    "btcusdt@avgPrice": (
        '{"e":"avgPrice","E":1790000000121,"s":"BTCUSDT","i":"5m","w":"64005.11000000","T":1790000000101}'
    ),
    "btcusdt@referencePrice": '{"e":"referencePrice","s":"BTCUSDT","r":null,"t":1790000000103}',
    "btcusdt@depth5": f'{{"lastUpdateId":7000,{_LEVELS}}}',
    "btcusdt@depth20@100ms": f'{{"lastUpdateId":7002,{_LEVELS}}}',
    "btcusdt@depth": (
        '{"e":"depthUpdate","E":1790000000122,"s":"BTCUSDT","U":7001,"u":7003,"b":[["64012.40000000","0.90000000"]],'
        '"a":[["64012.60000000","0.00000000"]]}'
    ),
    "btcusdt@depth@100ms": (
        '{"e":"depthUpdate","E":1790000000123,"s":"BTCUSDT","U":7004,"u":7004,"b":[],'
        '"a":[["64012.70000000","3.00000000"]]}'
    ),
}
"""Each kind of stream by the name of one."""

SHUTDOWN = '{"e":"serverShutdown","E":1790000000999}'


def trade(number: int) -> str:
    """A trade event of one id."""
    return MARKET["btcusdt@trade"].replace('"t":8801', f'"t":{number}')


def past_trades(*numbers: int) -> str:
    """Trades of these ids, as ``trades.historical`` tells them."""
    one = (
        '{{"id":{},"price":"64012.50000000","qty":"0.00150000","quoteQty":"96.01875000","time":1790000000110,'
        '"isBuyerMaker":true,"isBestMatch":true}}'
    )
    return f"[{','.join(one.format(number) for number in numbers)}]"


# --------------------------------------------------------------------------------------------------------- user data

EXECUTION_REPORT = (
    '{"e":"executionReport","E":1790000000201,"s":"BTCUSDT","c":"$clientOrderId","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"0.00200000","p":"63000.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW",'
    '"r":"NONE","i":501,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1790000000200,"t":-1,'
    '"I":9001,"w":true,"m":false,"M":false,"O":1790000000200,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000",'
    '"W":1790000000200,"V":"EXPIRE_MAKER"}'
)
FILL_REPORT = (
    '{"e":"executionReport","E":1790000000701,"s":"BTCUSDT","c":"$clientOrderId","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"0.00200000","p":"63000.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"FILLED",'
    '"r":"NONE","i":501,"l":"0.00200000","z":"0.00200000","L":"62999.00000000","n":"0.00000150","N":"BTC",'
    '"T":1790000000700,"t":8810,"I":9002,"w":false,"m":true,"M":true,"O":1790000000200,"Z":"125.99800000",'
    '"Y":"125.99800000","Q":"0.00000000","W":1790000000200,"V":"EXPIRE_MAKER"}'
)
USER = {
    "executionReport": EXECUTION_REPORT.replace("$clientOrderId", "elsewhere-1"),
    "outboundAccountPosition": (
        '{"e":"outboundAccountPosition","E":1790000000702,"u":1790000000700,"B":[{"a":"BTC","f":"1.25199850",'
        '"l":"0.00000000"},{"a":"USDT","f":"8874.50200000","l":"0.00000000"}]}'
    ),
    "balanceUpdate": '{"e":"balanceUpdate","E":1790000000703,"a":"BTC","d":"-0.10000000","T":1790000000703}',
    "listStatus": (
        '{"e":"listStatus","E":1790000000704,"s":"BTCUSDT","g":61,"c":"OCO","l":"EXEC_STARTED","L":"EXECUTING",'
        '"r":"NONE","C":"list-1","T":1790000000400,"O":[{"s":"BTCUSDT","i":601,"c":"leg-1"},'
        '{"s":"BTCUSDT","i":602,"c":"leg-2"}]}'
    ),
    "externalLockUpdate": '{"e":"externalLockUpdate","E":1790000000705,"a":"USDT","d":"15.50000000","T":1790000000705}',
    "eventStreamTerminated": '{"e":"eventStreamTerminated","E":1790000000706}',
}
"""Each kind of user data event."""


def wrapped(event: str, subscription: int = 0) -> str:
    """A user data event as it is sent."""
    return f'{{"subscriptionId":{subscription},"event":{event}}}'
