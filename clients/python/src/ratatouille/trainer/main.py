"""The command `ratatouille-trainer`."""

from __future__ import annotations

import os
import sys

from ..errors import RefusedError, UsageError
from .load import load
from .settings import build_parser, read_settings


def run() -> None:
    """Runs the command and ends the process with its exit code."""
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Calls that nobody waits for any more must not hold the end up.
    os._exit(code)


def main(arguments: list[str]) -> int:
    """The exit code: 0 it was asked to end, 1 failed, 2 wrong usage; errors are one sentence on stderr."""
    try:
        if not arguments or {"--help", "-h"} & set(arguments):
            _help(arguments)
            return 0 if arguments else 2
        settings = read_settings(arguments)
        if settings.device == "all":
            from .all_devices import gpus_here, run_on_all

            return run_on_all(arguments, settings.name, gpus_here())
        # gRPC's core would write lines of its own between those of the log.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        # All that takes a while comes after the options are known to be right.
        from .log import Log
        from .run import run_trainer
        from .telemetry import start_telemetry

        telemetry, note = start_telemetry("trainer")
        log = Log(settings.log_file, telemetry.trace_fields)
        if note is not None:
            log.warn(note)
        try:
            run_trainer(settings, log, telemetry)
        finally:
            telemetry.close()
        return 0
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _help(arguments: list[str]) -> None:
    parser = build_parser()
    target = next((one for one in arguments if not one.startswith("-")), None)
    if target is not None:
        loaded = load(target)
        options = loaded.function("options")
        if options is not None:
            options(parser.add_argument_group(f"options of {loaded.name}"))
    parser.print_help()


if __name__ == "__main__":
    run()
