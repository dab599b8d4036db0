"""Makes the sessions of other tests known here: a venue in memory, and a busy session on paper."""

import sys
from pathlib import Path

for name in ("session", "paper"):
    sys.path.append(str(Path(__file__).parents[1] / name))
