import pyarrow as pa
import pytest

from synthwright.io.dates import guess_dates, parse_dates, write_dates


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (["2020-01-02", "2021-12-31"], "%Y-%m-%d"),
        (["31.12.2020", "01.02.2021"], "%d.%m.%Y"),
        (["12/31/2020", "01/02/2021"], "%m/%d/%Y"),
        (["12/31/20", "1/2/21"], "%-m/%-d/%y"),
        (["5 Jan 2020", "17 Dec 1999"], "%-d %b %Y"),
        (["January 05, 2020"], "%B %d, %Y"),
        (["2020-01-01 10:00:00", "1969-07-20 20:17:40"], "%Y-%m-%d %H:%M:%S"),
        (["2020-01-01T10:00:00Z"], "%Y-%m-%dT%H:%M:%SZ"),
        (["2020-01-01 10:00:00+01:00"], "%Y-%m-%d %H:%M:%S%:z"),
        (["2020-01-01 10:00:00.123", "2020-01-01 10:00:00.007"], "%Y-%m-%d %H:%M:%S.%3f"),
        (["1/31/2020 3:04 PM", "1/2/2020 12:00 AM"], "%-m/%-d/%Y %-I:%M %p"),
        (["2020/3/4", "2020/12/31"], "%Y/%-m/%-d"),
    ],
)
def test_a_form_is_recognised_and_written_back_to_the_same_words(words, form):
    dates = guess_dates(pa.array(words))

    assert dates is not None
    assert dates.format == form
    assert write_dates(pa.chunked_array([dates.values]), dates.format).to_pylist() == words


@pytest.mark.parametrize(
    "words",
    [["2020-02-30"], ["2020-13-01"], ["31/04/2020"], ["10.5", "12.3"], ["hello"], ["2020-01-01 25:00"], ["12345"], []],
)
def test_what_is_no_date_is_left_alone(words):
    assert guess_dates(pa.array(words, pa.string())) is None


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["31/12/2020", "01/02/2020"], "day"),
        (["12/31/2020", "01/02/2020"], "month"),
        (["01/02/2020"], "either"),
        (["31/12/2020", "12/31/2020"], "mixed"),
        (["2020-01-02"], ""),
        (["2020-01-02T10:00:00Z", "2020-01-02T10:00:00"], "zones"),
    ],
)
def test_a_day_above_twelve_decides_the_order(words, order):
    dates = guess_dates(pa.array(words))

    assert dates is not None
    assert dates.order == order


def test_a_slash_means_month_first_and_a_point_day_first_when_nothing_decides():
    slash, point = guess_dates(pa.array(["01/02/2020"])), guess_dates(pa.array(["01.02.2020"]))

    assert slash is not None
    assert point is not None
    assert (slash.values[0].as_py().month, point.values[0].as_py().month) == (1, 2)


def test_several_offsets_become_utc_with_the_same_moments():
    dates = guess_dates(pa.array(["2020-01-01T10:00:00+01:00", "2020-07-01T10:00:00+02:00"]))

    assert dates is not None
    assert str(dates.values.type) == "timestamp[s, tz=UTC]"
    assert write_dates(pa.chunked_array([dates.values]), None).to_pylist() == [
        "2020-01-01T09:00:00Z",
        "2020-07-01T08:00:00Z",
    ]


def test_a_moment_without_a_zone_does_not_fit_among_moments_with_one():
    values = parse_dates(pa.array(["2020-01-01T10:00:00+01:00", "2020-01-01T10:00:00"]), None)

    assert values.is_valid().to_pylist() == [True, False]


def test_mixed_iso_forms_are_read_together():
    dates = guess_dates(pa.array(["2020-01-01", "2020-01-01 10:00:00.5"]))

    assert dates is not None
    assert dates.format is None
    assert str(dates.values.type) == "timestamp[ms]"


def test_a_named_zone_is_written_in_its_own_wall_clock():
    cells = pa.chunked_array([pa.array([0, 15_552_000], pa.timestamp("s", tz="Europe/Oslo"))])

    assert write_dates(cells, "%Y-%m-%d %H:%M%:z").to_pylist() == ["1970-01-01 01:00+01:00", "1970-06-30 01:00+01:00"]


def test_years_before_1970_and_missing_cells_survive():
    values = parse_dates(pa.array(["0099-03-01", "x", "1812-02-29"]), "%Y-%m-%d")

    assert write_dates(pa.chunked_array([values]), "%Y-%m-%d").to_pylist() == ["0099-03-01", None, "1812-02-29"]


def test_two_digit_years_turn_the_century_at_69():
    values = parse_dates(pa.array(["01/01/68", "01/01/69"]), "%m/%d/%y")

    assert [value.year for value in values.to_pylist()] == [2068, 1969]
