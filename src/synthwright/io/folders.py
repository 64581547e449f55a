"""Folders and archives of images.

    pictures/cat/1.png, pictures/dog/a.jpg         a folder for each class
    pictures/train/cat/1.png, pictures/test/...    the same below the words of a split
    pictures/1.png, pictures/2.png                 no classes
    pictures/metadata.csv or .jsonl                a column `file_name` and others; `label` is the class
    digits.npz                                     arrays `images` and `labels`, others become columns

What is written is the third with a `metadata.csv`, which is also the layout of Hugging Face's `imagefolder`, and a
`schema.json` of ours that keeps types.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem, ReadError, Unsupported, WriteError, listing
from synthwright.core.store import atomic_file, atomic_folder
from synthwright.data.images import IMAGE, LABEL, ImageSet, image_cells, image_column
from synthwright.data.png import encode_png
from synthwright.data.schema import MAIN, Column, Schema
from synthwright.data.split import PARTS
from synthwright.io.files import File, load_file
from synthwright.io.modalities import placed
from synthwright.io.pictures import read_pictures, resized
from synthwright.io.saving import save_file

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
FILE_NAME = "file_name"
METADATA = ("metadata.csv", "metadata.jsonl")
_SCHEMA = "schema.json"
_JUNK = {"__MACOSX", "@eaDir"}  # copies and thumbnails that archives and network disks leave beside the images
_SPLITS = {*PARTS, "training", "validation", "valid", "val", "dev", "testing", "eval", "evaluation"}
_ARRAYS = ("images", "pixels", "x")  # names of the pixel array in an archive
_LABELS = ("labels", "label", "y")
_BAD_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError)
Size = tuple[int, int]


def read_images(path: str | Path, *, size: Size | None = None) -> ImageSet:
    """Images from a folder or an `.npz` archive; the layouts are those above.

    size: (height, width) that images are resized to; without, those of a folder must have one size. Needs pillow for
    folders, and to resize. Raises ReadError naming every file that cannot be read, DataError, MissingExtra.
    """
    source = Path(path).expanduser()
    if source.suffix == ".npz":
        found = _read_archive(source)
        return found if size is None else resized(found, size)
    if not source.is_dir():
        what = "It is a file, no folder." if source.exists() else "There is no such folder."
        raise ReadError(what, where=str(source), fix="name a folder of images or an .npz file")
    listed = [source / name for name in METADATA if (source / name).exists()]
    if len(listed) > 1:
        raise ReadError(f"The folder has both {' and '.join(METADATA)}.", where=str(source), fix="keep one of them")
    return _read_listed(source, listed[0], size) if listed else _read_classes(source, size)


# -- layouts


def _files_of(folder: Path) -> tuple[list[Path], list[Note]]:
    """All image files below a folder in the order of their names, and a note on the others."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path, folder))
    images = [path for path in found if path.suffix.lower() in SUFFIXES]
    others = [
        path.name for path in found if path.suffix.lower() not in SUFFIXES and path.name not in (_SCHEMA, *METADATA)
    ]
    notes = (
        [Note("I020", f"{len(others):,} files that are no images were left out: {listing(others, 3)}")]
        if others
        else []
    )
    if not images:
        raise ReadError(
            "The folder holds no images.", where=str(folder), fix=f"put images in it; known are {listing(SUFFIXES)}"
        )
    return images, notes


def _is_hidden(path: Path, folder: Path) -> bool:
    """Whether it, or a folder below `folder` that it lies in, is put aside by its name, as systems do (.DS_Store)."""
    return any(part.startswith(".") or part in _JUNK for part in path.relative_to(folder).parts)


def _read_classes(folder: Path, size: Size | None) -> ImageSet:
    """Images whose class is the folder they lie in."""
    paths, notes = _files_of(folder)
    parts = [path.relative_to(folder).parts for path in paths]
    tops = sorted({place[0] for place in parts if len(place) > 1})
    splits = None
    if tops and all(top.lower() in _SPLITS for top in tops) and all(len(place) > 1 for place in parts):
        splits = [place[0].lower() for place in parts]
        parts = [place[1:] for place in parts]
    depth = sorted({len(place) > 1 for place in parts})
    if len(depth) == 2:
        loose = [str(path) for path, place in zip(paths, parts, strict=True) if len(place) == 1]
        raise ReadError(
            f"{len(loose):,} images lie beside the folders of the classes: {listing(loose, 3)}.",
            where=str(folder),
            fix="move them into a folder of their class",
        )
    labels = [place[0] for place in parts] if depth == [True] else None
    if labels is not None and len(set(labels)) == 1:
        raise DataError(
            f"There is one folder only, {labels[0]!r}: a class that never varies says nothing.",
            where=str(folder),
            fix=f"read the images without classes: read_images({str(folder / labels[0])!r}), or add other classes",
        )
    pixels, added = read_pictures(paths, size)
    metadata = None if splits is None else pa.table({"split": splits})
    made = _made(folder, pixels, labels, metadata, (*notes, *_deeper(parts), *added))
    return made if splits is None else made.replace({}, made.schema.edit(split={"role": "split", "kind": "category"}))


