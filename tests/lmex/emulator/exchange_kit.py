"""An exchange that a test moves by hand, and an ear that writes down what is heard of it."""

from decimal import Decimal

from hookline.clock import EventClock
from hookline.model import Bar, Instrument, InstrumentKind, MarginTier, MarketData, Quote, Side, Trade
from hookline_lmex.emulator.exchange import Exchange
from hookline_lmex.emulator.order_requests import parse_order
from hookline_lmex.emulator.placing import place
from hookline_lmex.emulator.terms import AccountSetup, ExchangeOptions, MarketSetup, Product

START = 1_704_067_200 * 10**9  # 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9
SECOND = 10**9
QUOTES = frozenset({MarketData.QUOTES, MarketData.TRADES})
TIERS = (
    MarginTier(Decimal(50_000), Decimal("0.005"), Decimal(100)),
    MarginTier(None, Decimal("0.01"), Decimal(50)),
)


def perp(symbol="AAA-PERP", **terms):
    """A contract is a hundredth of a coin, the tick a hundredth of a dollar."""
    terms = {
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.01"),
        "contract_size": Decimal("0.01"),
        "margin_tiers": TIERS,
    } | terms
    return Instrument(symbol, InstrumentKind.PERPETUAL, **terms)


def coin(symbol="AAA-USDT", **terms):
    """Spot in steps of a ten-thousandth."""
    terms = {"tick_size": Decimal("0.01"), "lot_size": Decimal("0.0001")} | terms
    return Instrument(symbol, **terms)


class Ear:
    """Writes down what happens, one tuple each."""

    def __init__(self):
        self.orders, self.fills, self.positions = [], [], []
        self.trades, self.books, self.quotes = [], [], []
        self.all = []

    def trade(self, symbol, trade, trade_id):
        self.trades.append((symbol, trade, trade_id))

    def book(self, symbol, update):
        self.books.append(update)

    def quote(self, symbol, quote):
        self.quotes.append(quote)

    def order(self, account, notice):
        self.orders.append(notice)
        self.all.append(("order", notice))

    def fill(self, account, notice):
        self.fills.append(notice)
        self.all.append(("fill", notice))

    def position(self, account, notice):
        self.positions.append(notice)
        self.all.append(("position", notice))

    @property
    def statuses(self):
        return [notice.status for notice in self.orders]


class Floor:
    """An exchange of one account, with the price and the time in the test's hands."""

    def __init__(self, *setups, spot=None, futures=None, accounts=None, now=START, **options):
        self.clock = EventClock(now)
        accounts = accounts or [
            AccountSetup("ann", "ann-key", "ann-secret", spot or {}, futures or {"USDT": 10_000})
        ]
        self.exchange = Exchange(setups or [on_bars()], accounts, self.clock, ExchangeOptions(**options))
        self.ear = Ear()
        self.exchange.listen(self.ear)

    @property
    def truth(self):
        return self.exchange.truth("ann")

    def desk(self, product=Product.FUTURES):
        return self.exchange.desk("ann", product)

    def send(self, symbol="AAA-PERP", *, peg=False, **body):
        """Place an order as a REST body would ask for it."""
        state = self.exchange.states[symbol]
        body = {"symbol": symbol, "type": "LIMIT" if "price" in body else "MARKET", "side": "BUY"} | body
        request = parse_order(state.product, body, state, self.exchange.options, peg=peg)
        return place(self.exchange, self.desk(state.product), request)

    def bar(self, open_, high, low, close, symbol="AAA-PERP", volume=10.0):
        """Let the next hour pass."""
        start = self.clock.now // HOUR * HOUR
        self.clock.now = start + HOUR
        self.exchange.handle([Bar(symbol, start, start + HOUR, open_, high, low, close, volume)])

    def quote(self, bid, ask, quantity=10.0, symbol="AAA-PERP", after=SECOND):
        """Let the top of the book be something else a second later."""
        self.clock.now += after
        self.exchange.handle([Quote(symbol, self.clock.now, self.clock.now, bid, quantity, ask, quantity)])

    def trade(self, price, quantity=1.0, side=Side.BUY, symbol="AAA-PERP", after=SECOND):
        """Let a trade happen a second later."""
        self.clock.now += after
        self.exchange.handle([Trade(symbol, self.clock.now, self.clock.now, price, quantity, side)])


def on_bars(instrument=None, **terms):
    return MarketSetup(instrument or perp(), **terms)


def on_tape(instrument=None, **terms):
    return MarketSetup(instrument or perp(), tape=QUOTES, **terms)
