"""Orders and order lists: their enums, and what the trading requests answer.

Prices and quantities are exact ``Decimal``; timestamps are integers in the connection's unit (milliseconds unless
asked otherwise). Fields that are ``None`` were not sent: most parts of an order appear only where they apply.

Sources: Binance Spot documentation, "Enums", "Trading requests" and "Order amend keep priority".
"""

from __future__ import annotations

from cryptotrader.models.base_models import OpenEnum

# --------------------------------------------------------------------------------------------------------- enums


class OrderStatus(OpenEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PENDING_CANCEL = "PENDING_CANCEL"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class ExecutionType(OpenEnum):
    """What happened to an order; ``REPLACED`` is an amendment."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


class ExpiryReason(OpenEnum):
    """Why an order expired."""

    NONE = "NONE"
    REJECTED = "REJECTED"
    EXCHANGE_CANCELED = "EXCHANGE_CANCELED"
    OCO_TRIGGER = "OCO_TRIGGER"
    OTO_PHASE_ONE_EXPIRED = "OTO_PHASE_ONE_EXPIRED"
    UNFILLED_IOC_QUANTITY_EXPIRED = "UNFILLED_IOC_QUANTITY_EXPIRED"
    UNFILLED_FOK_ORDER_EXPIRED = "UNFILLED_FOK_ORDER_EXPIRED"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
    EXECUTION_RULE_PRICE_RANGE_EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


class RejectReason(OpenEnum):
    """Why the engine refused an order that had been accepted."""

    NONE = "NONE"
    INSUFFICIENT_BALANCES = "INSUFFICIENT_BALANCES"
    STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY = "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"
    WOULD_MATCH_IMMEDIATELY = "WOULD_MATCH_IMMEDIATELY"
    OCO_BAD_PRICES = "OCO_BAD_PRICES"


class ContingencyType(OpenEnum):
    """How the orders of a list depend on each other; ``OTO`` covers OTOCO, OPO and OPOCO."""

    OCO = "OCO"
    OTO = "OTO"


class ListStatusType(OpenEnum):
    """What happened to an order list; ``UPDATED`` is a changed client order id of a leg."""

    RESPONSE = "RESPONSE"
    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"
    ALL_DONE = "ALL_DONE"


class ListOrderStatus(OpenEnum):
    """Where an order list is in its life."""

    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"
    REJECT = "REJECT"
    CANCELING = "CANCELING"


class NewOrderRespType(OpenEnum):
    """How much a placement answers."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


class CancelReplaceMode(OpenEnum):
    """Whether the new order is placed although the cancellation failed."""

    STOP_ON_FAILURE = "STOP_ON_FAILURE"
    ALLOW_FAILURE = "ALLOW_FAILURE"


class CancelReplaceResult(OpenEnum):
    """How one half of a cancel-replace went."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"


class CancelRestrictions(OpenEnum):
    """In which status alone an order is to be cancelled."""

    ONLY_NEW = "ONLY_NEW"
    ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"


class OrderRateLimitExceededMode(OpenEnum):
    """What a cancel-replace does when too many orders are unfilled."""

    DO_NOTHING = "DO_NOTHING"
    CANCEL_ONLY = "CANCEL_ONLY"


class WorkingFloor(OpenEnum):
    """Where an order works."""

    EXCHANGE = "EXCHANGE"
    SOR = "SOR"


class MatchType(OpenEnum):
    """How a fill came about, where it was no plain match in the book."""

    ONE_PARTY_TRADE_REPORT = "ONE_PARTY_TRADE_REPORT"
    AUTO_MATCH = "AUTO_MATCH"


class AllocationType(OpenEnum):
    """What an allocation comes from."""

    SOR = "SOR"


class PegPriceType(OpenEnum):
    """What a pegged order follows: the best price of its own side, or of the opposite one."""

    PRIMARY_PEG = "PRIMARY_PEG"
    MARKET_PEG = "MARKET_PEG"


class PegOffsetType(OpenEnum):
    """Unit of a pegged order's distance."""

    PRICE_LEVEL = "PRICE_LEVEL"
