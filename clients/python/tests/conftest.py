from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import Dataset, System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One for all tests: leases are short, so that what is lost is soon offered again."""
    started = System(tmp_path_factory.mktemp("system") / "data", "--lease-seconds", "3")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def dataset(system: System) -> Dataset:
    return system.dataset()


@pytest.fixture(scope="session")
def codes() -> Path:
    """Training code for tests."""
    return Path(__file__).parent / "codes"
