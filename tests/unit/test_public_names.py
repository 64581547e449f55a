"""The public names are those that the documentation promises, and each resolves."""

import re
from pathlib import Path

import pytest

import synthwright

API = Path(__file__).parents[2] / "docs" / "api.md"


def documented() -> list[str]:
    """First cells of the tables in docs/api.md."""
    return re.findall(r"^\| `(\w+)", API.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_documented_names_are_the_exported_ones() -> None:
    assert sorted(documented()) == sorted(synthwright.__all__)


@pytest.mark.parametrize("name", synthwright.__all__)
def test_an_exported_name_resolves_and_is_documented_in_the_code(name: str) -> None:
    assert name == "__version__" or getattr(synthwright, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        synthwright.no_such_name  # noqa: B018 - the access is the test


def test_dir_lists_the_public_names() -> None:
    assert set(synthwright.__all__) <= set(dir(synthwright))