def _deeper(parts: Sequence[tuple[str, ...]]) -> list[Note]:
    """A note when classes have folders of their own, which say nothing then."""
    inner = sorted({"/".join(place[:-1]) for place in parts if len(place) > 2})
    what = f"{len(inner):,} folders inside of those of the classes were taken as part of them: {listing(inner, 3)}"
    return [Note("I031", what)] if inner else []


def _made(
    source: Path, pixels: Any, labels: Any, metadata: pa.Table | None, notes: Sequence[Note] = (), *, fewest: int = 2
) -> ImageSet:
    """The set of what was read; what is wrong with it names the file or folder. Raises DataError."""
    try:
        return ImageSet.of(pixels, labels, metadata, notes=notes, fewest=fewest)
    except DataError as error:
        raise DataError.of(placed(error.problems, source)) from error


def _read_listed(folder: Path, listed: Path, size: Size | None) -> ImageSet:
    """Images named in a file of metadata."""
    kept = _kept_schema(folder)
    flat = None if kept is None else _flat(kept)
    table, _, notes, misfits = load_file(File(path=listed), schema=flat, null_words=None, rows=None)
    if misfits:
        raise ReadError(
            f"Cells do not fit {_SCHEMA} in: {listing(sorted(misfits))}.",
            where=str(listed),
            fix=f"correct the cells, or delete {_SCHEMA}",
        )
    if FILE_NAME not in table.column_names:
        raise ReadError(
            f"There is no column {FILE_NAME!r}.", where=str(listed), fix="name the image of each row in that column"
        )
    paths = _named_paths(folder, table.column(FILE_NAME).to_pylist(), listed)
    pixels, added = read_pictures(paths, size)
    lost = set(_files_of(folder)[0]) - set(paths)
    if lost:
        names = sorted(str(path.relative_to(folder)) for path in lost)
        added.append(
            Note("I030", f"{len(lost):,} images that the metadata do not name were left out: {listing(names, 3)}")
        )
    table = table.drop_columns([FILE_NAME])
    if kept is not None:
        if size is not None:
            column = image_column(pixels.shape[1:])
            kept = kept.edit({IMAGE: {"format": column.format, "dtype": column.dtype}})
        cells = table.add_column(kept.names.index(IMAGE), IMAGE, image_cells(pixels))
        if pixels.shape[1:] != tuple(int(part) for part in (kept[IMAGE].format or "0").split("x")):
            raise ReadError(
                f"The images are {pixels.shape[1:]}, {_SCHEMA} says {kept[IMAGE].format}.",
                where=str(folder),
                fix=f"delete {_SCHEMA}, or write the folder anew",
            )
        return ImageSet({MAIN: cells}, kept, (*notes, *added))
    labels = table.column(LABEL) if LABEL in table.column_names else None
    rest = table.drop_columns([LABEL]) if labels is not None else table
    return _made(listed, pixels, labels, rest if rest.num_columns else None, (*notes, *added))


def _named_paths(folder: Path, names: Sequence[Any], listed: Path) -> list[Path]:
    """The files that the metadata name. Raises ReadError for names that are missing or lead out of the folder."""
    problems, paths = [], []
    for row, name in enumerate(names):
        target = folder / str(name)
        inside = name is not None and not Path(str(name)).is_absolute() and ".." not in Path(str(name)).parts
        if not inside or (target.is_symlink() and not target.resolve().is_relative_to(folder.resolve())):
            what = f"Row {row} names no file inside the folder: {name!r}."
            problems.append(Problem(what, str(listed), "write paths relative to the folder"))
        paths.append(target)
    if problems:
        raise ReadError.of(problems)
    return paths


def _kept_schema(folder: Path) -> Schema | None:
    """The schema beside the metadata, when it is one of images."""
    path = folder / _SCHEMA
    if not path.exists():
        return None
    schema = Schema.load(path)
    return schema if schema.modality == ImageSet.modality and IMAGE in schema else None


def _flat(schema: Schema) -> Schema:
    """The schema of the metadata: the name of the file, then all columns but the image."""
    name = Column(name=FILE_NAME, kind="text", dtype="string", nullable=False)
    return Schema(columns=(name, *(column for column in schema.columns if column.name != IMAGE)))


