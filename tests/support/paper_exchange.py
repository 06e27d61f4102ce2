"""A paper exchange: orders and one account per key, answered by hand-written frames, with faults where a test wants them.

It has no book: a test says what is filled. It knows what really happened, so that a test can compare.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from decimal import Decimal

from cryptotrader.errors import ConnectFailed
from cryptotrader.transport.memory import memory_pair
from paper_frames import answer_of, balance, leg_of, status_of, symbol_info
from virtual_clock import running_loop

ZERO = Decimal(0)
SYMBOL = "BTCUSDT"
_OPEN = ("NEW", "PARTIALLY_FILLED")


class Refused(Exception):
    """An error reply."""

    def __init__(self, code, text, status=400, data=None):
        super().__init__(text)
        self.status = status
        self.body = {"code": code, "msg": text} | ({} if data is None else {"data": data})


class Silence(Exception):
    """No reply at all."""


class PaperAccount:
    """One account: orders, trades, balances, and who listens to them."""

    def __init__(self, api_key):
        self.api_key = api_key
        self.orders = []
        self.trades = []
        self.lists = []
        self.executions = 0
        self.update_time = 0
        self.balances = {"BTC": Decimal(100), "USDT": Decimal(10_000_000), "BNB": Decimal(10)}
        self.subscriptions = {}


class Peer:
    """The exchange's end of one connection."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.transport = None
        self.account = None
        self.subscriptions = {}

    def on_frame(self, payload, received_ns):
        self.exchange.receive(self, json.loads(payload))

    def on_ping(self, payload):
        self.transport.pong(payload)

    def on_pong(self, payload): ...

    def on_closed(self, reason):
        self.exchange.gone(self)

    def send(self, body):
        if self in self.exchange.peers:
            self.transport.send(json.dumps(body).encode())


