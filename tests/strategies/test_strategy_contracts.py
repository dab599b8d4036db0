"""Every bundled strategy keeps the contract that plugin authors are held to."""

from book_markets import ON_BOOKS
from pair_markets import carried, cointegrated, isolated, spot, without

from hookline import plugins
from hookline.params import PluginUse
from hookline.testing import RestartContract, StrategyContract
from hookline_strategies.bollinger_reversion import BollingerReversion
from hookline_strategies.buy_and_hold import BuyAndHold
from hookline_strategies.donchian_breakout import DonchianBreakout
from hookline_strategies.ema_cross import EmaCross
from hookline_strategies.funding_arb import FundingArb
from hookline_strategies.grid_arithmetic import GridArithmetic
from hookline_strategies.pairs_trading import PairsTrading
from hookline_strategies.smart_dca import SmartDca
from hookline_strategies.supertrend import Supertrend
from hookline_strategies.work_order import WorkOrder


class TestBuyAndHold(StrategyContract):
    def make(self):
        return BuyAndHold()


class TestEmaCross(StrategyContract):
    def make(self):
        return EmaCross(adx_min=15)


class TestSupertrend(StrategyContract):
    def make(self):
        return Supertrend()


class TestDonchianBreakout(StrategyContract):
    def make(self):
        return DonchianBreakout()


class TestBollingerReversion(StrategyContract):
    def make(self):
        return BollingerReversion(adx_max=40, max_bandwidth=0.2)


class TestBollingerReversionOnTwoInstruments(TestBollingerReversion):
    def symbols(self):
        return ("ONE", "TWO")


class TestGridArithmetic(RestartContract):
    def make(self):
        return GridArithmetic(low=85, high=120, num_grids=14)


class TestGridArithmeticWithoutInventory(RestartContract):
    def make(self):
        return GridArithmetic(low=80, high=130, num_grids=10, seed_inventory=False, stop_below=False)


class TestWorkOrder(RestartContract):
    def make(self):
        return WorkOrder(10, PluginUse("twap", {"duration": "3d", "slices": 24, "randomize": 0.5}))


class TestWorkOrderWithinALimit(RestartContract):
    def make(self):
        twap = {"duration": "5d", "slices": 60, "limit_price": 90, "style": "limit"}
        return WorkOrder(10, PluginUse("twap", twap), side="sell", limit=88)


class TestPairsTrading(RestartContract):
    def make(self):
        return PairsTrading(window=30, entry=1.5, calibration=60, max_hold="12h", retest="9h")

    def symbols(self):
        return ("A", "B")

    def market(self):
        return {symbol: without(series, len(symbol)) for symbol, series in cointegrated(700).items()}


class TestFundingArb(RestartContract):
    def make(self):
        return FundingArb(inventory=5.0, min_rate=0.0002, max_basis=0.002, horizon="10d")

    def symbols(self):
        return ("S", "P")

    def market(self):
        series, _ = carried(700)
        return {symbol: without(one, ord(symbol)) for symbol, one in series.items()}

    def funding(self):
        return carried(700)[1]

    def instrument(self, symbol):
        return spot() if symbol == "S" else isolated()


class TestSmartDca(RestartContract):
    def make(self):
        return SmartDca(base_quote=100, interval="6h", max_asset_fraction=0.4, pause_drawdown=0.1)


class TestSmartDcaOnSpot(TestSmartDca):
    def instrument(self, symbol):
        return spot(symbol)


def test_every_bundled_strategy_is_here():
    contracts = [one for one in globals().values() if isinstance(one, type) and one.__module__ == __name__]
    tested = {contract().make().name for contract in contracts}
    ours = {
        info.name for info in plugins.names("strategies") if info.module.startswith("hookline_strategies.")
    }
    assert tested | set(ON_BOOKS) == ours  # those are in test_book_contracts.py
