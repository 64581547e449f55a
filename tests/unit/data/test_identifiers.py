import json
import uuid

import numpy as np
import pyarrow as pa
import pytest

from synthwright.data.identifiers import IdFormat, uniform
from synthwright.data.schema import Column


def _format(values: object, name: str = "id", **changes: object) -> IdFormat:
    cells = pa.chunked_array([pa.array(values)])
    made = IdFormat.of(cells, Column(name=name, kind="identifier", dtype=str(cells.type), **changes))
    assert made is not None
    return made


def test_a_sequence_goes_on_beyond_the_real_ones():
    made = _format(np.arange(1, 1501)).make(np.arange(3))
    assert made.type == pa.int64()
    assert made.to_pylist() == [1600, 1601, 1602]


def test_scattered_numbers_stay_in_their_range_of_digits_and_off_the_real_ones():
    real = np.random.default_rng(0).integers(10**7, 10**8, 500)
    made = _format(real).make(np.arange(20_000)).to_numpy()
    assert len(np.unique(made)) == 20_000
    assert not set(made.tolist()) & set(real.tolist())
    assert {len(str(v)) for v in made.tolist()} == {8}
    assert made.std() > 10**7


def test_a_used_up_space_falls_back_to_all_numbers_and_stays_unique():
    made = _format([f"{i:02d}" for i in range(0, 100, 2)])
    assert made.capacity == 100
    assert sorted(made.make(np.arange(100)).to_pylist()) == [f"{i:02d}" for i in range(100)]


def test_bounds_limit_the_numbers():
    made = _format(np.arange(1, 51), bounds=(1, 80))
    assert made.capacity == 80
    assert set(made.make(np.arange(80)).to_pylist()) == set(range(1, 81))


def test_narrow_types_do_not_overflow():
    made = _format(pa.array(range(100), pa.int8()))
    values = made.make(np.arange(made.capacity)).to_pylist()
    assert max(values) == 127
    assert len(set(values)) == made.capacity


def test_uuids_look_like_uuids_and_are_unique():
    rng = np.random.default_rng(0)
    real = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(500)]
    made = _format(real).make(np.arange(5000)).to_pylist()
    assert len(set(made)) == 5000
    assert {uuid.UUID(value).version for value in made} == {4}
    assert not set(made) & set(real)


def test_letters_digits_and_fixed_signs_are_kept():
    rng = np.random.default_rng(0)
    real = [f"{rng.choice(list('ABCXYZ'))}{rng.choice(list('KLM'))}-{rng.integers(100):02d}/x" for _ in range(300)]
    made = _format(real).make(np.arange(500)).to_pylist()
    assert len(set(made)) == 500
    assert not set(made) & set(real)
    assert all(v[0].isupper() and v[1].isupper() and v[2] == "-" and v[3:5].isdigit() and v[5:] == "/x" for v in made)


def test_counters_of_growing_length_keep_their_prefix():
    made = _format([f"cust{i}" for i in range(1, 1201)]).make(np.arange(2)).to_pylist()
    assert made == ["cust1300", "cust1301"]


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        (["ann.b@mail.com", "c@d.org", "longer@x.net"], "contact", "user000005@example.org"),
        (["https://a.com/x", "http://b.org", "ftp://c.net/abc"], "page", "https://example.org/000005"),
        (["Ann Berg", "Bo Li", "Carl Ek"], "full_name", "person-000005"),
        (["some text", "other", "and more"], "memo", "memo-000005"),
    ],
)
def test_other_direct_text_is_made_by_a_template(values, name, expected):
    assert _format(values, name).make(np.array([5])).to_pylist() == [expected]


def test_dictionaries_floats_and_dates_keep_their_type():
    codes = pa.array([f"K{i:03d}" for i in range(50)]).dictionary_encode()
    assert _format(codes).make(np.arange(4)).type == codes.type
    assert _format([1.0, 2.0, 3.0]).make(np.arange(2)).type == pa.float64()
    days = pa.array(range(18000, 18400), pa.int32()).cast(pa.date32())
    made = _format(days).make(np.arange(1000))
    assert made.type == pa.date32()
    assert made.cast(pa.int32()).to_numpy().min() >= 18000


def test_types_without_a_format_are_declined():
    cells = pa.chunked_array([pa.array([b"a", b"b"])])
    assert IdFormat.of(cells, Column(name="id", kind="identifier", dtype="binary")) is None


def test_a_saved_format_makes_the_same():
    made = _format(np.random.default_rng(0).integers(10**7, 10**8, 500))
    again = IdFormat.from_json(json.loads(json.dumps(made.to_json())))
    assert again == made


def test_the_saved_format_tells_no_real_number():
    real = np.random.default_rng(0).integers(10**7, 10**8, 500)
    ends = {end for start, length in _format(real).free for end in (start - 1, start + length)}
    assert len(ends & set(real.tolist())) <= 2


def test_the_hash_is_even():
    values = uniform(np.arange(100_000), 3)
    assert np.abs(np.histogram(values, 20, (0, 1))[0] - 5000).max() < 400
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.02
