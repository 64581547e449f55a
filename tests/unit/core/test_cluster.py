import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthwright.core.errors import ConfigError, MissingExtra, Unsupported
from synthwright.core.pool import Workers, run_tasks


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"synthwright\[scale\]"):
        list(run_tasks(os.getpid, [()], Workers("ray", 1)))


def _one_socket_of_each(folder):
    """Addresses that this machine's processes started from `folder`'s session listen on."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if "sw-" not in (process / "cmdline").read_text() and "ray" not in (process / "cmdline").read_text():
                continue
            inodes |= {os.readlink(link) for link in (process / "fd").iterdir()}
        except OSError:
            continue
    return inodes