class PaperExchange:
    """Answers in memory, on a virtual clock.

    Attributes:
        ahead: Seconds by which its clock is ahead.
        faults: Functions of (peer, method, params, do) by method; each is used once, and calls ``do`` or not.
        asked: Requests by method.
        killed: Connections that were dropped.
    """

    def __init__(self, *api_keys):
        self.accounts = {key: PaperAccount(key) for key in api_keys}
        self.peers = {}
        self.connected = asyncio.Event()
        self.faults = {}
        self.asked = Counter()
        self.ahead = 0.0
        self.refuses_dials = False
        self.killed = 0
        self.on_placed = lambda account, order: None

    @property
    def account(self):
        return next(iter(self.accounts.values()))

    def now_ms(self):
        return int((running_loop().wall_seconds() + self.ahead) * 1000)

    async def dial(self, url, handler, *, timeout, tls=None):
        if self.refuses_dials:
            raise ConnectFailed("refused", url=url)
        peer = Peer(self)
        client, peer.transport = memory_pair(handler, peer, clock_ns=lambda: running_loop().wall_us() * 1000)
        self.peers[peer] = None
        self.connected.set()
        return client

    def kill(self):
        """Drop every connection."""
        for peer in list(self.peers):
            self.drop(peer)

    def drop(self, peer):
        self.gone(peer)
        self.killed += 1
        peer.transport.abort()

    def gone(self, peer):
        self.peers.pop(peer, None)
        if not self.peers:
            self.connected.clear()

    # ------------------------------------------------------------------------------------------------------ requests

    def receive(self, peer, frame):
        method, params = frame["method"], frame.get("params", {})
        self.asked[method] += 1

        def do():
            return self.handle(peer, method, params)

        waiting = self.faults.get(method)
        try:
            result = waiting.pop(0)(peer, method, params, do) if waiting else do()
        except Silence:
            return
        except Refused as error:
            peer.send({"id": frame["id"], "status": error.status, "error": error.body, "rateLimits": []})
        else:
            peer.send({"id": frame["id"], "status": 200, "result": result, "rateLimits": []})

    def fault(self, method, *actions):
        self.faults.setdefault(method, []).extend(actions)

    def handle(self, peer, method, params):
        if "timestamp" in params:
            self.check_time(params)
        account = peer.account
        if "apiKey" in params:
            account = self.accounts.get(params["apiKey"])
            if account is None:
                raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        name = "on_" + method.replace(".", "_")
        return getattr(self, name)(peer, account, params)

    def check_time(self, params):
        now, window = self.now_ms(), params.get("recvWindow", 5000)
        if params["timestamp"] >= now + 1000:
            raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now - params["timestamp"] > window:
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")

    def on_time(self, peer, account, params):
        return {"serverTime": self.now_ms()}

    def on_exchangeInfo(self, peer, account, params):  # noqa: N802 - the method's name
        names = params.get("symbols") or [params["symbol"]]
        return {
            "timezone": "UTC",
            "serverTime": self.now_ms(),
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [symbol_info(name) for name in names],
        }

    def on_session_logon(self, peer, account, params):
        peer.account = account
        return {
            "apiKey": account.api_key,
            "authorizedSince": self.now_ms(),
            "connectedSince": self.now_ms(),
            "returnRateLimits": True,
            "serverTime": self.now_ms(),
            "userDataStream": False,
        }

    def on_userDataStream_subscribe(self, peer, account, params):  # noqa: N802 - the method's name
        if account is None:
            raise Refused(-2014, "not logged on")
        number = max(peer.subscriptions, default=-1) + 1
        peer.subscriptions[number] = account
        return {"subscriptionId": number}

    on_userDataStream_subscribe_signature = on_userDataStream_subscribe  # noqa: N815 - the method's name

    def on_userDataStream_unsubscribe(self, peer, account, params):  # noqa: N802 - the method's name
        peer.subscriptions.pop(params["subscriptionId"], None)
        return {}

    def on_account_status(self, peer, account, params):
        rates = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0")
        balances = [balance(asset, account) for asset in account.balances]
        return {
            "makerCommission": 0,
            "takerCommission": 0,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": rates,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": account.update_time,
            "accountType": "SPOT",
            "balances": balances,
            "permissions": [],
            "uid": 1,
        }

    def on_openOrders_status(self, peer, account, params):  # noqa: N802 - the method's name
        return [status_of(order) for order in account.orders if order["status"] in _OPEN]

    def on_openOrderLists_status(self, peer, account, params):  # noqa: N802 - the method's name
        return [answer for answer in account.lists if answer["listOrderStatus"] == "EXECUTING"]

    def on_order_status(self, peer, account, params):
        return status_of(self.found(account, params, -2013, "Order does not exist."))

    def on_allOrders(self, peer, account, params):  # noqa: N802 - the method's name
        start, end = params.get("startTime", 0), params.get("endTime", 10**15)
        found = [order for order in account.orders if start <= order["time"] <= end]
        return [status_of(order) for order in found if order["symbol"] == params["symbol"]]

    def on_orderList_status(self, peer, account, params):  # noqa: N802 - the method's name
        for answer in account.lists:
            if params.get("orderListId") == answer["orderListId"]:
                return answer
            if params.get("origClientOrderId") == answer["listClientOrderId"]:
                return answer
        raise Refused(-2013, "Order list does not exist.")

    def on_myTrades(self, peer, account, params):  # noqa: N802 - the method's name
        rows = [row for row in account.trades if row["symbol"] == params["symbol"]]
        rows = [row for row in rows if params.get("orderId") in (None, row["orderId"])]
        rows = [row for row in rows if row["id"] >= params.get("fromId", 0)]
        rows = [row for row in rows if params.get("startTime", 0) <= row["time"] <= params.get("endTime", 10**15)]
        return rows[: params.get("limit", 500)]

    def on_order_place(self, peer, account, params):
        order = self.new_order(account, params)
        return answer_of(order, account)

    def new_order(self, account, params, **more):
        name = params["newClientOrderId"]
        if any(order["name"] == name and order["status"] in _OPEN for order in account.orders):
            raise Refused(-2010, "Duplicate order sent.")
        if Decimal(params.get("quantity", 0)) > 1000:
            raise Refused(-2010, "Account has insufficient balance for requested action.")
        order = {
            "symbol": params["symbol"],
            "number": len(account.orders) + 1,
            "name": name,
            "side": params["side"],
            "type": params["type"],
            "price": Decimal(params.get("price", "50000")),
            "time": self.now_ms(),
            "updated": self.now_ms(),
            "quantity": Decimal(params["quantity"]),
            "executed": ZERO,
            "quote": ZERO,
            "status": "NEW",
            "list": -1,
        } | more
        account.orders.append(order)
        self.report(account, order, "NEW")
        self.on_placed(account, order)
        return order

    def on_order_cancel(self, peer, account, params):
        order = self.found(account, params, -2011, "Unknown order sent.")
        if order["status"] not in _OPEN:
            raise Refused(-2011, "Unknown order sent.")
        order["status"] = "CANCELED"
        self.report(account, order, "CANCELED", name=params["newClientOrderId"], original=order["name"])
        return answer_of(order, account) | {
            "origClientOrderId": order["name"],
            "clientOrderId": params["newClientOrderId"],
        }

    def on_order_amend_keepPriority(self, peer, account, params):  # noqa: N802 - the method's name
        order = self.found(account, params, -2038, "Unknown order sent.")
        original, order["name"] = order["name"], params["newClientOrderId"]
        order["quantity"] = Decimal(params["newQty"])
        self.report(account, order, "REPLACED", original=original)
        amended = status_of(order) | {
            "origClientOrderId": original,
            "qty": str(order["quantity"]),
            "preventedQty": "0",
            "quoteOrderQty": "0",
            "cumulativeQuoteQty": str(order["quote"]),
        }
        return {"transactTime": self.now_ms(), "executionId": account.executions, "amendedOrder": amended}

    def on_order_cancelReplace(self, peer, account, params):  # noqa: N802 - the method's name
        by = {
            "orderId": params.get("cancelOrderId"),
            "origClientOrderId": params.get("cancelOrigClientOrderId"),
            "newClientOrderId": "cancelled",
        }
        halves = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS"}
        try:
            halves["cancelResponse"] = self.on_order_cancel(peer, account, by)
        except Refused as error:
            halves |= {"cancelResult": "FAILURE", "cancelResponse": error.body}
            if params["cancelReplaceMode"] == "STOP_ON_FAILURE":
                data = halves | {"newOrderResult": "NOT_ATTEMPTED", "newOrderResponse": None}
                raise Refused(-2022, "Order cancel-replace failed.", 400, data) from error
        try:
            halves["newOrderResponse"] = self.on_order_place(peer, account, params)
        except Refused as error:
            halves |= {"newOrderResult": "FAILURE", "newOrderResponse": error.body}
        failed = [halves["cancelResult"], halves["newOrderResult"]].count("FAILURE")
        if failed:
            code, status = (-2021, 409) if failed == 1 else (-2022, 400)
            raise Refused(code, "Order cancel-replace partially failed.", status, halves)
        return halves

    def on_orderList_place_oco(self, peer, account, params):  # noqa: N802 - the method's name
        number = len(account.lists) + 1
        legs = [self.new_order(account, leg_of(params, leg), list=number) for leg in ("above", "below")]
        answer = {
            "orderListId": number,
            "contingencyType": "OCO",
            "listStatusType": "EXEC_STARTED",
            "listOrderStatus": "EXECUTING",
            "listClientOrderId": params["listClientOrderId"],
            "symbol": params["symbol"],
            "transactionTime": self.now_ms(),
            "orders": [
                {"symbol": leg["symbol"], "orderId": leg["number"], "clientOrderId": leg["name"]} for leg in legs
            ],
        }
        account.lists.append(answer)
        return answer | {"orderReports": [answer_of(leg, account) for leg in legs]}

    def on_orderList_cancel(self, peer, account, params):  # noqa: N802 - the method's name
        for answer in account.lists:
            named = params.get("orderListId") in (None, answer["orderListId"])
            named &= params.get("listClientOrderId") in (None, answer["listClientOrderId"])
            if named and answer["listOrderStatus"] == "EXECUTING":
                break
        else:
            raise Refused(-2011, "Unknown order list sent.")
        numbers = [leg["orderId"] for leg in answer["orders"]]
        by = [{"orderId": number, "newClientOrderId": params["newClientOrderId"]} for number in numbers]
        reports = [self.on_order_cancel(peer, account, leg) for leg in by]
        answer |= {"listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE"}
        self.report_list(account, answer)
        return answer | {"orderReports": reports}

    def found(self, account, params, code, text):
        for order in reversed(account.orders):
            if params.get("orderId") in (None, order["number"]) and params.get("origClientOrderId") in (
                None,
                order["name"],
            ):
                return order
        raise Refused(code, text)

    # -------------------------------------------------------------------------------------------------------- events

    def fill(self, account, order, quantity=None, price=None):
        """Trade an open order, in part or as a whole."""
        quantity = order["quantity"] - order["executed"] if quantity is None else Decimal(quantity)
        price = order["price"] if price is None else Decimal(price)
        order["executed"] += quantity
        order["quote"] += quantity * price
        order["status"] = "FILLED" if order["executed"] == order["quantity"] else "PARTIALLY_FILLED"
        sign = 1 if order["side"] == "BUY" else -1
        account.balances["BTC"] += sign * quantity
        account.balances["USDT"] -= sign * quantity * price
        account.update_time = order["updated"] = self.now_ms()
        trade = {
            "symbol": order["symbol"],
            "id": len(account.trades) + 1,
            "orderId": order["number"],
            "orderListId": -1,
            "price": str(price),
            "qty": str(quantity),
            "quoteQty": str(quantity * price),
            "commission": "0",
            "commissionAsset": "BNB",
            "time": self.now_ms(),
            "isBuyer": sign == 1,
            "isMaker": True,
            "isBestMatch": True,
        }
        account.trades.append(trade)
        self.report(account, order, "TRADE", trade=trade)
        self.tell(
            account,
            {
                "e": "outboundAccountPosition",
                "E": self.now_ms(),
                "u": account.update_time,
                "B": [{"a": asset, "f": str(free), "l": "0"} for asset, free in account.balances.items()],
            },
        )

    def expire(self, account, order):
        order["status"] = "EXPIRED"
        self.report(account, order, "EXPIRED")

    def deposit(self, account, asset, amount):
        """Change a balance and tell nobody."""
        account.balances[asset] += Decimal(amount)
        account.update_time = self.now_ms()

    def tell(self, account, event):
        for peer in list(self.peers):
            for number, listening in peer.subscriptions.items():
                if listening is account:
                    peer.send({"subscriptionId": number, "event": event})

    def report_list(self, account, answer):
        """Tell how a list stands, as its answer says."""
        legs = [{"s": leg["symbol"], "i": leg["orderId"], "c": leg["clientOrderId"]} for leg in answer["orders"]]
        self.tell(
            account,
            {
                "e": "listStatus",
                "E": self.now_ms(),
                "s": answer["symbol"],
                "g": answer["orderListId"],
                "c": answer["contingencyType"],
                "l": answer["listStatusType"],
                "L": answer["listOrderStatus"],
                "r": "NONE",
                "C": answer["listClientOrderId"],
                "T": self.now_ms(),
                "O": legs,
            },
        )

    def report(self, account, order, kind, *, name=None, original="", trade=None):
        account.executions += 1
        order["updated"] = self.now_ms()
        self.tell(
            account,
            {
                "e": "executionReport",
                "E": self.now_ms(),
                "s": order["symbol"],
                "c": name or order["name"],
                "S": order["side"],
                "o": order["type"],
                "f": "GTC",
                "q": str(order["quantity"]),
                "p": str(order["price"]),
                "P": "0",
                "F": "0",
                "g": order["list"],
                "C": original,
                "x": kind,
                "X": order["status"],
                "r": "NONE",
                "i": order["number"],
                "l": trade["qty"] if trade else "0",
                "z": str(order["executed"]),
                "L": trade["price"] if trade else "0",
                "n": "0",
                "N": None,
                "T": self.now_ms(),
                "t": trade["id"] if trade else -1,
                "I": account.executions,
                "w": order["status"] in _OPEN,
                "m": bool(trade),
                "M": False,
                "O": order["time"],
                "Z": str(order["quote"]),
                "Y": trade["quoteQty"] if trade else "0",
                "Q": "0",
                "W": order["time"],
                "V": "NONE",
            },
        )
