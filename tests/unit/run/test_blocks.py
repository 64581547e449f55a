import pytest

from synthwright.core.errors import FormatError
from synthwright.core.seeds import named_rng
from synthwright.data.table import Table
from synthwright.run.blocks import Blocks


@pytest.fixture
def block():
    return Table.of({"x": [float(i) + 0.5 for i in range(10)], "y": ["a", "b"] * 5})


def test_the_last_block_is_cut_to_the_size_of_the_sample(tmp_path, block):
    blocks = Blocks(tmp_path, rows=25, size=10)
    assert len(blocks) == 3
    assert [blocks.units(i) for i in range(3)] == [10, 10, 5]
    for index in range(3):
        blocks.write(index, block)
    whole = blocks.joined(block.schema)
    assert len(whole) == 25
    assert whole["x"].to_pylist()[20:] == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_only_whole_readable_files_count_as_made(tmp_path, block):
    blocks = Blocks(tmp_path, rows=30, size=10)
    for index in range(3):
        blocks.write(index, block)
    blocks.path(0).write_bytes(blocks.path(0).read_bytes()[:-9])
    blocks.write(1, block.select(range(4)))
    assert blocks.missing() == [0, 1]
    assert blocks.made() == 10


def test_the_last_block_may_hold_only_what_the_sample_needs_of_it(tmp_path, block):
    blocks = Blocks(tmp_path, rows=14, size=10)
    blocks.write(0, block)
    blocks.write(1, block.select(range(4)))
    assert blocks.missing() == []
    assert blocks.joined(block.schema)["x"].to_pylist()[10:] == [0.5, 1.5, 2.5, 3.5]


def test_the_same_block_gives_the_same_bytes(tmp_path, block):
    one, two = Blocks(tmp_path / "a", 10, 10), Blocks(tmp_path / "b", 10, 10)
    one.write(0, block)
    two.write(0, block)
    assert one.path(0).read_bytes() == two.path(0).read_bytes()
    assert one.path(0).name == "part-00000.parquet"


def test_a_block_that_vanished_is_one_clear_error(tmp_path, block):
    blocks = Blocks(tmp_path, rows=20, size=10)
    blocks.write(0, block)
    with pytest.raises(FormatError, match=r"part-00001\.parquet"):
        blocks.joined(block.schema)


def test_a_bounded_draw_holds_different_units_in_order_and_repeats_by_seed(tmp_path):
    schema = Table.of({"x": [0.5, 1.5]}).schema
    blocks = Blocks(tmp_path, rows=95, size=10)
    for index in range(10):
        blocks.write(index, Table.of({"x": [10 * index + i + 0.5 for i in range(10)]}, schema))
    drawn = blocks.drawn(schema, 40, named_rng(0, "draw"))["x"].to_pylist()
    assert len(set(drawn)) == 40
    assert drawn == sorted(drawn)
    assert max(drawn) < 95
    assert blocks.drawn(schema, 40, named_rng(0, "draw"))["x"].to_pylist() == drawn
    assert blocks.drawn(schema, 95, named_rng(0, "draw")).fingerprint() == blocks.joined(schema).fingerprint()
