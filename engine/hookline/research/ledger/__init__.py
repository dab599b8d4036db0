"""The ledger of trials: every backtest that was made on some data, counted where nobody can forget it."""

from hookline.research.ledger.trials import Ledger, Trial, count_trials, is_counting, state_folder, uncounted

__all__ = ["Ledger", "Trial", "count_trials", "is_counting", "state_folder", "uncounted"]
