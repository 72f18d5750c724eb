"""What the command may be told about PyTorch, and the arithmetic that follows from it. Does not import torch."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from ..errors import UsageError

#: Of recipes of the built-in engines: other trainings of it differ by rounding.
ARITHMETIC = "~train/2 images/1"


@dataclass(frozen=True)
class Settings:
    """How this trainer computes."""

    #: As torch names it, such as "cpu" or "cuda:1".
    device: str = "cpu"
    compile: bool = False
    channels_last: bool = False
    bf16: bool = False
    tf32: bool = False
    #: Pieces of a batch that go through the network one after another; 0: as few as memory allows.
    accumulate: int = 1
    #: Processes that read images; None: as many as this machine allows.
    workers: int | None = None
    #: Threads of torch on the processor; None: its own choice.
    threads: int | None = None

    @property
    def arithmetic(self) -> str:
        """The name of what decides the numbers beyond rounding: that of the built-in engines where nothing else does."""
        chosen = {"bf16": self.bf16, "tf32": self.tf32, "compile": self.compile}
        marks = [name for name, is_on in chosen.items() if is_on]
        return f"~torch/1 {ARITHMETIC[1:]} {' '.join(marks)}" if marks else ARITHMETIC


def add_options(parser: argparse._ActionsContainer) -> None:
    """Adds what only PyTorch has to the command."""
    parser.add_argument("--amp", choices=["bf16"], help=f"mixed precision: the arithmetic is '~torch/1 {ARITHMETIC[1:]} bf16'")
    parser.add_argument("--tf32", action="store_true", help="multiply in TensorFloat-32 on NVIDIA GPUs: the arithmetic says tf32")
    parser.add_argument("--compile", action="store_true", help="torch.compile: the arithmetic says compile")
    parser.add_argument(
        "--channels-last",
        action="store_true",
        help="images with the channels last in memory, which some devices prefer",
    )
    parser.add_argument("--accumulate", default="1", metavar="N|auto", help="each step's batch in N pieces, where memory is short (1)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that read images; 0: none (by the machine, 8 at most)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads that compute on the processor (torch's choice)")


def settings_from(device: str, options: argparse.Namespace) -> Settings:
    """What the command was told.

    :param device: as torch names it
    :raises UsageError: naming the option
    """
    return Settings(
        device=device,
        compile=bool(getattr(options, "compile", False)),
        channels_last=bool(getattr(options, "channels_last", False)),
        bf16=getattr(options, "amp", None) == "bf16",
        tf32=bool(getattr(options, "tf32", False)),
        accumulate=_pieces(str(getattr(options, "accumulate", "1"))),
        workers=_at_least("--workers", getattr(options, "workers", None), 0),
        threads=_at_least("--threads", getattr(options, "threads", None), 1),
    )


def _pieces(given: str) -> int:
    if given == "auto":
        return 0
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f'--accumulate: expected a whole number from 1, or auto, got "{given}"')
    return int(given)


def _at_least(option: str, given: int | None, least: int) -> int | None:
    if given is not None and given < least:
        raise UsageError(f"{option}: expected a whole number from {least}, got {given}")
    return given
