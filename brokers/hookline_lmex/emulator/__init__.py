"""An emulator of the venue: the same REST and websocket protocol on loopback, on top of our simulated venue."""

from hookline_lmex.emulator.config import (
    AccountConfig,
    EmulatorConfig,
    FeesConfig,
    MarketConfig,
    SocketsConfig,
    default_config,
    read_config,
)
from hookline_lmex.emulator.emulator import Emulator
from hookline_lmex.emulator.exchange import Exchange
from hookline_lmex.emulator.fault_schedule import FaultSchedule, TimedFault
from hookline_lmex.emulator.faults import FAULTS, Fault, FaultSwitches
from hookline_lmex.emulator.rest_limits import RateRules
from hookline_lmex.emulator.terms import ExchangeOptions

__all__ = [
    "FAULTS",
    "AccountConfig",
    "Emulator",
    "EmulatorConfig",
    "Exchange",
    "ExchangeOptions",
    "Fault",
    "FaultSchedule",
    "FaultSwitches",
    "FeesConfig",
    "MarketConfig",
    "RateRules",
    "SocketsConfig",
    "TimedFault",
    "default_config",
    "read_config",
]
