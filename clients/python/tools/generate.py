"""Makes src/ratatouille/_generated of proto/: the messages that clients and trainers need, and their types.

    python clients/python/tools/generate.py [DIRECTORY]

Needs grpcio-tools, pinned in test/python/requirements.txt. Services need no code: `ratatouille.connection` finds their methods in the
descriptors.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("artifact", "averaging", "catalog", "chunk", "events", "finetune", "recycling", "system", "tensors", "usage")


def generate(directory: Path) -> None:
    """Writes the modules, flat and with relative imports, so that they need no package `ratatouille.v1`."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        protos = [f"ratatouille/v1/{name}.proto" for name in NAMES]
        # Those of Google lie beside the compiler.
        well_known = Path(protoc.__file__).parent / "_proto"
        arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{well_known}", f"--python_out={scratch}", f"--pyi_out={scratch}", *protos]
        if protoc.main(arguments) != 0:
            raise SystemExit(1)
        for made in sorted(Path(scratch, "ratatouille/v1").iterdir()):
            text = re.sub(r"^from ratatouille\.v1 import", "from . import", made.read_text(), flags=re.MULTILINE)
            (directory / made.name).write_text(text)
    (directory / "__init__.py").write_text('"""Messages of proto/ratatouille/v1, made by tools/generate.py."""\n')


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "clients/python/src/ratatouille/_generated")
