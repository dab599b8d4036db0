"""Executors that need more than this machine, or more than hookline itself."""
