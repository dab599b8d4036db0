"""Statistics are light to import: heavy libraries come with the first use."""

import subprocess
import sys

import hookline.research.statistics as package

HEAVY = {"pandas", "numba", "pyarrow", "plotly", "scipy", "pydantic", "statsmodels"}


def test_nothing_heavy_is_imported():
    code = f"import sys, hookline.research.statistics; print(sorted({HEAVY!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_every_public_name_is_there_and_explained():
    for name in package.__all__:
        thing = getattr(package, name)
        assert name == "FIGURES" or thing.__doc__
