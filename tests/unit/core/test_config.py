from collections.abc import Mapping
from typing import Annotated

import pytest
from pydantic import Field, ValidationError, field_validator

from synthwright.core.config import Config, build, parse_assignments
from synthwright.core.errors import ConfigError


class Inner(Config):
    depth: int = Field(3, ge=1)


class Outer(Config):
    leaf: int = Field(20, ge=1, le=100)
    inner: Inner = Inner()


def test_an_unknown_option_names_the_nearest_known_one():
    with pytest.raises(ConfigError, match=r"Unknown option 'leef'\. Did you mean 'leaf'") as caught:
        build(Outer, {"leef": 3}, where="generator 'cart'")
    assert "inner" in caught.value.fix
    assert caught.value.where == "generator 'cart': leef"


def test_an_unknown_nested_option_is_looked_up_at_its_own_level():
    with pytest.raises(ConfigError, match="Did you mean 'depth'"):
        build(Outer, {"inner": {"dept": 1}}, where="x")


def test_all_wrong_values_are_told_at_once_with_path_and_input():
    with pytest.raises(ConfigError) as caught:
        build(Outer, {"leaf": 0, "inner": {"depth": "deep"}}, where="generator 'cart'")
    assert len(caught.value.problems) == 2
    assert "generator 'cart': inner.depth" in str(caught.value)
    assert "given: 0" in str(caught.value)


def test_configs_are_frozen():
    with pytest.raises(ValidationError):
        Outer().leaf = 3


def test_assignments_nest_and_take_json_values_or_text():
    assert parse_assignments(["a.b=1", "a.c=x=y", "d=[1, 2]", "e=null", "f=true"]) == {
        "a": {"b": 1, "c": "x=y"},
        "d": [1, 2],
        "e": None,
        "f": True,
    }


@pytest.mark.parametrize("text", ["novalue", "=1", "a..b=1"])
def test_a_malformed_assignment_is_refused(text):
    with pytest.raises(ConfigError, match="Cannot read"):
        parse_assignments([text])


def test_an_assignment_below_a_value_is_refused():
    with pytest.raises(ConfigError, match="below 'a'"):
        parse_assignments(["a=1", "a.b=2"])


def test_wrong_lists_and_mappings_are_told_in_words_of_recipes():
    class Lists(Config):
        names: tuple[str, ...] = Field((), min_length=2)
        options: Mapping[str, int] = Field(default_factory=dict)

    with pytest.raises(ConfigError) as caught:
        build(Lists, {"names": ["a"], "options": 3}, where="x")
    assert "List should have at least 2 items, not 1" in str(caught.value)
    assert "valid mapping of names to values" in str(caught.value)


class Judged(Config):
    task: str = "a"
    size: int = 1

    @field_validator("task")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            raise ConfigError(f"Unknown task {value!r}.", fix="use one of: a, b")
        except ConfigError as error:
            raise ValueError(error.what) from error

    @field_validator("size")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        raise ValueError("must be odd")


def test_a_check_of_ours_is_told_in_its_own_words_with_its_own_fix():
    with pytest.raises(ConfigError) as caught:
        build(Judged, {"task": "c", "size": 2}, where="x")
    unknown, even = caught.value.problems
    assert (unknown.what, unknown.where, unknown.fix) == ("Unknown task 'c'.", "x: task", "use one of: a, b")
    assert even.what == "Must be odd (given: 2)"


class Widths(Config):
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field((8,), min_length=1)


@pytest.mark.parametrize(
    ("given", "told"),
    [([0], ["greater than or equal to 1"]), ([0, -1], ["greater", "greater"]), ([], ["at least 1 item"])],
)
def test_a_list_is_called_too_short_only_when_it_is(given, told):
    with pytest.raises(ConfigError) as caught:
        build(Widths, {"hidden": given}, where="x")
    assert len(caught.value.problems) == len(told)
    assert all(word in problem.what for word, problem in zip(told, caught.value.problems, strict=True))
