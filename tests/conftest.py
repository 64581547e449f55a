"""Tests of optional packages are skipped, with the reason, where those packages are absent; never silently."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from synthwright.core.errors import MissingExtra

EXTRAS = ("torch", "lightgbm", "pandas", "polars", "sqlalchemy", "duckdb", "PIL", "httpx", "ray")


def is_due(error: MissingExtra) -> bool:
    """Whether the package that an error names is really absent here: anything else is a fault of ours."""
    return any(name.lower() in error.what.lower() and find_spec(name) is None for name in EXTRAS)


@contextmanager
def skipping(subject: str) -> Iterator[None]:
    """Skip the test when a package is absent that what it runs asks for."""
    try:
        yield
    except MissingExtra as error:
        if not is_due(error):
            raise
        pytest.skip(f"{subject} needs an extra: {error.what}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with skipping(item.name):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with skipping(f"a fixture of {item.name}"):
        return (yield)
