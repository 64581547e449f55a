import os

import pytest

from synthwright.core.errors import SampleError
from synthwright.core.pool import map_tasks


def _square(x):
    return x * x


def _threads():
    return os.environ["OMP_NUM_THREADS"]


def _die():
    os._exit(1)


def test_results_come_in_the_order_of_the_tasks():
    assert list(map_tasks(_square, [(i,) for i in range(9)], workers=2)) == [i * i for i in range(9)]


def test_workers_run_on_one_thread_and_the_caller_keeps_its_own_setting(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert list(map_tasks(_threads, [()], workers=1)) == ["1"]
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_a_dead_worker_is_one_clear_error():
    with pytest.raises(SampleError, match="worker process died"):
        list(map_tasks(_die, [()], workers=1))
