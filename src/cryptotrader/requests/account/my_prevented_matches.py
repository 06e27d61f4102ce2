"""``myPreventedMatches``: ask for matches that self-trade prevention kept from happening."""

from __future__ import annotations

from cryptotrader.models.account_models import PreventedMatch
from cryptotrader.protocol.order_rules import PREVENTED_MATCH_RULES
from cryptotrader.protocol.request import Limit, Method, OrderNumber, Request, SecurityType, WhenGiven


class MyPreventedMatchesRequest(Request[list[PreventedMatch]], frozen=True, kw_only=True):
    """Ask for matches that self-trade prevention kept from happening."""

    api = Method(
        "myPreventedMatches",
        security=SecurityType.USER_DATA,
        weight=WhenGiven("prevented_match_id", weight=2, otherwise=20),
        weight_of_bad_symbol=2,
        rules=PREVENTED_MATCH_RULES,
        source="Account requests",
    )

    symbol: str
    prevented_match_id: OrderNumber | None = None
    order_id: OrderNumber | None = None
    from_prevented_match_id: OrderNumber | None = None
    limit: Limit | None = None
