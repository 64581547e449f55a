"""What importing costs: heavy packages are imported by the function that needs them, never by a module."""

import json
import subprocess
import sys

HEAVY = ("torch", "lightgbm", "sklearn", "pandas", "polars", "sqlalchemy", "duckdb", "statsmodels", "PIL", "ray")
ALL_MODULES = """
import importlib, json, pkgutil, sys
import synthwright
found = pkgutil.walk_packages(synthwright.__path__, "synthwright.")
names = [one.name for one in found if not one.name.startswith("synthwright.deep")]  # the only package made of torch
for name in names:
    importlib.import_module(name)
print(json.dumps([len(names), [name for name in sys.argv[1:] if name in sys.modules]]))
"""


def loaded_by(code: str, names: tuple[str, ...]) -> object:
    run = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_no_module_imports_a_heavy_package() -> None:
    count, loaded = loaded_by(ALL_MODULES, HEAVY)
    assert loaded == []
    assert count > 30


def test_importing_the_package_imports_nothing_but_the_standard_library() -> None:
    code = "import json, sys, synthwright; print(json.dumps([n for n in sys.argv[1:] if n in sys.modules]))"
    assert loaded_by(code, (*HEAVY, "numpy", "scipy", "pyarrow", "pydantic", "typer", "rich", "jinja2", "yaml")) == []
