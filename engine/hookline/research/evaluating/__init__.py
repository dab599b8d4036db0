"""Run the jobs of a study, wherever they are run, and say what came of each."""

from hookline.research.evaluating.jobs import Trial, evaluate, first_runs, local_executor

__all__ = ["Trial", "evaluate", "first_runs", "local_executor"]
