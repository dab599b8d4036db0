"""The error tree. Branches say who can act.

HooklineError
├── ConfigError          the user: a session file, a parameter, a command line
├── PluginError          the plugin author: a plugin that cannot be found, imported or registered
│   └── StrategyError    the strategy author: a bug raised inside a strategy's callback
├── DataError            the data supplier: bars that cannot be trusted, a file that cannot be read
├── JournalError         whoever runs the session: a journal that is locked, damaged, full or read-only
├── OrderError           the strategy author: an order that makes no sense (not a denied or rejected one)
└── VenueError           the venue: it cannot be reached or answered with something unusable

Outcomes of orders (denied, rejected, canceled, expired) reach a strategy as statuses, never as exceptions.
"""

__all__ = [
    "ConfigError",
    "DataError",
    "HooklineError",
    "JournalError",
    "OrderError",
    "PluginError",
    "StrategyError",
    "VenueError",
]


class HooklineError(Exception):
    """Root of every error that hookline raises on purpose."""


class ConfigError(HooklineError):
    """A session file, a parameter or a command line that cannot be used as written."""


class PluginError(HooklineError):
    """A plugin that cannot be found, imported or registered."""


class StrategyError(PluginError):
    """An exception inside a strategy; carries the strategy, the event and the time."""


class DataError(HooklineError):
    """Market data that is missing or cannot be trusted."""


class JournalError(HooklineError):
    """A journal that cannot be used: locked, damaged, full, read-only or of another session."""


class OrderError(HooklineError):
    """An order or an amendment that makes no sense, whatever the venue."""


class VenueError(HooklineError):
    """A venue that cannot be reached or answers with something unusable."""
