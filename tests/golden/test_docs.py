"""Every example of the README and of the documentation runs, offline, and prints what the page says.

A page's blocks run in order in one folder that holds `patients.csv`, which the tour makes first:

- ```python: executed, all blocks of a page in one namespace
- ```text after `<!-- output -->`: what the block before it prints
- ```console: each `$ synthwright ...` is run; lines below it are what it prints
- ```yaml and ```python that begin with `# file: NAME`: written to that file

Numbers differ between processors, so they are compared by place only; `...` stands for lines left out.
"""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synthwright import write
from synthwright.scenarios.healthcare import patients

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- output -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"[-+]?\d[\d,.]*(e[-+]?\d+)?")
NOT_RUN = ("make", "apt", "pip", "git", "python")  # they install, download or measure

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(patients(3000, 0), "patients.csv")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_and_print_what_it_says(page: Path, folder: Path) -> None:
    printed, names = "", {"__name__": "page"}
    for is_output, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if is_output:
            assert_printed(text, printed, page)
        elif text.startswith("# file: "):
            target = folder / text.splitlines()[0].removeprefix("# file: ").strip()
            target.write_text(text, encoding="utf-8")
        elif language == "python":
            printed = run_python(text, names, page)
        elif language == "console":
            run_console(text, page)


def run_python(code: str, names: dict[str, Any], page: Path) -> str:
    """What the code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(page), "exec"), names)
    return out.getvalue()


def run_console(text: str, page: Path) -> None:
    """Run each command and compare what it prints with the lines below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.replace("\\\n", " ").partition("\n")
        words = shlex.split(command, comments=True)
        if words[0] in NOT_RUN:
            continue
        assert words[0] == "synthwright", f"{page.name} has a command that is not known here: {command}"
        done = subprocess.run(
            [str(Path(sys.executable).with_name("synthwright")), *words[1:]],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        wanted = re.search(r"# exits with (\d+)", command)
        assert done.returncode == int(wanted[1] if wanted else 0), f"{page.name}: {command}\n{done.stderr}"
        assert_printed(expected, done.stdout + done.stderr, page)


def assert_printed(expected: str, printed: str, page: Path) -> None:
    """The expected lines are printed in this order; lines may be left out at `...` only."""
    lines = [masked(line) for line in printed.splitlines() if line.strip()]
    place, gap = 0, False
    for line in expected.splitlines():
        if line.strip() == "...":
            gap = True
            continue
        if not line.strip():
            continue
        wanted = masked(line)
        rest = lines[place:] if gap else lines[place : place + 1]
        assert wanted in rest, f"{page.name} says {line!r}; printed:\n{printed}"
        place, gap = place + rest.index(wanted) + 1, False


def masked(line: str) -> str:
    """A line without numbers, rules of tables and runs of blanks."""
    return re.sub(r"[\s\-|]+", " ", NUMBER.sub("#", line)).strip()


def test_there_are_pages_with_examples() -> None:
    assert len(PAGES) >= 11
    assert sum(len(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in PAGES) >= 30


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((ROOT / "docs" / "decisions").glob("*.md"))], ids=lambda page: page.name
)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} links to {target}"
