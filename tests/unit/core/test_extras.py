import ctypes
import sys

import pytest

from synthwright.core import extras
from synthwright.core.errors import MissingExtra


def test_a_missing_package_names_the_command_that_installs_it():
    with pytest.raises(MissingExtra, match="flow needs no_such_package") as caught:
        extras.need("no_such_package", extra="deep", who="flow")
    assert caught.value.fix == "pip install 'synthwright[deep]'"


def test_an_installed_package_that_does_not_import_says_so(monkeypatch, tmp_path):
    (tmp_path / "half_broken.py").write_text("import no_such_module_of_it")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtra, match="half_broken is installed but does not import"):
        extras.need("half_broken", extra="deep")


def test_the_bundled_libgomp_loads_under_the_systems_name():
    pytest.importorskip("sklearn")
    if not sys.platform.startswith("linux"):
        pytest.skip("libgomp is a Linux matter")
    extras._load_bundled_libgomp()
    loaded = ctypes.CDLL("libgomp.so.1")
    assert loaded.omp_get_max_threads() >= 1


def test_lightgbm_imports():
    pytest.importorskip("lightgbm")
    assert extras.lightgbm().__name__ == "lightgbm"
