"""Studies: one session run many times, and tests that tell edge from luck."""
