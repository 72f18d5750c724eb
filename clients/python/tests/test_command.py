"""The command: wrong usage and what the server refuses are one sentence and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from kit import System, TrainerProcess, free_port
from ratatouille.errors import UsageError
from ratatouille.trainer.describe import describe_trainer
from ratatouille.trainer.settings import read_settings, usable_memory_mib

GOOD = "def fine_tune(start, data, recipe, context): ...\ndef predict(weights, data, recipe, context): ...\n"


def run(*arguments: str | Path, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    """The exit code, stdout and stderr."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATATOUILLE_")}
    command = [sys.executable, "-m", "ratatouille.trainer.main", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**clean, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def code(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "my_training.py"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "my_training.py has no function fine_tune and no function predict; it needs fine_tune and predict"),
        (
            "def fine_tune(start, data, recipe, context): ...",
            "my_training.py has no function predict; it needs fine_tune and predict",
        ),
        ("x = 1 / 0", "cannot be loaded: ZeroDivisionError: division by zero (my_training.py, line 1, in <module>)"),
        ("def f(:", "cannot be loaded: SyntaxError: invalid syntax (my_training.py, line 1)"),
        (
            "import no_such_thing",
            "cannot be loaded: ModuleNotFoundError: No module named 'no_such_thing' (my_training.py, line 1",
        ),
        ("import sys\nsys.exit(7)", "cannot be loaded: SystemExit: 7 (my_training.py, line 2, in <module>)"),
        ("import time\ntime.sleep(1000)", "my_training.py was not loaded within 2 s (--step-timeout)"),
        ("import os\nos._exit(7)", "ended its process while it was loaded: exit code 7"),
        (GOOD + "def describe(setup): return 5", "my_training.py: describe gave int; expected a ratatouille.Description"),
        (
            GOOD + "def describe(setup): raise KeyError('cuda')",
            "cannot say what it is: KeyError: 'cuda' (my_training.py, line 3",
        ),
    ],
)
def test_code_that_cannot_be_used(code: Callable[[str], Path], text: str, sentence: str) -> None:
    status, _, told = run(code(text), "--server", f"127.0.0.1:{free_port()}", "--step-timeout", "2" if "sleep" in text else "50")
    (line,) = [line for line in told.splitlines() if not line.startswith("{")]
    assert (status, sentence in line) == (2, True), told


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["FILE"], {}, "which system? Give its address by --server host:port or RATATOUILLE_SERVER"),
        (["FILE", "--server", "nowhere"], {}, '"nowhere" is not an address; expected host:port, for example 127.0.0.1:7437'),
        (["FILE", "--server", "h:1", "--memory", "much"], {}, "--memory is 'much'; expected a whole number from 1024 to 1073741824"),
        (["FILE", "--server", "h:1", "--checkpoint-ms", "0"], {}, "--checkpoint-ms is '0'; expected a whole number from 1 to 86400000"),
        (["FILE", "--server", "h:1", "--ca", "/nowhere.pem"], {}, "cannot read the certificate /nowhere.pem: No such file or directory"),
        (
            ["FILE", "--server", "127.0.0.1:1", "--jbos", "3"],
            {},
            "--jbos is no option of ratatouille-trainer or of my_training.py",
        ),
        (
            ["FILE", "--server", "127.0.0.1:1", "--ca", "FILE"],
            {},
            "has no certificate; expected that of the server's authority",
        ),
        (["FILE", "--server", "127.0.0.1:1", "--data-root", "/nowhere"], {}, "--data-root is '/nowhere'; expected a directory"),
        (["FILE", "--server", "h:1", "--token-file", "/nowhere"], {}, "cannot read the token file /nowhere: No such file or directory"),
        (["FILE", "--server", "127.0.0.1:1", "--token-file", "FILE"], {}, "my_training.py must be printable ASCII without spaces"),
        (["FILE", "--server", "h:1", "--token", "t", "--token-file", "FILE"], {}, "--token and --token-file exclude each other"),
        (["FILE", "--server"], {}, "argument --server: expected one argument; --help lists the options"),
        (["missing.py", "--server", "h:1"], {}, "there is no file missing.py"),
        (["no.such.module", "--server", "127.0.0.1:1"], {}, "there is no file and no module no.such.module; expected a Python file"),
        (
            ["FILE"],
            {"RATATOUILLE_SERVER": "10.0.0.1:7437", "RATATOUILLE_TOKEN": "t"},
            "would travel to 10.0.0.1:7437 in the clear",
        ),
        (
            ["FILE", "--server", "127.0.0.1:1", "--cache-dir", "/dev/null/cache"],
            {},
            "cannot use the directory /dev/null/cache (--cache",
        ),
        (
            ["FILE", "--server", "127.0.0.1:1", "--device", "tpu"],
            {},
            '--device: expected auto, cpu, gpu, all, or one such as cuda:1, got "tpu"',
        ),
        (["FILE"], {"RATATOUILLE_SERVER": "127.0.0.1:1", "RATATOUILLE_LOG_FILE": "/dev/null/log"}, "cannot write the log /dev/null/log"),
    ],
)
def test_wrong_usage(code: Callable[[str], Path], arguments: list[str], environment: dict[str, str], sentence: str) -> None:
    path = code(GOOD)
    status, _, told = run(*[path if one == "FILE" else one for one in arguments], environment=environment)
    assert (status, sentence in told, len(told.splitlines())) == (2, True, 1), told
    assert told != "t\n"


