"""Our brokers keep the contract of brokers."""

from hookline.testing import BrokerContract
from hookline_paper.broker import PaperBroker


class TestPaperBroker(BrokerContract):
    def make(self):
        return PaperBroker(maker_fee_bps=-1, taker_fee_bps=5)


class TestPaperBrokerThatWalksThePath(BrokerContract):
    def make(self):
        return PaperBroker(taker_fee_bps=5, slippage_ticks=2, limit_fill="through", intrabar="path")
