"""Bundled execution algorithms: one file, one class, one entry point for each."""