def test_help_has_the_options_of_the_code(codes: Path) -> None:
    status, told, _ = run(codes / "troubles.py", "--help")
    assert status == 0
    for text in ("--server HOST:PORT", "RATATOUILLE_SERVER", "options of troubles.py", "--do DO", "Exit codes"):
        assert text in told, told


def test_a_wrong_token_and_a_right_one(tmp_path: Path, codes: Path) -> None:
    system = System(tmp_path / "data", environment={"RATATOUILLE_TOKEN": "right"})
    try:
        status, _, told = run(codes / "regression.py", "--server", system.address, environment={"RATATOUILLE_TOKEN": "wrong"})
        (line,) = [line for line in told.splitlines() if not line.startswith("{")]
        assert (status, line.startswith("the server does not take this token: set RATATOUILLE_TOKEN")) == (1, True), told
        with TrainerProcess(codes / "regression.py", system.address, tmp_path, environment={"RATATOUILLE_TOKEN": "right"}) as trainer:
            trainer.said("trainer ready")
            assert [one.name for one in system.trainers()] == ["py-1"]
            trainer.signal(2)
            trainer.said("the trainer ends")
            assert trainer.ends(3) == 0
            assert system.trainers() == []
    finally:
        system.stop()


@pytest.mark.parametrize(
    ("device", "announced", "model"),
    [("auto", ["gpu", "cpu"], "NVIDIA H200"), ("cpu", ["cpu"], ""), ("gpu", ["gpu"], "NVIDIA H200"), ("cuda:1", ["gpu"], "NVIDIA H200")],
)
def test_a_gpu_serves_without_being_named(
    code: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, announced: list[str], model: str
) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771, 570.86'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    settings = read_settings([str(code(GOOD)), "--server", "127.0.0.1:1", "--device", device, "--network", "net"])
    trainer = describe_trainer(settings, "my_training.py", None)
    assert [engine.device for engine in trainer.engines] == announced
    assert (trainer.device, trainer.accelerator.model) == (announced[0], model)


@pytest.fixture
def empty_server() -> Iterator[str]:
    """A gRPC server without any service: one of another version."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_a_server_of_another_version(codes: Path, empty_server: str) -> None:
    status, _, told = run(codes / "regression.py", "--server", empty_server)
    (line,) = [line for line in told.splitlines() if not line.startswith("{")]
    assert (status, line.startswith("the server is of another version than this package, which speaks contract 1")) == (1, True), told


def test_a_trainer_waits_for_its_server(codes: Path, tmp_path: Path) -> None:
    with TrainerProcess(codes / "regression.py", f"127.0.0.1:{free_port()}", tmp_path) as trainer:
        trainer.said("trainer ready")
        trainer.said("the server does not hear this trainer; it is asked again until it does")
        trainer.signal(15)
        assert trainer.ends(3) == 0


def test_a_trainer_without_a_network_says_that_it_gets_no_work(codes: Path, tmp_path: Path) -> None:
    with TrainerProcess(codes / "regression.py", f"127.0.0.1:{free_port()}", tmp_path, environment={"RATATOUILLE_NETWORKS": ""}) as trainer:
        trainer.said("it gets no work: say what it is called by --network")


def test_settings_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATATOUILLE_SERVER", "host:1")
    monkeypatch.setenv("RATATOUILLE_NETWORKS", "a, b")
    monkeypatch.setenv("RATATOUILLE_CHECKPOINT_MS", "250")
    settings = read_settings(["code.py", "--cache-dir", "/cache", "--amp", "bf16"])
    assert (settings.server, settings.catalog, settings.networks, settings.checkpoint_seconds) == ("host:1", "host:1", ("a", "b"), 0.25)
    assert (str(settings.cache_directory), settings.arguments) == ("/cache", ("--amp", "bf16"))
    with pytest.raises(UsageError, match="200 at most"):
        read_settings(["code.py", "--name", "n" * 201])


def test_a_token_comes_from_a_file_rather_than_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text("right\n")
    monkeypatch.setenv("RATATOUILLE_TOKEN", "wrong")
    assert read_settings(["code.py", "--server", "h:1", "--token-file", str(file)]).token == "right"


def test_memory_is_four_fifths_of_what_a_container_may_have() -> None:
    assert usable_memory_mib(lambda path: str(10 << 30)) == 8192
    assert usable_memory_mib(lambda path: "max") >= 1024
    assert usable_memory_mib(lambda path: "1000") == 1024
