"""The page "Add a generator", followed to the letter: one file, one entry point, and everything else follows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "add-a-generator.md"
pytestmark = pytest.mark.e2e


def block(language: str, place: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[place]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The page's package, installed the way pip does it: the files, and a dist-info folder with the entry point."""
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package/__init__.py").write_text("")
    (tmp_path / "my_package/uniform.py").write_text(block("python"), encoding="utf-8")
    info = tmp_path / "my_package-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 0.1\n")
    name, target = re.search(r'^(\w+) = "(.+)"$', block("toml"), re.MULTILINE).groups()
    (info / "entry_points.txt").write_text(f"[synthwright.generators]\n{name} = {target}\n")
    return tmp_path


def run(package: Path, *arguments: str) -> str:
    """What a command prints that sees the package."""
    done = subprocess.run(
        arguments,
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_whole_contract_holds_for_the_class_of_the_page(package: Path) -> None:
    code = "\n".join(
        [
            "from synthwright import Generator",
            "from synthwright.testing import check_generator",
            "if __name__ == '__main__':",
            "    check_generator(type(Generator.create('uniform')))",
            "    print('kept')",
        ]
    )
    (package / "check.py").write_text(code)
    assert run(package, sys.executable, "check.py") == "kept\n"


def test_the_command_line_knows_it_by_name(package: Path) -> None:
    (package / "data.csv").write_text("x,y\n" + "".join(f"{i % 17},{'ab'[i % 2]}\n" for i in range(200)))
    synthwright = str(Path(sys.executable).with_name("synthwright"))
    assert "smoothing" in run(package, synthwright, "generators", "uniform")
    run(package, synthwright, "fit", "data.csv", "--out", "m.synth", "-g", "uniform", "--set", "smoothing=0.5", "-q")
    run(package, synthwright, "sample", "m.synth", "-n", "5000", "--workers", "2", "--out", "made.csv", "-q")
    assert len((package / "made.csv").read_text().splitlines()) == 5001
