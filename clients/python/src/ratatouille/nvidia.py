"""What NVIDIA's driver says of the GPUs of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def query_of(fields: str) -> list[str]:
    """The command that asks for fields of `nvidia-smi --help-query-gpu`, with commas between."""
    return ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]


def ask_driver(query: Sequence[str], seconds: float = 5) -> list[str]:
    """The lines of the answer, one a GPU; none where there is no driver, or none within that time."""
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=seconds, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []
