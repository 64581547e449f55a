"""Every package that is installed with the library, directly or not, has a licence that lets anybody use it."""

import re
from importlib.metadata import PackageNotFoundError, distribution

import pytest

PERMISSIVE = {
    *(
        "MIT",
        "MIT-0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "0BSD",
        "Apache-2.0",
        "PSF-2.0",
        "ISC",
        "Zlib",
        "CC0-1.0",
        "Unlicense",
    ),
    *("Python-2.0", "LicenseRef-Public-Domain", "BSL-1.0"),
}
# Older metadata name the licence in words.
WORDS = (
    (r"\bMIT\b", "MIT"),
    (r"\bApache\b", "Apache-2.0"),  # nobody uses versions 1.0 and 1.1 any more
    (r"\bISC\b", "ISC"),
    (r"BSD.3|3.Clause BSD|\bBSD\b", "BSD-3-Clause"),
    (r"\bPSF|Python Software Foundation", "PSF-2.0"),
    (r"Unlicense", "Unlicense"),
)


def requirements(name: str, extra: str = "") -> list[str]:
    """Names that a distribution requires on this interpreter, with those of one extra."""
    from packaging.requirements import Requirement

    found = [Requirement(text) for text in distribution(name).requires or []]
    return [one.name for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]


def closure(start: list[str]) -> list[str]:
    seen: dict[str, None] = {}
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name.lower() not in seen:
            seen[name.lower()] = None
            try:
                waiting += requirements(name)
            except PackageNotFoundError:
                del seen[name.lower()]  # needed on other systems only, or of an extra that is not installed
    return sorted(seen)


def licences(name: str) -> set[str]:
    metadata = distribution(name).metadata
    expression = metadata.get("License-Expression")
    if expression:
        return {word for word in re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", expression) if word.strip()}
    words = " ".join(
        [metadata.get("License") or "", *(c for c in metadata.get_all("Classifier") or [] if "License ::" in c)]
    )
    return {code for pattern, code in WORDS if re.search(pattern, words[:2000])}


EXTRAS = ("trees", "sql", "frames")
DEPENDENCIES = closure(
    requirements("synthwright") + [n for extra in EXTRAS for n in requirements("synthwright", extra)]
)


def test_the_core_dependencies_are_found() -> None:
    assert {"numpy", "pyarrow", "pydantic", "typer", "safetensors"} <= set(DEPENDENCIES)


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_a_dependency_is_permissively_licensed(name: str) -> None:
    found = licences(name)
    assert found, f"{name} names no licence that is known here"
    assert found <= PERMISSIVE, f"{name}: {found - PERMISSIVE}"
