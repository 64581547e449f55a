import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

from synthwright.core.errors import ConfigError, MissingExtra, Unsupported
from synthwright.core.pool import Workers, run_tasks

# Importing ray here would do so under its own settings; the library wants to be the first.
with_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'synthwright[scale]'"
)


def _die_the_first_time(x, folder):
    mark = Path(folder) / f"tried-{x}"
    if x == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x, os.getpid(), os.environ["OMP_NUM_THREADS"], os.environ["RAY_USAGE_STATS_ENABLED"]


def _square_or_refuse(x):
    if x < 0:
        raise ConfigError(f"no {x}")
    return x * x


def _listening_addresses():
    """Local addresses of all listening TCP sockets of this machine, as the kernel writes them."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A":
                found.add(cells[1])
    return found


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("synthwright.core.cluster._SETTINGS", {"RAY_USAGE_STATS_ENABLED": "0"})
    with pytest.raises(MissingExtra, match=r"synthwright\[scale\]"):
        list(run_tasks(os.getpid, [()], Workers("ray", 1)))


def test_a_ray_that_somebody_else_imported_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", os)
    monkeypatch.setattr("synthwright.core.cluster._SETTINGS", {})
    with pytest.raises(Unsupported, match="Something else imported Ray"):
        list(run_tasks(os.getpid, [()], Workers("ray", 1)))


@pytest.mark.e2e
@with_ray
def test_results_are_in_order_and_the_task_of_a_killed_worker_is_done_again(tmp_path, capfd):
    home, handler = Path.home() / ".ray", signal.getsignal(signal.SIGTERM)
    had_home, before = home.exists(), dict(os.environ)
    found = list(run_tasks(_die_the_first_time, [(i, str(tmp_path)) for i in range(8)], Workers("ray", 2)))
    assert [x for x, *_ in found] == list(range(8))
    assert (tmp_path / "tried-2").exists()
    assert os.getpid() not in {pid for _, pid, *_ in found}
    assert {(threads, statistics) for _, _, threads, statistics in found} == {("1", "0")}
    assert capfd.readouterr() == ("", "")
    assert home.exists() == had_home
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.e2e
@with_ray
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads the sockets from /proc")
def test_ray_listens_on_the_loopback_address_only_and_errors_come_through():
    before = _listening_addresses()
    second = run_tasks(_square_or_refuse, [(1,)], Workers("ray", 1))
    started = run_tasks(_square_or_refuse, [(2,), (-1,)], Workers("ray", 1))
    assert next(started) == 4
    opened = {address.rpartition(":")[0] for address in _listening_addresses() - before}
    assert opened
    assert opened <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    with pytest.raises(Unsupported, match="in a Ray cluster already"):
        next(second)
    with pytest.raises(ConfigError, match="no -1"):
        next(started)
