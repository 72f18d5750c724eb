"""What people give as weights and as names of models: files, folders, arrays, state dicts, modules; digests and refs."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..content import Content, FileContent, TensorContent
from ..errors import UsageError
from ..safetensors_file import SafetensorsError, Tensors, open_tensors
from .artifact import Artifact


@runtime_checkable
class HasStateDict(Protocol):
    """A torch.nn.Module, and whatever else has one."""

    def state_dict(self) -> Mapping[str, Any]: ...


#: A safetensors or PyTorch file, a folder of Hugging Face's, arrays or tensors by name, or a module.
Weights = str | os.PathLike[str] | Mapping[str, Any] | HasStateDict
#: A model of the catalog: an artifact, a digest or at least 8 digits of it, a ref such as "digits/champion", a tag such as "digits:1.0".
Name = Artifact | str
NAMES = 'digest ("sha256:…", or 8 digits of it at least), a ref ("digits/champion") or a tag ("digits:1.0")'
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{8,64}")
_TAG = re.compile(r"[\w./-]+:[\w.-]+")


def content_of(weights: Weights) -> Content:
    """Weights as the bytes of a safetensors file. Raises UsageError, SafetensorsError, OSError."""
    if isinstance(weights, (str, os.PathLike)):
        return _content_at(Path(weights))
    tensors = weights if isinstance(weights, Mapping) else weights.state_dict()
    if not tensors:
        raise UsageError("there are no weights: the state dict is empty")
    return TensorContent(tensors, type(weights).__name__ if not isinstance(weights, Mapping) else "weights")


def layout_of(weights: Weights) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of each tensor. Raises as `content_of` does."""
    content = content_of(weights)
    if isinstance(content, TensorContent):
        return {name: (layout.dtype, layout.shape) for name, layout in content.plan.layouts.items()}
    tensors = open_tensors(os.fspath(weights))  # type: ignore[arg-type]
    return {name: (tensors.dtype_name(name), tensors[name].shape) for name in tensors}


def _content_at(path: Path) -> Content:
    if path.is_dir():
        return _content_of_folder(path)
    if not path.exists():
        raise UsageError(f"there is no file {path}; weights are a safetensors or PyTorch file, a folder of such, or arrays by name")
    if path.suffix in (".pt", ".pth", ".bin"):
        return TensorContent(_load_torch(path), path.name)
    try:
        open_tensors(path)
    except SafetensorsError as error:
        raise UsageError(f"{path} is no safetensors file: {error}") from error
    return FileContent(path)


def _content_of_folder(folder: Path) -> Content:
    index = folder / "model.safetensors.index.json"
    if index.exists():
        shards = dict.fromkeys(json.loads(index.read_text())["weight_map"].values())
        tensors: dict[str, tuple[str, Any]] = {}
        for shard in shards:
            tensors |= open_tensors(folder / shard).parts()[0]
        return TensorContent(Tensors(tensors), folder.name)
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).exists():
            return _content_at(folder / name)
    raise UsageError(f"the folder {folder} has no model.safetensors, no model.safetensors.index.json and no pytorch_model.bin")


def _load_torch(path: Path) -> Mapping[str, Any]:
    if importlib.util.find_spec("torch") is None:
        raise UsageError(f"{path} is a file of PyTorch, which is not installed here: install torch, or save it as safetensors")
    torch = importlib.import_module("torch")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UsageError(f"{path} cannot be read as weights of PyTorch: {str(error).splitlines()[0]}") from error
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else loaded
    if not isinstance(tensors, Mapping):
        raise UsageError(f"{path} holds a {type(loaded).__name__}; expected a state dict")
    return tensors


def is_digest(given: str) -> bool:
    """Whether a text is a digest or the beginning of one."""
    return _DIGEST.fullmatch(given) is not None


def is_name(given: object) -> bool:
    """Whether something names a model of the catalog, and is none itself. A text that is a file here is a file.

    >>> [is_name(given) for given in ("sha256:" + "0" * 64, "0123abcd", "digits/champion", "digits:1.0", "soup.safetensors", {})]
    [True, True, True, True, False, False]
    """
    if isinstance(given, Artifact):
        return True
    if not isinstance(given, str) or Path(given).exists():
        return False
    if is_digest(given) or _TAG.fullmatch(given):
        return True
    return "/" in given and Path(given).suffix not in (".safetensors", ".pt", ".pth", ".bin")


def check_name(given: Name) -> str:
    """The digest or the ref of a name. Raises UsageError."""
    if isinstance(given, Artifact):
        return given.digest
    if not isinstance(given, str) or not (is_digest(given) or _TAG.fullmatch(given) or "/" in given):
        shown = repr(given) if isinstance(given, str) else f"a {type(given).__name__}"
        raise UsageError(f"{shown} names no model; expected a {NAMES}")
    return given
