"""My strategy, a trading strategy for hookline."""
