"""One image file as an array, by fixed rules: what is not plain grey or RGB of 8 bits is converted and counted."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from synthwright.core.context import Note
from synthwright.core.errors import Problem, ReadError
from synthwright.core.extras import need
from synthwright.data.images import IMAGE, ImageSet, image_cells, image_column
from synthwright.data.schema import MAIN

MOST_PIXELS = 2**26  # of one file: above it a small file may unpack to gigabytes
_ORIENTATION = 0x0112  # the EXIF tag
_RULES = {
    "palette": ("I021", "palette images were read as RGB"),
    "alpha": ("I022", "images with transparency were laid on white"),
    "16 bit": ("I023", "images of 16 bits were reduced to 8 (value / 257)"),
    "black and white": ("I024", "black-and-white images were read as grey 0 and 255"),
    "colour space": ("I025", "images of another colour space (CMYK, YCbCr, LAB, HSV) were converted to RGB"),
    "turned": ("I026", "images were turned as their EXIF orientation says"),
    "frames": ("I027", "only the first frame of animated images was read"),
    "grey": ("I028", "grey images were read as RGB because others have colours"),
    "resized": ("I029", "images were resized"),
}


@dataclass
class Pictures:
    """Images read so far, what was done to them, and what could not be read."""

    images: list[np.ndarray] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def notes(self) -> list[Note]:
        """One note for each rule that was applied, with the number of images."""
        return [Note(code, f"{self.done[rule]:,} {what}") for rule, (code, what) in _RULES.items() if self.done[rule]]


def read_pictures(paths: Sequence[Path], size: tuple[int, int] | None) -> tuple[np.ndarray, list[Note]]:
    """All files as (n, h, w, c) uint8. size: height and width to resize to, or None when all have one size.

    Grey stays one channel unless some image has colours. Raises ReadError naming every file that cannot be read, or
    whose size differs; MissingExtra without pillow.
    """
    library = need("PIL.Image", extra="images", who="reading images")
    found = Pictures()
    for path in paths:
        _read_one(path, size, found, library)
    if found.problems:
        raise ReadError.of(found.problems)
    _check_sizes(found)
    if any(image.ndim == 3 for image in found.images):
        found.done["grey"] = sum(image.ndim == 2 for image in found.images)
        found.images = [image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2) for image in found.images]
    stacked = np.stack(found.images)
    return stacked if stacked.ndim == 4 else stacked[..., None], found.notes()


def _read_one(path: Path, size: tuple[int, int] | None, found: Pictures, library: Any) -> None:
    fix = "replace it, or take it out of the folder"
    if not path.is_file():
        found.problems.append(Problem("There is no such file.", str(path), "correct the name in the metadata"))
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", library.DecompressionBombWarning)
            with library.open(path) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    what = f"The image has {opened.width:,} x {opened.height:,} pixels; {MOST_PIXELS:,} are the most."
                    found.problems.append(Problem(what, str(path), "make it smaller"))
                    return
                opened.load()
                image = _plain(opened, found.done)
    except (library.DecompressionBombWarning, library.DecompressionBombError) as error:
        found.problems.append(Problem(f"The image is too large: {error}", str(path), "make it smaller"))
        return
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what pillow raises on damaged files
        found.problems.append(Problem(f"The image cannot be read: {error}", str(path), fix))
        return
    if image is None:
        what = f"Images of mode {opened.mode} hold no 8- or 16-bit colours."
        found.problems.append(Problem(what, str(path), "save it as an 8-bit PNG"))
        return
    if size is not None and (image.height, image.width) != size:
        found.done["resized"] += 1
        image = _resized(image, size)
    found.images.append(np.asarray(image, dtype=np.uint8))
    found.paths.append(path)


def _resized(image: Any, size: tuple[int, int]) -> Any:
    from PIL.Image import Resampling

    return image.resize((size[1], size[0]), Resampling.LANCZOS)


def resized(data: ImageSet, size: tuple[int, int]) -> ImageSet:
    """The images at this height and width, with a Note; the data themselves if they are so. Raises MissingExtra."""
    if data.shape[:2] == size:
        return data
    library = need("PIL.Image", extra="images", who="resizing images")
    channels = data.shape[2]
    pixels = np.empty((len(data), *size, channels), dtype=np.uint8)
    for i, one in enumerate(data.pixels()):
        image = library.fromarray(one[:, :, 0] if channels == 1 else one)
        pixels[i] = np.asarray(_resized(image, size)).reshape(*size, channels)
    column = image_column((*size, channels))
    schema = data.schema.edit({IMAGE: {"format": column.format, "dtype": column.dtype}})
    table = data.arrow.set_column(data.arrow.column_names.index(IMAGE), IMAGE, image_cells(pixels))
    code, what = _RULES["resized"]
    return ImageSet({MAIN: table}, schema, (*data.notes, Note(code, f"{len(data):,} {what}")))


def _plain(image: Any, done: Counter[str]) -> Any:
    """A grey or RGB image of 8 bits, upright; None when the mode has no rule."""
    if getattr(image, "n_frames", 1) > 1:
        done["frames"] += 1
    if image.getexif().get(_ORIENTATION, 1) != 1:
        from PIL import ImageOps

        done["turned"] += 1
        image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode == "P":
        done["palette"] += 1
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif mode == "1":
        done["black and white"] += 1
        image = image.convert("L")
    elif mode in ("I;16", "I;16B", "I;16L", "I"):
        done["16 bit"] += 1
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            return None
        return _grey(values)
    elif mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        done["colour space"] += 1
        image = image.convert("RGB")
    return _on_white(image, done)


def _grey(values: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _on_white(image: Any, done: Counter[str]) -> Any:
    from PIL import Image

    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or (
        image.mode in ("L", "RGB") and "transparency" in image.info
    ):
        done["alpha"] += 1
        grey = image.mode in ("LA", "La", "L")
        layers = image.convert("RGBA")
        ground = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        image = Image.alpha_composite(ground, layers).convert("L" if grey else "RGB")
    return image if image.mode in ("L", "RGB") else None


def _check_sizes(found: Pictures) -> None:
    sizes = [image.shape[:2] for image in found.images]
    usual = max(dict.fromkeys(sizes), key=sizes.count)
    odd = [(path, size) for path, size in zip(found.paths, sizes, strict=True) if size != usual]
    if odd:
        h, w = usual
        fix = f"bring them to one size, or let them be resized: read(path, image_size=({h}, {w})), --image-size {h}x{w}"
        raise ReadError.of(
            Problem(f"The image has {a} x {b} pixels; most have {h} x {w}.", str(path), fix) for path, (a, b) in odd
        )
