"""Tests of optional packages are skipped, with the reason, where those packages are absent; never silently."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from synthwright.core.errors import MissingExtra

EXTRAS = ("torch", "lightgbm", "pandas", "polars", "sqlalchemy", "duckdb", "PIL", "httpx", "ray")


def is_light() -> bool:
    """Whether an optional package is absent here."""
    return any(find_spec(name) is None for name in EXTRAS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except MissingExtra as error:
        if is_light():
            pytest.skip(f"{item.name} needs an extra: {error.what}")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except MissingExtra as error:
        if is_light():
            pytest.skip(f"a fixture of {item.name} needs an extra: {error.what}")
        raise
