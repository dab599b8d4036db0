"""A run as reports know it, from a journal."""

from __future__ import annotations

from hookline.journal.content import JournalContent
from hookline.journal.header import SessionHeader
from hookline.reporting.record import RunRecord

__all__ = ["to_record"]


def to_record(content: JournalContent) -> RunRecord:
    """Return the record of a run that reports and exports are made from."""
    header = content.header
    return RunRecord(
        name=header.name,
        mode=header.mode,
        currency=header.currency,
        cash=sum(strategy.cash for strategy in header.strategies),
        config=dict(header.config),
        series=content.series,
        instruments=dict(header.instruments),
        strategies=list(header.strategies),
        orders=content.orders,
        fills=content.fills,
        updates=content.updates,
        funding=content.payments,
        halted=content.halted,
        interrupted=bool(content.stops) and content.stops[-1].reason == "interrupted",
        seen=content.seen,
        balances=_balances(header),
        rates=dict(header.config.get("rates") or {}),
    )


def _balances(header: SessionHeader) -> dict[str, float]:
    """Return the starting cash by currency, empty where all of it is in the session's; wallets are CURRENCY or CURRENCY@VENUE."""
    balances: dict[str, float] = {}
    for wallets in header.cash.values():
        for wallet, cash in wallets.items():
            currency = wallet.partition("@")[0]
            balances[currency] = balances.get(currency, 0.0) + float(cash)
    return balances
