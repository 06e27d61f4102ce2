"""Arithmetic on amounts that is exact whatever decimal context the caller has set.

A context belongs to the task that runs, so that a program's own precision would otherwise reach into what is known of
its orders.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow

EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Amounts have up to 20 digits on either side of the point: products of two fit."""
