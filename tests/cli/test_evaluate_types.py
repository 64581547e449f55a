"""`evaluate` reads every file with the types of the training file, not with guesses from a short one."""

import pyarrow.compute as pc

from synthwright.cli.model import _read_like
from synthwright.io.dispatch import read


def _write(path, days):
    rows = [f"{day:02d}/{1 + i % 3:02d}/2020,{day % 3}.5" for i, day in enumerate(days)]
    path.write_text("when,level\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def test_dates_of_a_short_file_are_read_like_those_of_the_training_file(tmp_path):
    train = read(_write(tmp_path / "train.csv", [1 + i % 28 for i in range(400)]))
    path = _write(tmp_path / "synthetic.csv", [5, 9, 11, 4, 2, 7, 8])
    months = pc.unique(pc.month(_read_like(train, path, {})["when"])).to_pylist()
    assert sorted(months) == [1, 2, 3], "11/03 was read as 3 November"


def test_a_file_with_other_columns_is_read_as_it_is(tmp_path):
    train = read(_write(tmp_path / "train.csv", [1 + i % 28 for i in range(400)]))
    (tmp_path / "other.csv").write_text("level,extra\n1.5,a\n2.5,b\n", encoding="utf-8")
    assert _read_like(train, str(tmp_path / "other.csv"), {}).schema.names == ("level", "extra")
