"""Loads training code: a file, a module, or one that comes with this package."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import UsageError
from ..plugin import Description, Setup

#: Modules that come with this package, by the names that the command has for them.
BUILT_IN = {"torch": "ratatouille.torch"}
FUNCTIONS = ("fine_tune", "predict")


@dataclass(frozen=True)
class Loaded:
    """Training code that is there."""

    module: ModuleType
    #: As people know it: the name of its file, or of the module.
    name: str
    #: Its file; "" where it has none.
    file: str

    def function(self, name: str) -> Callable[..., Any] | None:
        found: Any = getattr(self.module, name, None)
        return found if callable(found) else None

    def parse(self, arguments: list[str], parser: argparse.ArgumentParser) -> argparse.Namespace:
        """The options that the code has added. Raises UsageError for others."""
        options = self.function("options")
        if options is not None:
            options(parser)
        parsed, unknown = parser.parse_known_args(arguments)
        if unknown:
            raise UsageError(f"{unknown[0]} is no option of ratatouille-trainer or of {self.name}: --help lists them")
        return parsed

    def describe(self, setup: Setup) -> Description | None:
        """What the code says of itself; None: nothing."""
        describe = self.function("describe")
        if describe is None:
            return None
        described = describe(setup)
        if not isinstance(described, Description):
            raise UsageError(f"{self.name}: describe gave {type(described).__name__}; expected a ratatouille.Description")
        return described


def load(target: str) -> Loaded:
    """Loads training code. Raises UsageError with one sentence: no such file, what failed in it and where, which function it lacks."""
    path = Path(target)
    try:
        if target in BUILT_IN:
            module, name = importlib.import_module(BUILT_IN[target]), target
        elif target.endswith(".py") or path.exists():
            module, name = _load_file(path), path.name
        else:
            module, name = importlib.import_module(target), target
    except UsageError:
        raise
    except ModuleNotFoundError as error:
        if target in BUILT_IN and error.name and not error.name.startswith("ratatouille"):
            raise UsageError(f"{target} needs {error.name}: pip install 'ratatouille-trainer[{target}]'") from error
        if error.name == target or (error.name and target.startswith(f"{error.name}.")):
            raise UsageError(f"there is no file and no module {target}; expected a Python file with {' and '.join(FUNCTIONS)}") from error
        raise UsageError(f"{target} cannot be loaded: {sentence(error, str(path.resolve()))}") from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise UsageError(f"{target} cannot be loaded: {sentence(error, str(path.resolve()))}") from error
    loaded = Loaded(module, name, getattr(module, "__file__", "") or "")
    missing = [function for function in FUNCTIONS if loaded.function(function) is None]
    if missing:
        raise UsageError(f"{name} has no function {' and no function '.join(missing)}; it needs {' and '.join(FUNCTIONS)}")
    return loaded


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    # So that its own imports of files beside it, and pickling for other processes, work as for a script.
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def sentence(error: BaseException, file: str) -> str:
    """What people read of an error of training code: the exception's last line, and the last place in their file.

    :param file: whose lines are meant; of errors that never passed it the last place of all is told
    """
    lines = traceback.format_exception_only(type(error), error)
    text = " ".join(lines[-1].split())
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} ({Path(error.filename).name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file and Path(frame.filename).resolve() == Path(file)] or frames
    if not own:
        return text
    last = own[-1]
    return f"{text} ({Path(last.filename).name}, line {last.lineno}, in {last.name})"
