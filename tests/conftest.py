"""Fixtures for every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Nothing here is timed: a busy machine must not fail a test. Every run sees the same cases, so that a failure is about the
# change at hand; ``make explore`` looks for new ones.
settings.register_profile("hookline", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("hookline")

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded market data; its absence skips, or fails where HOOKLINE_REQUIRE_DATA=1."""
    folder = Path(os.environ.get("HOOKLINE_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        message = (
            f"recorded market data is not at {folder.name!r} beside the repository; set HOOKLINE_TEST_DATA"
        )
        if os.environ.get("HOOKLINE_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(autouse=True, scope="session")
def _kernel_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep compiled kernels where every test process finds them, and out of the user's own cache."""
    os.environ.setdefault("HOOKLINE_CACHE_DIR", str(_ROOT / ".pytest_cache" / "kernels"))


@pytest.fixture(autouse=True, scope="session")
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Count the trials of tests in a ledger of their own, never in the user's."""
    os.environ["HOOKLINE_STATE_DIR"] = str(tmp_path_factory.mktemp("state"))
