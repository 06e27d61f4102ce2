"""What the paper exchange answers, as Binance documents it."""

from __future__ import annotations

_FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00000", "stepSize": "0.00001"},
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00",
        "applyMinToMarket": True,
        "maxNotional": "9000000.00",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
]


def balance(asset, account):
    return {"asset": asset, "free": str(account.balances[asset]), "locked": "0"}


def leg_of(params, leg):
    return {
        "symbol": params["symbol"],
        "side": params["side"],
        "quantity": params["quantity"],
        "type": params[f"{leg}Type"],
        "newClientOrderId": params[f"{leg}ClientOrderId"],
        "price": params.get(f"{leg}Price", "50000"),
    }


def details_of(order):
    return {
        "symbol": order["symbol"],
        "orderId": order["number"],
        "orderListId": order["list"],
        "clientOrderId": order["name"],
        "price": str(order["price"]),
        "origQty": str(order["quantity"]),
        "executedQty": str(order["executed"]),
        "origQuoteOrderQty": "0",
        "cummulativeQuoteQty": str(order["quote"]),
        "status": order["status"],
        "timeInForce": "GTC",
        "type": order["type"],
        "side": order["side"],
        "workingTime": order["time"],
        "selfTradePreventionMode": "NONE",
    }


def answer_of(order, account):
    fills = [
        {"price": row["price"], "qty": row["qty"], "commission": "0", "commissionAsset": "BNB", "tradeId": row["id"]}
        for row in account.trades
        if row["orderId"] == order["number"]
    ]
    return details_of(order) | {"transactTime": order["updated"], "fills": fills}


def status_of(order):
    return details_of(order) | {
        "stopPrice": "0",
        "icebergQty": "0",
        "time": order["time"],
        "updateTime": order["updated"],
        "isWorking": True,
    }


def symbol_info(name):
    flags = (
        "icebergAllowed",
        "ocoAllowed",
        "otoAllowed",
        "opoAllowed",
        "quoteOrderQtyMarketAllowed",
        "allowTrailingStop",
        "cancelReplaceAllowed",
        "amendAllowed",
        "pegInstructionsAllowed",
        "isSpotTradingAllowed",
        "isMarginTradingAllowed",
    )
    return dict.fromkeys(flags, True) | {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": name[:3],
        "baseAssetPrecision": 8,
        "quoteAsset": name[3:],
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "filters": _FILTERS,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }
