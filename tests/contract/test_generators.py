"""The public contract suite over every registered generator, each with options that make it quick."""

import pytest

from synthwright.core import registry
from synthwright.testing import checks_for

TINY: dict[str, dict[str, object]] = {}


CASES = [
    pytest.param(name, check, id=f"{name}-{check.__name__}")
    for name in registry.names("generators")
    for check in checks_for(registry.find("generators", name))
]


@pytest.mark.contract
@pytest.mark.parametrize(("name", "check"), CASES)
def test_the_contract_holds(name, check):
    check(registry.find("generators", name), TINY.get(name, {}))
