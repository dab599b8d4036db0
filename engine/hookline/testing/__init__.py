"""Tools for the tests of plugin authors: readable bars, a scripted strategy, contracts."""

from hookline.testing.bars import bars
from hookline.testing.broker_contract import BrokerContract
from hookline.testing.contracts import RestartContract, StrategyContract
from hookline.testing.feed_contract import FeedContract
from hookline.testing.scripted import Act, Scripted, amend, buy, cancel, sell

__all__ = [
    "Act",
    "BrokerContract",
    "FeedContract",
    "RestartContract",
    "Scripted",
    "StrategyContract",
    "amend",
    "bars",
    "buy",
    "cancel",
    "sell",
]
