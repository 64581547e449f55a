"""Tests of optional packages are skipped, with the reason, where those packages are absent; never silently."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from synthwright.core.errors import MissingExtra

EXTRAS = ("torch", "lightgbm", "pandas", "polars", "sqlalchemy", "duckdb", "PIL", "httpx", "ray")


def is_due(error: MissingExtra) -> bool:
    """Whether the package that an error names is really absent here: anything else is a fault of ours."""
    return any(name.lower() in error.what.lower() and find_spec(name) is None for name in EXTRAS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except MissingExtra as error:
        if is_due(error):
            pytest.skip(f"{item.name} needs an extra: {error.what}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except MissingExtra as error:
        if is_due(error):
            pytest.skip(f"a fixture of {item.name} needs an extra: {error.what}")
        raise
