"""The committed fixtures of this repository, which the tests of other languages use too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3] / "test" / "fixtures"


def read(name: str) -> Any:
    """A JSON file below `test/fixtures`."""
    return json.loads((ROOT / name).read_text())
