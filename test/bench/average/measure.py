"""Runs a program once the disk is quiet and prints its wall and CPU seconds and its peak memory as JSON.

Usage: measure.py LOG PROGRAM ARGUMENTS…   What the program says goes to LOG. Where it fails, so does this.
"""

import json
import os
import sys
import time

log, *command = sys.argv[1:]
# Nobody pays for what the one before left to be written.
os.sync()
files = [(os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
begin = time.monotonic()
pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - begin
print(json.dumps({"seconds": wall, "cpuSeconds": usage.ru_utime + usage.ru_stime, "peakMb": usage.ru_maxrss * 1024 / 1e6}))
sys.exit(os.waitstatus_to_exitcode(status) & 255)
