import os
from pathlib import Path

import pytest

from synthwright.core.errors import ConfigError, SampleError
from synthwright.core.pool import Workers, map_tasks, run_tasks


def _square(x):
    return x * x


def _threads():
    return os.environ["OMP_NUM_THREADS"]


def _die():
    os._exit(1)


def _die_the_first_time(x, folder):
    mark = Path(folder) / f"tried-{x}"
    if x % 4 == 2 and not mark.exists():
        mark.touch()
        os._exit(1)
    return x


def _own_pid(x):
    return os.getpid()


def _refuse(x):
    raise ConfigError(f"no {x}")


def test_results_come_in_the_order_of_the_tasks():
    assert list(map_tasks(_square, [(i,) for i in range(9)], workers=2)) == [i * i for i in range(9)]


def test_workers_run_on_one_thread_and_the_caller_keeps_its_own_setting(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert list(map_tasks(_threads, [()], workers=1)) == ["1"]
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_workers_that_keep_dying_are_one_clear_error():
    with pytest.raises(SampleError, match="Worker processes keep dying"):
        list(map_tasks(_die, [()], workers=1))


def test_the_tasks_of_a_dead_worker_are_done_again(tmp_path):
    tasks = [(i, str(tmp_path)) for i in range(8)]
    assert list(map_tasks(_die_the_first_time, tasks, workers=2)) == list(range(8))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tried-2", "tried-6"]


def test_an_error_of_a_task_comes_through_as_it_is():
    with pytest.raises(ConfigError, match="no 1"):
        list(map_tasks(_refuse, [(1,)], workers=1))


@pytest.mark.parametrize(
    ("asked", "kind", "count"),
    [(None, "serial", 1), (1, "serial", 1), ("1", "serial", 1), (4, "processes", 4), ("4", "processes", 4)],
)
def test_a_number_means_processes(asked, kind, count):
    assert Workers.of(asked) == Workers(kind, count)


def test_ray_is_asked_for_by_name_with_or_without_a_number():
    assert Workers.of("ray:3") == Workers("ray", 3)
    assert Workers.of("ray") == Workers("ray", os.cpu_count())
    assert Workers.of(Workers("ray", 2)) == Workers("ray", 2)


@pytest.mark.parametrize("asked", [0, -1, True, 2.5, "0", "ray:0", "rays", "ray:", "four", "", 10**6])
def test_any_other_wish_is_one_clear_error(asked):
    with pytest.raises(ConfigError, match="Workers must be a number"):
        Workers.of(asked)


def test_a_single_worker_or_task_stays_in_this_process():
    assert list(run_tasks(_own_pid, [(1,), (2,)], Workers())) == [os.getpid()] * 2
    assert list(run_tasks(_own_pid, [(1,)], Workers("processes", 2))) == [os.getpid()]