def _read_archive(path: Path) -> ImageSet:
    """Images from arrays; nothing in the archive is ever unpickled."""
    try:
        if not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("it is no complete zip file")
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except _BAD_ARCHIVE as error:
        raise ReadError(
            f"The archive cannot be read: {error}",
            where=str(path),
            fix="write it with numpy.savez(images=..., labels=...), arrays of numbers or texts only",
        ) from error
    name = next((one for one in _ARRAYS if one in arrays), None)
    if name is None:
        raise ReadError(
            f"The archive has no array of images; it has {listing(arrays) or 'nothing'}.",
            where=str(path),
            fix=f"call the array {_ARRAYS[0]!r}",
        )
    label = next((one for one in _LABELS if one in arrays), None)
    kept = _archive_schema(arrays, path)
    others = {one: array for one, array in arrays.items() if one not in (name, label)}
    odd = [one for one, array in others.items() if array.ndim != 1]
    if odd:
        what = f"Arrays beside the images have more than one axis: {listing(odd)}."
        raise ReadError(what, where=str(path), fix="leave them out: one value for each image makes a column")
    metadata = pa.table({one: pa.array(array.tolist()) for one, array in others.items()}) if others else None
    labels = None if label is None else arrays[label].tolist()
    made = _made(path, arrays[name], labels, metadata, fewest=2 if kept is None else 1)
    return made if kept is None else _as_kept(made, Schema.from_json(kept, where=str(path)))


def _archive_schema(arrays: dict[str, np.ndarray], path: Path) -> Any:
    """The document of the schema that was written with the arrays, taken out of them. Raises ReadError."""
    found = arrays.get("schema")
    if found is None or found.dtype.kind != "U" or found.ndim:  # one value for each image is a column
        return None
    try:
        return json.loads(str(arrays.pop("schema")))
    except ValueError as error:
        what, fix = f"The array 'schema' is no schema: {error}.", "leave it out, or give it another name"
        raise ReadError(what, where=str(path), fix=fix) from error


def _as_kept(made: ImageSet, schema: Schema) -> ImageSet:
    """The images with the roles and kinds of the schema that was written with them, when it fits."""
    names = {column.name: column for column in made.schema.columns}
    if set(names) != set(schema.names) or any(names[c.name].dtype != c.dtype for c in schema.columns):
        return made
    return ImageSet({MAIN: made.arrow.select(list(schema.names))}, schema, made.notes)


# -- writing


def write_images(data: ImageSet, path: str | Path) -> Path:
    """Write a folder (PNG files, metadata.csv, schema.json) or, by the suffix `.npz`, an archive of arrays.

    Appears when it is complete. An existing folder is replaced only if it holds nothing but what this function
    writes. Raises WriteError, Unsupported.
    """
    target = Path(path).expanduser()
    if target.suffix == ".npz":
        return _write_archive(data, target)
    _check_replaceable(target)
    width = max(6, len(str(len(data) - 1)))
    names = [f"images/{i:0{width}d}.png" for i in range(len(data))]
    flat = data.arrow.drop_columns([IMAGE]).add_column(0, FILE_NAME, pa.array(names))
    with atomic_folder(target) as folder:
        (folder / "images").mkdir()
        for name, image in zip(names, data.pixels(), strict=True):
            (folder / name).write_bytes(encode_png(image))
        save_file(flat, _flat(data.schema), File(path=folder / METADATA[0]))
        data.schema.save(folder / _SCHEMA)
    return target


def _check_replaceable(target: Path) -> None:
    if not target.is_dir():
        return
    strange = [p.name for p in sorted(target.iterdir()) if p.name not in ("images", METADATA[0], _SCHEMA)]
    images = target / "images"
    if images.is_dir():
        strange += [p.name for p in sorted(images.iterdir()) if not (p.suffix == ".png" and p.stem.isdigit())]
    if strange:
        raise WriteError(
            f"The folder holds other files, which would be lost: {listing(strange, 3)}.",
            where=str(target),
            fix="name a new or an empty folder",
        )


def _write_archive(data: ImageSet, target: Path) -> Path:
    holes = [name for name in data.arrow.column_names if data.arrow.column(name).null_count]
    if holes:
        raise Unsupported(
            f"Arrays have no missing cells; these columns have some: {listing(holes)}.",
            where=str(target),
            fix="write a folder or a .parquet file",
        )
    arrays: dict[str, np.ndarray] = {_ARRAYS[0]: data.pixels(), "schema": np.array(json.dumps(data.schema.to_json()))}
    for column in data.schema.columns:
        if column.name != IMAGE:
            name = _LABELS[0] if column.name == LABEL else column.name
            arrays[name] = _array_of(data.arrow.column(column.name), column.name, target)
    with atomic_file(target) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return target


def _array_of(cells: pa.ChunkedArray, name: str, target: Path) -> np.ndarray:
    array = np.array(cells.to_pylist())
    if array.dtype.kind not in "biufU" or array.ndim != 1:
        raise Unsupported(
            f"Column {name!r} ({cells.type}) has no plain array.", where=str(target), fix="write a folder or .parquet"
        )
    return array
