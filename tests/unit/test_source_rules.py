"""Rules about the source that no linter checks."""

import ast
import re
from pathlib import Path

import pytest

import synthwright

SOURCE = Path(synthwright.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
CODE_LOADERS = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {("torch", "load"), ("torch", "save"), ("os", "system"), ("os", "popen")}


def modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return []


def offences(tree: ast.AST) -> list[str]:
    """What loads or runs code, or asks for an object array that numpy would unpickle."""
    found = []
    for node in ast.walk(tree):
        found += [f"line {node.lineno}: imports {name}" for name in modules_of(node) if name in CODE_LOADERS]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        owner, _, attribute = name.rpartition(".")
        if name in CALLS or (owner, attribute) in ATTRIBUTES:
            found.append(f"line {node.lineno}: calls {name}")
        for keyword in node.keywords:
            if keyword.arg in ("allow_pickle", "shell") and ast.unparse(keyword.value) != "False":
                found.append(f"line {node.lineno}: {keyword.arg} is not False")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_loads_or_runs_code(path: Path) -> None:
    assert offences(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load(path)",
        "eval(text)",
        "exec(text)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import subprocess\nsubprocess.run(text, shell=True)",
    ],
)
def test_the_rule_sees_each_way_to_load_or_run_code(code: str) -> None:
    assert len(offences(ast.parse(code))) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_is_longer_than_500_lines_and_no_function_longer_than_80(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > 80
    ]
    assert long == []
    assert len(text.splitlines()) <= 500


def _unnamed(folder: Path) -> set[str]:
    words = set(
        re.findall(r"\w+", ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or "")
    )
    return {path.stem for path in folder.glob("*.py")} - words - {"__init__"}


@pytest.mark.parametrize("folder", sorted({path.parent for path in FILES} - {SOURCE}), ids=lambda path: path.name)
def test_the_map_of_a_package_names_each_of_its_files(folder: Path) -> None:
    assert _unnamed(folder) == set()


def test_the_rule_sees_a_file_that_the_map_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text('"""one   does one thing."""')
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").touch()
    assert _unnamed(tmp_path) == {"two"}
