"""What a trainer says of itself: what its training code says, else what the options say."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from .. import __version__
from .._generated.finetune_pb2 import Accelerator, Engine, Trainer
from ..errors import UsageError
from ..nvidia import ask_driver, query_of
from .settings import Settings

_DEVICE = re.compile(r"auto|cpu|gpu|[a-z]+:\d+|cuda")


def describe_trainer(settings: Settings, name: str, described: Mapping[str, Any] | None) -> Trainer:
    """The announcement. Raises UsageError for options that the training code does not leave to them."""
    if described is None:
        return _by_options(settings, name)
    for flag, value in (("--engine", settings.engine), ("--arithmetic", settings.arithmetic), ("--network", settings.networks)):
        if value:
            raise UsageError(f"{flag} has no meaning with {name}, which says itself what it can")
    engines = [Engine(**engine) for engine in described["engines"]]
    if not engines:
        raise UsageError(f"{name}: describe gave no engine")
    accelerator = described["accelerator"]
    return Trainer(
        id=str(uuid4()),
        name=settings.name,
        device="gpu" if any(engine.device == "gpu" for engine in engines) else "cpu",
        accelerator=None if accelerator is None else Accelerator(**accelerator),
        engines=engines,
        kinds=described["kinds"],
        memory_mib=settings.memory_mib,
        environment={**environment_here(), **described["environment"]},
    )


def _by_options(settings: Settings, name: str) -> Trainer:
    if not _DEVICE.fullmatch(settings.device):
        raise UsageError(f'--device: expected auto, cpu, gpu, all, or one such as cuda:1, got "{settings.device}"')
    found = None if settings.device == "cpu" else _gpu()
    on_gpu = found is not None if settings.device == "auto" else settings.device != "cpu"
    # Where it is left to the code, jobs for processors are taken too: who has a GPU does not leave them to others.
    devices = (["gpu"] if on_gpu else []) + (["cpu"] if settings.device in ("auto", "cpu") else [])
    engine = settings.engine or "own"
    arithmetics = [settings.arithmetic or f"~{engine}/1"]
    return Trainer(
        id=str(uuid4()),
        name=settings.name,
        device=devices[0],
        accelerator=None if found is None else Accelerator(model=found[0], memory_mib=int(found[1])),
        engines=[Engine(name=engine, device=device, arithmetics=arithmetics, networks=settings.networks) for device in devices],
        kinds=["train", "predict"],
        memory_mib=settings.memory_mib,
        environment={**environment_here(), "code": name, **({} if found is None else {"accelerator": found[0], "driver": found[2]})},
    )


def environment_here() -> dict[str, str]:
    """What decides how training code computes, for the records of attempts."""
    import numpy

    return {
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "runtime": f"python {platform.python_version()}",
        "numpy": numpy.__version__,
        "ratatouille": __version__,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpu() -> tuple[str, str, str] | None:
    """Model, memory in MiB and driver of the first GPU that NVIDIA's driver names."""
    try:
        model, memory, driver = (part.strip() for part in ask_driver(query_of("name,memory.total,driver_version"))[0].rsplit(",", 2))
        return model, memory, driver
    except (IndexError, ValueError):
        return None
