import importlib.util
import signal
import subprocess
import sys
import time

import pytest

from synthwright.core.context import Stop
from synthwright.core.errors import Cancelled, ConfigError
from synthwright.generators.base import Generator
from synthwright.run.blocks import Blocks
from synthwright.run.workers import make_blocks

with_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'synthwright[scale]'"
)
BLOCK = 4096
ROWS = 5 * BLOCK + 100


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.synth"
    data = {"x": list(range(60)), "y": ["a", "b", "c"] * 20}
    return Generator.create("independent").fit(data).save(path)


def make(model, folder, workers, stop=None):
    blocks = Blocks(folder, ROWS, BLOCK)
    made = make_blocks(model, blocks, where=None, seed=3, workers=workers, surroundings=((), stop or Stop()))
    return list(made)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_processes_give_the_bytes_of_one(model, tmp_path):
    assert make(model, tmp_path / "one", 1) == make(model, tmp_path / "two", "2") == list(range(6))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.e2e
@with_ray
def test_ray_gives_the_bytes_of_one_process_and_makes_only_what_is_missing(model, tmp_path):
    make(model, tmp_path / "one", 1)
    there = tmp_path / "ray"
    there.mkdir()
    for name in ("part-00001.parquet", "part-00004.parquet"):
        (there / name).write_bytes((tmp_path / "one" / name).read_bytes())
    (there / "part-00002.parquet").write_bytes(b"cut short")
    assert make(model, there, "ray:2") == [0, 2, 3, 5]
    assert contents(tmp_path / "one") == contents(there)


@pytest.mark.quality
def test_stopping_leaves_whole_parts_and_going_on_makes_the_rest(model, tmp_path):
    stop = Stop()
    made = make_blocks(
        model, Blocks(tmp_path / "b", ROWS, BLOCK), where=None, seed=3, workers=2, surroundings=((), stop)
    )
    assert next(made) == 0
    stop.ask()
    with pytest.raises(Cancelled):
        list(made)
    names = sorted(path.name for path in (tmp_path / "b").iterdir())
    assert all(name.startswith("part-") for name in names)
    assert make(model, tmp_path / "b", 1) == list(range(len(names), 6))
    make(model, tmp_path / "one", 1)
    assert contents(tmp_path / "one") == contents(tmp_path / "b")


def test_an_impossible_wish_for_workers_is_refused_before_any_work(model, tmp_path):
    with pytest.raises(ConfigError, match="ray:N"):
        make(model, tmp_path / "b", "many")
    assert not (tmp_path / "b").exists()


@pytest.mark.e2e
@with_ray
def test_a_killed_program_takes_its_ray_along_and_its_parts_are_whole(model, tmp_path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from synthwright.core.context import Stop\n"
        "from synthwright.run.blocks import Blocks\n"
        "from synthwright.run.workers import make_blocks\n"
        "blocks = Blocks(Path(sys.argv[2]), 2_000_000, 4096)\n"
        "around = ((), Stop())\n"
        "made = make_blocks(Path(sys.argv[1]), blocks, where=None, seed=3, workers='ray:1', surroundings=around)\n"
        "for index in made:\n"
        "    print(index, flush=True)\n"
    )
    folder = tmp_path / "b"
    with subprocess.Popen([sys.executable, "-c", code, model, folder], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "0\n"
        program.send_signal(signal.SIGKILL)
    made = _settled(folder)
    blocks = Blocks(folder, 2_000_000, BLOCK)
    assert 0 < made < len(blocks)
    assert [index for index in range(made) if not blocks.is_done(index)] == []


def _settled(folder):
    """How many parts there are once their number no longer grows."""
    before, now = -1, len(list(folder.glob("part-*")))
    while before != now:
        time.sleep(1.5)
        before, now = now, len(list(folder.glob("part-*")))
    return now
