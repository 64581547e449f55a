import pytest

from synthwright.core import errors
from synthwright.core.errors import DataError, Problem, SynthwrightError, counted, did_you_mean, listing


def test_message_says_what_where_and_fix():
    error = DataError("3 values are outside [0, 120].", where="column 'age'", fix="widen bounds")
    assert str(error) == "3 values are outside [0, 120].\nwhere: column 'age'\nfix: widen bounds"
    assert (error.what, error.where, error.fix, error.code) == (
        "3 values are outside [0, 120].",
        "column 'age'",
        "widen bounds",
        "DataError",
    )


def test_one_error_carries_all_problems_and_prints_each():
    error = DataError.of([Problem("a is wrong", "column 'a'", "mend a"), Problem("b is wrong")])
    assert isinstance(error, DataError)
    assert [problem.what for problem in error.problems] == ["a is wrong", "b is wrong"]
    assert str(error) == "2 problems:\n- a is wrong\n  where: column 'a'\n  fix: mend a\n- b is wrong"


def test_a_single_problem_reads_like_a_plain_error():
    assert str(DataError.of([Problem("a", "b", "c")])) == "a\nwhere: b\nfix: c"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ConfigError", 2),
        ("ConditionError", 2),
        ("Unreachable", 2),
        ("NotFitted", 2),
        ("Unsupported", 2),
        ("DataError", 3),
        ("SchemaError", 3),
        ("ConstraintError", 3),
        ("ReadError", 3),
        ("FitError", 3),
        ("Diverged", 3),
        ("SampleError", 3),
        ("FormatError", 3),
        ("WriteError", 4),
        ("MissingExtra", 4),
        ("BackendError", 4),
        ("RunIncomplete", 5),
        ("Cancelled", 130),
    ],
)
def test_every_error_has_its_exit_code_and_prints_its_text(name, code):
    error = getattr(errors, name)("it went wrong", fix="do this")
    assert isinstance(error, SynthwrightError)
    assert error.exit_code == code
    assert str(error) == "it went wrong\nfix: do this"


def test_a_number_goes_with_its_word():
    found = [counted(n, "unit is", "units are") for n in (0, 1, 2000)]
    assert found == ["0 units are", "1 unit is", "2,000 units are"]


def test_hints_name_the_nearest_and_stay_silent_otherwise():
    assert did_you_mean("bandwith", ["bandwidth", "leaf"]) == " Did you mean 'bandwidth'?"
    assert did_you_mean("zzz", ["bandwidth"]) == ""


def test_long_listings_are_cut_and_say_so():
    assert listing(range(3)) == "0, 1, 2"
    assert listing(range(20), most=2) == "0, 1, ... (18 more)"
