"""The only way to import an optional package, with one clear line when it is absent."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import tempfile
from pathlib import Path
from types import ModuleType

from synthwright.core.errors import MissingExtra


def need(package: str, *, extra: str, who: str = "this") -> ModuleType:
    """Import `package`; raise MissingExtra with the command that installs `extra`."""
    if package == "lightgbm":
        return lightgbm()
    try:
        return importlib.import_module(package)
    except ImportError as error:
        if importlib.util.find_spec(package.partition(".")[0]) is not None:
            raise MissingExtra(
                f"{package} is installed but does not import: {error}",
                where=who,
                fix=f"reinstall it: pip install --force-reinstall {package.partition('.')[0]}",
            ) from error
        raise MissingExtra(
            f"{who} needs {package.partition('.')[0]}, which is not installed.",
            where=who,
            fix=f"pip install 'synthwright[{extra}]'",
        ) from None


def lightgbm() -> ModuleType:
    """Import LightGBM, also on a system without the package libgomp1.

    LightGBM's wheel expects the system's `libgomp.so.1`; scikit-learn's wheel brings the same library under
    another name. When the system has none, a copy of scikit-learn's is loaded under the expected name.
    """
    try:
        return importlib.import_module("lightgbm")
    except ImportError:
        raise MissingExtra(
            "LightGBM is not installed.", where="lightgbm", fix="pip install 'synthwright[trees]'"
        ) from None
    except OSError as error:
        if "libgomp" not in str(error):
            raise MissingExtra(
                f"LightGBM does not load: {error}", fix="pip install --force-reinstall lightgbm"
            ) from error
        advice = "install the system package: apt-get install libgomp1"
        try:
            _load_bundled_libgomp()
            return importlib.import_module("lightgbm")
        except OSError as again:
            raise MissingExtra("LightGBM needs the system library libgomp.so.1.", fix=advice) from again


def _load_bundled_libgomp() -> None:
    """Load scikit-learn's copy of libgomp under the name `libgomp.so.1`.

    The dynamic loader matches a needed library by the name inside the file, so the copy's own name, which is
    longer, is overwritten in place.
    """
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise OSError("scikit-learn is not installed")
    folder = Path(spec.origin).parent.parent / "scikit_learn.libs"
    bundled = next(iter(sorted(folder.glob("libgomp-*.so*"))), None)
    if bundled is None:
        raise OSError(f"no libgomp in {folder}")
    wanted = b"libgomp.so.1\0"
    content = bundled.read_bytes()
    name = re.search(rb"libgomp-[0-9a-f]+\.so[.0-9]*\0", content)
    if name is None:
        raise OSError(f"{bundled} has an unexpected name inside")
    content = content.replace(name.group(), wanted.ljust(len(name.group()), b"\0"))
    handle, path = tempfile.mkstemp(prefix="synthwright-libgomp-", suffix=".so.1")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    finally:
        Path(path).unlink()
