"""The device that a trainer computes on, and how torch is set up for it."""

from __future__ import annotations

import platform

import PIL
import timm
import torch
import torchvision  # type: ignore[import-untyped]

from ..errors import UsageError
from ..nvidia import ask_driver, query_of
from ..plugin import Accelerator
from .options import Settings

_MIB = 1 << 20


def device_for(choice: str) -> str:
    """The device, as torch names it.

    :param choice: "auto", "cpu", "gpu", "cuda" or "cuda:1"
    :raises UsageError: where it is not there
    """
    kind, _, place = choice.partition(":")
    if choice == "cpu" or (choice == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if kind not in ("auto", "gpu", "cuda") or (place and not place.isdecimal()):
        raise UsageError(f'--device: expected auto, cpu, gpu, cuda, cuda:N or all, got "{choice}"')
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise UsageError(f"--device {choice}: torch {torch.__version__} finds no GPU here; {_why()}")
    if int(place or 0) >= count:
        names = ", ".join(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(count))
        raise UsageError(f"--device {choice}: there is no such GPU; here {'is' if count == 1 else 'are'} {names}")
    return f"cuda:{int(place or 0)}"


def gpu_count() -> int:
    """How many GPUs torch finds."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _why() -> str:
    if torch.version.cuda is None:
        return "it is built for processors alone"
    return "is there a driver, and is it new enough for CUDA " + torch.version.cuda + "?"


def prepare(settings: Settings) -> None:
    """Sets torch up for the whole process."""
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if settings.compile and not hasattr(torch, "compile"):
        raise UsageError(f"--compile: torch {torch.__version__} has no torch.compile; 2.0 has")
    on_cpu = settings.device == "cpu"
    if settings.bf16 and on_cpu and int(torch.__version__.partition(".")[0]) < 2:
        raise UsageError(f"--amp bf16: torch {torch.__version__} has it on GPUs alone; 2.0 has it on processors")
    torch.use_deterministic_algorithms(on_cpu)
    if not on_cpu:
        torch.cuda.set_device(settings.device)
        torch.backends.cudnn.benchmark = True
        # Its products have 10 bits, which is not rounding any more: only where the arithmetic says so.
        torch.backends.cuda.matmul.allow_tf32 = settings.tf32
        torch.backends.cudnn.allow_tf32 = settings.tf32


def accelerator(device: str) -> Accelerator | None:
    """The GPU behind a device."""
    if device == "cpu":
        return None
    facts = torch.cuda.get_device_properties(device)
    return Accelerator(facts.name, facts.total_memory // _MIB)


def environment(settings: Settings) -> dict[str, str]:
    """What decides how it computes, for the records of attempts."""
    told = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "timm": timm.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
        "device": settings.device,
        "threads": str(torch.get_num_threads()),
    }
    if settings.device != "cpu":
        told["gpu"] = torch.cuda.get_device_name(settings.device)
        told["cuda"] = torch.version.cuda or ""
        told["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
        told["driver"] = _driver()
    options = {
        "compile": settings.compile,
        "channels_last": settings.channels_last,
        "bf16": settings.bf16,
        "tf32": settings.tf32,
    }
    chosen = [name for name, is_on in options.items() if is_on]
    if chosen:
        told["options"] = ", ".join(chosen)
    return {name: value for name, value in told.items() if value}


def _driver() -> str:
    return (ask_driver(query_of("driver_version")) or [""])[0].strip()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, or the processor, had no room for a tensor."""
    text = str(error)
    return isinstance(error, RuntimeError) and (
        type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "not enough memory" in text
        or "can't allocate memory" in text
    )


def release() -> None:
    """Gives back what torch keeps of a GPU's memory."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def memory_text(device: torch.device) -> str:
    """What the device is called where its memory is too small: "NVIDIA H200 (140 GiB)"."""
    if device.type != "cuda":
        return "this machine"
    facts = torch.cuda.get_device_properties(device)
    return f"{facts.name} ({round(facts.total_memory / (1 << 30))} GiB)"
