"""The public contract suite over every registered generator, each with options that make it quick."""

import pytest

from synthwright.core import registry
from synthwright.testing import checks_for

TINY: dict[str, dict[str, object]] = {
    "flow": {"steps": 4, "width": 8, "batch": 64, "sampling_steps": 2},
    "ctgan": {"epochs": 2, "hidden": (16,), "noise": 8, "batch": 100},
    "tvae": {"epochs": 2, "hidden": (16,), "latent": 4, "batch": 100},
    "mixture": {"parents": "independent,copula"},
    "residual": {"parent": "independent"},
    "reweight": {"parent": "independent", "folds": 2},
    "image_flow": {"steps": 3, "width": 8, "batch": 16, "sample_steps": 2},
    "series_flow": {"width": 16, "depth": 1, "max_steps": 5, "max_seconds": None},
}


CASES = [
    pytest.param(name, check, id=f"{name}-{check.__name__}")
    for name in registry.names("generators")
    for check in checks_for(registry.find("generators", name))
]


@pytest.mark.contract
@pytest.mark.parametrize(("name", "check"), CASES)
def test_the_contract_holds(name, check):
    check(registry.find("generators", name), TINY.get(name, {}))
