"""The commands that place and cancel orders: whatever happens, the order is named, and the exit code tells."""

from __future__ import annotations

import asyncio
import importlib

import pytest

from cryptotrader.cli.call import parse_request
from cryptotrader.cli.order import _cancel, _cancel_all, _place
from cryptotrader.errors import OrderRejected, OutcomeUnknown, RequestInvalid
from cryptotrader.order_checks import ClientIds
from paper_exchange import SYMBOL, Refused
from paper_trading import buy, raising, silent, trading, unknown_and_not_done, unknown_but_done

ORDER = [f"symbol={SYMBOL}", "side=BUY", "type=LIMIT", "timeInForce=GTC", "quantity=0.5", "price=50000"]
call_command = importlib.import_module("cryptotrader.cli.call")
QUESTION = "cryptotrader call order.status …"


def request(*more):
    return ClientIds().complete(parse_request("order.place", [*ORDER, *more]))


async def test_an_interrupted_order_is_named(capsys):
    async with trading() as (binance, exchange):
        exchange.fault("order.place", silent)
        placing = asyncio.ensure_future(_place(binance, request("newClientOrderId=mine"), 0, QUESTION))
        await asyncio.sleep(1)
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing

    assert capsys.readouterr().err == f"it may have been placed as mine; ask: {QUESTION}\n"


async def test_an_order_in_doubt_to_the_end_is_named(capsys):
    async def main():
        async with trading() as (binance, exchange):
            exchange.fault("order.place", silent)
            exchange.fault("order.status", *[raising(Refused(-1008, "Busy.", 503))] * 100)
            return await _place(binance, request("newClientOrderId=mine"), 0, QUESTION)

    assert await main() == 1
    assert f"it may have been placed as mine; ask: {QUESTION}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("happens", "code", "text"),
    [("fill", 0, ""), ("expire", 1, "not filled: "), (None, 1, "not filled after 5 s\n")],
)
async def test_waiting_tells_whether_the_order_was_filled(capsys, happens, code, text):
    async def main():
        async with trading() as (binance, exchange):
            if happens is not None:
                exchange.on_placed = getattr(exchange, happens)
            return await _place(binance, request(), 5, QUESTION)

    assert await main() == code
    out, err = capsys.readouterr()
    assert err.startswith(text)
    assert out.startswith("BTCUSDT order 1 (ct-")


async def test_an_acknowledged_order_is_told_by_what_is_known(capsys):
    async def main():
        async with trading() as (binance, exchange):
            exchange.tell = lambda account, event: None

            def acknowledged(peer, method, params, do):
                names = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
                answer = do()
                return {name: answer[name] for name in names}

            exchange.fault("order.place", acknowledged)
            return await _place(binance, request("newOrderRespType=ACK", "newClientOrderId=mine"), 0, QUESTION)

    assert await main() == 0
    assert capsys.readouterr().out == "BTCUSDT order 1 (mine): acknowledged, 0.50 asked for\n"


@pytest.mark.parametrize(("number", "is_client_id"), [("1", False), ("77", True), ("mine", False)])
@pytest.mark.parametrize("fault", [None, unknown_but_done, unknown_and_not_done])
async def test_an_order_is_cancelled_by_either_id_and_in_doubt_resolved(capsys, number, is_client_id, fault):
    async def main():
        async with trading() as (binance, exchange):
            await buy(binance, new_client_order_id=number if number != "1" else "other")
            if fault is not None:
                exchange.fault("order.cancel", fault)
            return await _cancel(binance, SYMBOL, number, is_client_id=is_client_id)

    is_done = fault is not unknown_and_not_done
    assert await main() == (0 if is_done else 1)
    out, err = capsys.readouterr()
    assert (": CANCELED, 0.00 of 0.50 filled" if is_done else ": NEW, 0.00 of 0.50 filled") in out
    assert ("not cancelled" in err) is not is_done


async def test_a_client_id_of_digits_is_hinted_at(capsys):
    async with trading() as (binance, _):
        await buy(binance, new_client_order_id="77")
        with pytest.raises(OrderRejected, match="code -2011"):
            await _cancel(binance, SYMBOL, "77", is_client_id=False)

    assert capsys.readouterr().err == "if 77 is a client order id, say --client-id\n"


async def test_cancelling_all_of_nothing_is_no_error(capsys):
    async def main():
        async with trading() as (binance, exchange):
            exchange.fault("openOrders.cancelAll", raising(Refused(-2011, "Unknown order sent.")))
            return await _cancel_all(binance, SYMBOL)

    assert await main() == 0
    assert capsys.readouterr().out == "cancelled: 0\n"


@pytest.mark.parametrize("text", ["1_0", "٣", " 1"])
def test_an_amount_on_the_command_line_is_what_it_looks_like(text):
    with pytest.raises(RequestInvalid, match="plain digits"):
        parse_request("order.place", [*ORDER[:4], f"quantity={text}", "price=50000"]).params()


class Unanswered:
    """A connection on which no answer comes."""

    async def call(self, request):
        raise OutcomeUnknown(request.api.name, 1, "no reply in time")

    async def close(self): ...


@pytest.mark.parametrize(
    ("method", "parameters", "is_named"),
    [("order.place", ORDER, True), ("order.cancel", [f"symbol={SYMBOL}", "orderId=1"], False)],
)
async def test_an_order_that_was_called_for_is_named_when_its_answer_does_not_come(
    monkeypatch, method, parameters, is_named
):
    monkeypatch.setattr(call_command, "api_connection", lambda *_, **__: Unanswered())
    named = call_command.with_ids(parse_request(method, parameters))
    with pytest.raises(OutcomeUnknown, match="it may be there as ct-" if is_named else "no reply in time") as caught:
        await call_command._call(named, None, None)

    assert ("it may be there as ct-" in str(caught.value)) is is_named
