"""Types of the names that ``hookline`` imports on first use; a test keeps the two in step."""

from hookline.api import backtest as backtest
from hookline.broker import Broker as Broker
from hookline.columns import *
from hookline.errors import ConfigError as ConfigError
from hookline.errors import DataError as DataError
from hookline.errors import HooklineError as HooklineError
from hookline.errors import OrderError as OrderError
from hookline.errors import PluginError as PluginError
from hookline.errors import StrategyError as StrategyError
from hookline.errors import VenueError as VenueError
from hookline.feed import BarRequest as BarRequest
from hookline.feed import Feed as Feed
from hookline.hookspecs import hookimpl as hookimpl
from hookline.kernel.sizing import EquityFraction as EquityFraction
from hookline.kernel.sizing import FixedNotional as FixedNotional
from hookline.kernel.sizing import FixedQuantity as FixedQuantity
from hookline.kernel.sizing import RiskByStop as RiskByStop
from hookline.kernel.sizing import Sizer as Sizer
from hookline.kernel.sizing import VolatilityTarget as VolatilityTarget
from hookline.model import Bar as Bar
from hookline.model import BarSeries as BarSeries
from hookline.model import Fill as Fill
from hookline.model import Instrument as Instrument
from hookline.model import InstrumentKind as InstrumentKind
from hookline.model import Order as Order
from hookline.model import OrderStatus as OrderStatus
from hookline.model import OrderType as OrderType
from hookline.model import OrderUpdate as OrderUpdate
from hookline.model import Position as Position
from hookline.model import Side as Side
from hookline.model import TimeInForce as TimeInForce
from hookline.notifier import Notifier as Notifier
from hookline.params import Doc as Doc
from hookline.params import Ge as Ge
from hookline.params import Gt as Gt
from hookline.params import Le as Le
from hookline.params import Lt as Lt
from hookline.reporting.reporter import Reporter as Reporter
from hookline.reporting.result import Result as Result
from hookline.risk import RiskRule as RiskRule
from hookline.risk import deny as deny
from hookline.risk import halt as halt
from hookline.session import Session as Session
from hookline.session.executors import Executor as Executor
from hookline.signals import Decision as Decision
from hookline.signals import Held as Held
from hookline.signals import SignalStrategy as SignalStrategy
from hookline.signals import flat as flat
from hookline.signals import hold as hold
from hookline.signals import long as long
from hookline.signals import short as short
from hookline.strategy import Context as Context
from hookline.strategy import Strategy as Strategy

__version__: str
