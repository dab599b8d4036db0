"""Statistics that tell edge from luck: functions of arrays, seeded, with their sources."""
