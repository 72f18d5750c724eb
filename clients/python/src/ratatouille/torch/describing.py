"""What a trainer with PyTorch says of itself."""

from __future__ import annotations

from ..plugin import Description, Engine, Setup
from .devices import accelerator, device_for, environment, prepare
from .loading import start_early
from .networks import known_names, network_names
from .options import Settings, settings_from

#: The engine on a GPU, and that on a processor.
ON_GPU, ON_CPU = "torch-gpu", "torch"


def settings_of(setup: Setup) -> Settings:
    """How this trainer computes. Raises UsageError for a device that is not there."""
    return settings_from(device_for(setup.device), setup.options)


def description(setup: Setup) -> Description:
    """Readies torch and says what it can."""
    settings = settings_of(setup)
    prepare(settings)
    if settings.workers != 0:
        start_early()
    known = set(known_names())
    others = [name for name in network_names() if name not in known]
    # Whoever asks for PyTorch anywhere gets that of a GPU too.
    engines = [(ON_GPU, "gpu"), (ON_CPU, "cpu")] if settings.device != "cpu" else [(ON_CPU, "cpu")]
    return Description(
        engines=[Engine(name, device, [settings.arithmetic], others, built_in_networks=True) for name, device in engines],
        accelerator=accelerator(settings.device),
        environment=environment(settings),
    )
