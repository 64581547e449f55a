"""What is written is read again: equal cells, equal schema, in every format."""

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthwright.core.errors import SynthwrightError
from synthwright.data.schema import CsvForm
from synthwright.data.table import Table
from synthwright.io.dispatch import read, write

_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from('\n,;"|\t é€'), max_size=12
)
_CELLS = {
    "integer": (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    "number": (st.floats(allow_nan=False, allow_infinity=False), pa.float64()),
    "text": (_TEXT, pa.string()),
    "flag": (st.booleans(), pa.bool_()),
    "day": (st.dates(date(1, 1, 1), date(9999, 12, 31)), pa.date32()),
    "moment": (st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), pa.timestamp("us")),
    "span": (st.integers(0, 10**6).map(lambda s: timedelta(seconds=s)), pa.duration("s")),
}


@st.composite
def tables(draw):
    n_rows = draw(st.integers(1, 12))
    names = draw(st.lists(st.sampled_from(sorted(_CELLS)), min_size=1, max_size=5))
    columns = {}
    for i, name in enumerate(names):
        cells, kind = _CELLS[name]
        values = draw(st.lists(st.none() | cells, min_size=n_rows, max_size=n_rows))
        columns[f"{name} {i}"] = pa.array(values, kind)
    return Table.of(pa.table(columns))


def _there_and_back(data, name, **options):
    with tempfile.TemporaryDirectory() as folder:
        return read(write(data, Path(folder) / name), **options)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables(), st.sampled_from(["a.csv", "a.tsv", "a.csv.gz", "a.parquet", "a.arrow", "a.jsonl"]))
def test_with_its_schema_a_table_comes_back_equal(data, name):
    again = _there_and_back(data, name, schema=data.schema)

    lossy = name.endswith(("csv", "tsv", "gz")) and len(data.schema.names) == 1
    expected = _without_empty_texts(data.arrow) if lossy else data.arrow
    assert again.arrow.equals(expected)


_FORMS = [
    CsvForm(delimiter=";", decimal=","),
    CsvForm(delimiter="\t", decimal=","),
    CsvForm(delimiter="|"),
    CsvForm(encoding="utf-8-sig"),
    CsvForm(delimiter=";", decimal=",", encoding="utf-8-sig"),
]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables(), st.sampled_from(_FORMS))
def test_in_the_form_of_its_origin_a_table_comes_back_equal(data, form):
    formed = Table(data.tables, data.schema.model_copy(update={"csv": form}))
    again = _there_and_back(formed, "a.csv", schema=formed.schema)

    expected = _without_empty_texts(data.arrow) if len(data.schema.names) == 1 else data.arrow
    assert again.arrow.equals(expected)
    assert again.schema == formed.schema


def _without_empty_texts(table):
    """In a file of one column an empty line is a missing cell: an empty text cannot be told from it."""
    import pyarrow.compute as pc

    column = table.column(0)
    if not pa.types.is_string(column.type):
        return table
    return table.set_column(0, table.field(0), pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1.50", "20.25", "NA", "3.00"]),
            st.sampled_from(["007", "123", "999"]),
            st.sampled_from(["31.12.2020", "01.02.2021", ""]),
            st.sampled_from(["Yes", "No", "?"]),
            st.sampled_from(["a,b", 'say "x"', "line\nend", "plain"]),
        ),
        min_size=2,
        max_size=20,
    )
)
def test_without_a_schema_a_second_round_changes_nothing(rows):
    lines = [
        "paid\tcode\tday\tok\ttext",
        *("\t".join([*row[:4], '"' + row[4].replace('"', '""') + '"']) for row in rows),
    ]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "a.tsv"
        source.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
        first = read(source)
        again = read(write(first, Path(folder) / "b.csv"))

        assert again.arrow.equals(first.arrow)
        assert again.schema == first.schema
        written = [
            path.read_bytes() for path in (write(first, Path(folder) / "c.csv"), write(again, Path(folder) / "d.csv"))
        ]
        assert written[0] == written[1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1,50", "20,25", "NA", "1.203,00"]),
            st.sampled_from(["0,5", "3", "12,125", ""]),
            st.sampled_from(["007", "123", "999"]),
            st.sampled_from(["31.12.2020", "01.02.2021", ""]),
            st.sampled_from(["a,b", 'say "x"', "Grüße", "1;2"]),
        ),
        min_size=2,
        max_size=20,
    ),
    st.sampled_from([";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_without_a_schema_a_second_round_in_a_german_form_changes_nothing(rows, mark, encoding):
    lines = [
        mark.join(("paid", "share", "code", "day", "text")),
        mark.join(("2,75", "0,25", "100", "30.12.2020", "first")),
        *(mark.join([*row[:4], '"' + row[4].replace('"', '""') + '"']) for row in rows),
    ]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "a.csv"
        source.write_text("\n".join(lines) + "\n", encoding=encoding, newline="")
        first = read(source)
        written = write(first, Path(folder) / "b.csv")
        again = read(written)

        assert again.arrow.equals(first.arrow)
        assert again.schema == first.schema
        assert again.schema.csv == CsvForm(delimiter=mark, decimal=",", encoding=encoding)
        assert write(again, Path(folder) / "c.csv").read_bytes() == written.read_bytes()


_SOUP = st.text(st.sampled_from('a1,;"\n\r\t |.-/:€é\0{}[]NA?0'), max_size=60).map(str.encode) | st.binary(max_size=60)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(_SOUP, st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.arrow", "a.csv.gz", "a.csv.zip"]))
def test_any_bytes_give_a_table_or_one_of_our_errors(content, name):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / name
        source.write_bytes(content)
        problem = None
        try:
            data = read(source)
        except SynthwrightError as error:
            problem = error.problems[0]
        # Anything else than one of our errors has left the test by now.
        assert (problem.what and problem.where) if problem else len(data) >= 1
