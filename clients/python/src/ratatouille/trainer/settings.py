"""What can be set of a trainer: by flags, else by variables of the environment, as with the built-in trainer."""

from __future__ import annotations

import argparse
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UsageError

#: What the smallest class of jobs needs.
_LEAST_MEMORY_MIB = 1024
_LIMIT_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Settings:
    """What a trainer is told."""

    #: A file, a module, or one of those that come with the package, such as "torch".
    target: str
    server: str
    catalog: str
    finetune: str
    token: str | None
    ca: str | None
    name: str
    device: str
    memory_mib: int
    checkpoint_seconds: float
    disk_cache_mib: int
    cache_directory: Path
    data_root: Path | None
    log_file: str | None
    step_timeout: float
    engine: str | None
    arithmetic: str | None
    networks: tuple[str, ...]
    #: Options that are for the training code.
    arguments: tuple[str, ...]


class Parser(argparse.ArgumentParser):
    """Errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].lower()}{message[1:]}; --help lists the options")


def build_parser() -> Parser:
    parser = Parser(
        prog="ratatouille-trainer",
        usage="ratatouille-trainer TARGET --server HOST:PORT [options] [options of the training code]",
        description="Serves runs of ratatouille with training code: a Python file with two functions, fine_tune and predict.",
        epilog="Exit codes: 0 it was asked to end, 1 failed, 2 wrong usage. Each flag has a variable of the environment, in brackets.",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="TARGET", help="a file (my_training.py), a module (my.training), or torch, which comes along")

    def add(flag: str, env: str, text: str, **more: Any) -> None:
        parser.add_argument(flag, help=f"{text} [{env}]", default=os.environ.get(env) or None, **more)

    add("--server", "RATATOUILLE_SERVER", "the system to work for", metavar="HOST:PORT")
    add("--catalog", "RATATOUILLE_CATALOG", "the catalog, where bytes shall not pass through the server", metavar="HOST:PORT")
    add("--finetune", "RATATOUILLE_FINETUNE", "the fine-tune service, likewise", metavar="HOST:PORT")
    add("--token", "RATATOUILLE_TOKEN", "bearer token; other users of this machine see flags, so prefer the variable")
    parser.add_argument("--token-file", help="a file with the bearer token, instead", metavar="FILE")
    add("--ca", "RATATOUILLE_CA", "certificate authority of the server (PEM); use TLS", metavar="FILE")
    add("--name", "RATATOUILLE_TRAINER_NAME", "what people see (host and process)")
    add(
        "--device",
        "RATATOUILLE_DEVICE",
        "auto: a GPU too where one is there; cpu, gpu, what the training code knows, such as cuda:1, or all: a trainer for each GPU (auto)",
    )
    add("--memory", "RATATOUILLE_MEMORY_MIB", "MiB that a job may need (80 %% of what is there)", metavar="MIB")
    add("--checkpoint-ms", "RATATOUILLE_CHECKPOINT_MS", "time between checkpoints; more where they take over 2 %% (5000)", metavar="MS")
    add("--disk-cache", "RATATOUILLE_DISK_CACHE_MIB", "most MiB of inputs that are kept on the disk (20480)", metavar="MIB")
    add("--cache-dir", "RATATOUILLE_CACHE_DIR", "where they are; trainers may share it (user's cache)", metavar="DIRECTORY")
    add("--data-root", "RATATOUILLE_DATA_ROOT", "files that are there anyway, used once their sha-256 was looked at", metavar="DIRECTORY")
    add("--log-file", "RATATOUILLE_LOG_FILE", "JSON lines go there, and not to stderr", metavar="FILE")
    add("--step-timeout", "RATATOUILLE_STEP_TIMEOUT", "code that reports nothing for so long is ended (600)", metavar="SECONDS")
    add("--engine", "RATATOUILLE_ENGINE", "what run files call this training code, as backend (own)")
    add("--arithmetic", "RATATOUILLE_ARITHMETIC", "what recipes call its numbers (~ENGINE/1)")
    parser.add_argument(
        "--network",
        action="append",
        metavar="NAME",
        help="a network that it has, as run files call it; again for each [RATATOUILLE_NETWORKS, with commas]",
    )
    return parser


def read_settings(arguments: Sequence[str]) -> Settings:
    """Raises UsageError: one sentence, which option or variable, which value, what would be right."""
    given, rest = build_parser().parse_known_args(arguments)
    if not given.server:
        raise UsageError("which system? Give its address by --server host:port or RATATOUILLE_SERVER")
    networks = given.network or [name.strip() for name in os.environ.get("RATATOUILLE_NETWORKS", "").split(",") if name.strip()]
    name = given.name or f"{socket.gethostname()}-{os.getpid()}"
    if len(name) > 200:
        raise UsageError(f"--name has {len(name)} characters; expected 200 at most")
    if given.data_root and not Path(given.data_root).is_dir():
        raise UsageError(f"--data-root is {given.data_root!r}; expected a directory that is there")
    return Settings(
        target=given.target,
        server=given.server,
        catalog=given.catalog or given.server,
        finetune=given.finetune or given.server,
        token=_token(given.token, given.token_file, arguments),
        ca=given.ca,
        name=name,
        device=given.device or "auto",
        memory_mib=_whole("--memory", given.memory, usable_memory_mib(), _LEAST_MEMORY_MIB, 2**30),
        checkpoint_seconds=_whole("--checkpoint-ms", given.checkpoint_ms, 5000, 1, 86_400_000) / 1000,
        disk_cache_mib=_whole("--disk-cache", given.disk_cache, 20480, 1, 2**30),
        cache_directory=Path(given.cache_dir) if given.cache_dir else user_cache("python-trainer"),
        data_root=Path(given.data_root) if given.data_root else None,
        log_file=given.log_file,
        step_timeout=_whole("--step-timeout", given.step_timeout, 600, 1, 86_400),
        engine=given.engine,
        arithmetic=given.arithmetic,
        networks=tuple(networks),
        arguments=tuple(rest),
    )


def _token(token: str | None, file: str | None, arguments: Sequence[str]) -> str | None:
    """That of the file, where one is given, else that of the flag or the variable. No error repeats it."""
    where = "of --token or RATATOUILLE_TOKEN"
    if file is not None:
        if any(argument == "--token" or argument.startswith("--token=") for argument in arguments):
            raise UsageError("--token and --token-file exclude each other")
        where = f"in {file}"
        try:
            token = Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            problem = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UsageError(f"cannot read the token file {file}: {problem}") from error
    if token is not None and re.fullmatch(r"[\x21-\x7e]+", token) is None:
        raise UsageError(f"the token {where} must be printable ASCII without spaces, and not empty")
    return token


def _whole(flag: str, text: str | None, usual: int, least: int, most: int) -> int:
    if text is None:
        return usual
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise UsageError(f"{flag} is {text!r}; expected a whole number from {least} to {most}")
    return number


def usable_memory_mib(read: Callable[[str], str] = lambda path: Path(path).read_text()) -> int:
    """What jobs may use unless told otherwise: four fifths of what this machine, or its container, has."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _LIMIT_FILES:
        try:
            limit = int(read(path))
        except (OSError, ValueError):
            continue
        if limit > 0:
            limits.append(limit)
    return max(_LEAST_MEMORY_MIB, int(0.8 * min(limits)) >> 20)


def user_cache(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """
    >>> user_cache("digests", {"XDG_CACHE_HOME": "/cache"})
    PosixPath('/cache/ratatouille/digests')
    """
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ratatouille", name)
