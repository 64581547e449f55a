"""Images of one size, with a class each if there is one: the modality "images".

One table: the pixels of an image as one cell of fixed length, row by row, and plain columns beside it. The shape
stands in the schema (`Column.format`, "28x28x1"), so a Parquet file, a slice and a fingerprint need no code of their
own. See docs/decisions/0013-image-storage.md.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem, counted, listing
from synthwright.data.dataset import Dataset
from synthwright.data.infer import infer_schema
from synthwright.data.png import contact_sheet, data_uri
from synthwright.data.schema import MAIN, Column, Schema
from synthwright.data.table import without_nan, wrong_cells

IMAGE, LABEL = "image", "label"
SHORTEST_SIDE, LONGEST_SIDE = 2, 4096
MOST_CLASSES = 100
_SHAPE = re.compile(r"(\d+)x(\d+)x(\d+)")
_SHOWN = 3  # images named in a message
_THUMBNAILS = 20
Shape = tuple[int, int, int]


class ImageSet(Dataset):
    """Images of h x w pixels in 1 or 3 channels, 8 bits each; a unit is one image.

    >>> import numpy as np
    >>> data = ImageSet.of(np.zeros((6, 8, 8), dtype=np.uint8), labels=["a", "b"] * 3)
    >>> len(data), data.shape, data.classes
    (6, (8, 8, 1), ('a', 'b'))
    """

    modality: ClassVar[str] = "images"

    @classmethod
    def of(
        cls,
        pixels: Any,
        labels: Any = None,
        metadata: Mapping[str, Any] | pa.Table | None = None,
        *,
        fewest: int = 2,
        notes: Sequence[Note] = (),
    ) -> Self:
        """Images from an array.

        pixels: uint8, (n, h, w) or (n, h, w, c) with c = 1 or 3, or a sequence of such images of one size.
        labels: n texts or whole numbers, the class of each image (column "label", role target). metadata: columns of
        n cells each. fewest: images that every class must have at least; 1 for parts of a larger set.
        Raises DataError holding all problems.
        """
        problems: list[Problem] = []
        array = _pixel_array(pixels, problems)
        n = 0 if array is None else len(array)
        cells = None if labels is None else _label_cells(labels, problems)
        extra = _metadata_table(metadata, problems)
        for what, size in (("labels", cells), *((f"values of {name!r}", extra[name]) for name in extra.column_names)):
            if array is not None and size is not None and len(size) != n:
                problems.append(Problem(f"There are {n:,} images and {len(size):,} {what}.", fix="give one for each"))
        if cells is not None:
            problems += _class_problems(cells, fewest)
        if problems or array is None:
            raise DataError.of(problems)
        return cls._built(array, cells, extra, notes)

    @classmethod
    def _built(cls, array: np.ndarray, labels: pa.Array | None, extra: pa.Table, notes: Sequence[Note]) -> Self:
        shape = (int(array.shape[1]), int(array.shape[2]), int(array.shape[3]))
        columns = [image_column(shape)]
        cells: dict[str, Any] = {IMAGE: image_cells(array)}
        if labels is not None:
            columns.append(label_column(labels))
            cells[LABEL] = labels
        found: list[Note] = list(notes)
        if extra.num_columns:
            extra, added = without_nan(extra)
            found += added
            columns += infer_schema(extra).columns
            cells |= {name: extra.column(name) for name in extra.column_names}
        return cls({MAIN: pa.table(cells)}, Schema(modality=cls.modality, columns=tuple(columns)), found)

    def _problems(self) -> list[Problem]:
        found = super()._problems()
        if found:
            return found
        images = [column for column in self.schema.columns if column.kind == "image"]
        if len(images) != 1 or images[0].name != IMAGE:
            return [Problem(f"A set of images has one column of images, called {IMAGE!r}.", "schema", "rename it")]
        found += _stored_problems(images[0], self.arrow.column(IMAGE))
        for column in self.schema.columns:
            if column.kind != "image":
                cells = self.arrow.column(column.name)
                found += [
                    _cell_problem(column, cells, what, wrong, fix) for what, wrong, fix in wrong_cells(column, cells)
                ]
        target = self.schema.target
        if target is not None:
            found += _target_problems(self.schema[target], self.arrow.column(target))
        return found

    @property
    def shape(self) -> Shape:
        """Height, width and channels."""
        return shape_of(self.schema)

    def pixels(self) -> np.ndarray:
        """All images: (n, h, w, c) uint8, read-only; no copy is made of one chunk."""
        cells = self.arrow.column(IMAGE)
        parts = [_chunk_pixels(chunk, self.shape) for chunk in cells.chunks if len(chunk)]
        if not parts:
            return np.zeros((0, *self.shape), dtype=np.uint8)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def labels(self) -> np.ndarray | None:
        """The class of each image, as text or whole numbers; None when no column is the target."""
        target = self.schema.target
        return None if target is None else np.asarray(_plain(self.arrow.column(target)).to_pylist())

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes that the schema lists, in order; empty without labels."""
        target = self.schema.target
        return () if target is None else tuple(self.schema[target].categories or ())

    def codes(self) -> np.ndarray | None:
        """The place of each image's class in `classes`: (n,) int64; None without labels."""
        labels = self.labels()
        if labels is None:
            return None
        place = {level: i for i, level in enumerate(self.classes)}
        return np.array([place[level] for level in labels.tolist()], dtype=np.int64)

    def _repr_html_(self) -> str:
        shown = self.select(np.arange(min(len(self), _THUMBNAILS)))
        sheet = contact_sheet(shown.pixels(), 10)
        width = 10 * max(32, self.shape[1])
        picture = f'<img src="{data_uri(sheet)}" alt="the first {len(shown)} images" width="{width}"'
        return f'<p>{html.escape(repr(self))}</p>{picture} style="image-rendering:pixelated">'

    def __repr__(self) -> str:
        h, w, c = self.shape
        of = f", {len(self.classes)} classes" if self.classes else ""
        return f"<ImageSet {len(self):,} images of {h} x {w} x {c}{of}>"


# -- storage


def image_column(shape: Shape) -> Column:
    """The schema's entry for images of this shape."""
    h, w, c = shape
    dtype = f"fixed_size_binary[{h * w * c}]"
    return Column(name=IMAGE, kind="image", dtype=dtype, nullable=False, format=f"{h}x{w}x{c}")


def label_column(cells: pa.Array) -> Column:
    """The schema's entry for the classes in these cells, which become its categories in ascending order."""
    levels = tuple(sorted(pc.unique(cells).to_pylist()))
    return Column(name=LABEL, kind="category", dtype=str(cells.type), role="target", nullable=False, categories=levels)


def image_cells(pixels: np.ndarray) -> pa.Array:
    """Pixels (n, h, w, c) uint8 as cells of fixed length."""
    n, width = len(pixels), int(np.prod(pixels.shape[1:]))
    content = pa.py_buffer(np.ascontiguousarray(pixels, dtype=np.uint8).tobytes())
    return pa.Array.from_buffers(pa.binary(width), n, [None, content])


def shape_of(schema: Schema) -> Shape:
    """Height, width and channels as the schema says. Raises DataError."""
    column = schema[IMAGE]
    found = _SHAPE.fullmatch(column.format or "")
    if found is None:
        raise DataError(
            f"The format of the images is {column.format!r}.",
            where="schema",
            fix='write it as "28x28x1": h, w, channels',
        )
    return int(found[1]), int(found[2]), int(found[3])


def sample_set(schema: Schema, pixels: np.ndarray, labels: Sequence[Any] | None) -> ImageSet:
    """Images that a model made, with the columns of `schema`; what it does not make stays empty.

    labels: of the target column, one each; None when the schema has no target. Raises DataError.
    """
    cells: dict[str, Any] = {}
    columns = []
    for column, kind in zip(schema.columns, _arrow_types(schema), strict=True):
        if column.name == IMAGE:
            cells[IMAGE] = image_cells(pixels)
        elif column.name == schema.target:
            cells[column.name] = pa.array(labels, kind)
        else:
            cells[column.name] = pa.nulls(len(pixels), kind)
            column = column.model_copy(update={"nullable": True})
        columns.append(column)
    return ImageSet({MAIN: pa.table(cells)}, schema.model_copy(update={"columns": tuple(columns)}))


def unlearned(schema: Schema) -> tuple[str, ...]:
    """Names of the columns that models of images do not make."""
    return tuple(name for name in schema.names if name not in (IMAGE, schema.target))


def _arrow_types(schema: Schema) -> list[pa.DataType]:
    from synthwright.data.schema import arrow_type

    return [pa.binary(1) if column.name == IMAGE else arrow_type(column.dtype) for column in schema.columns]


def _chunk_pixels(chunk: pa.Array, shape: Shape) -> np.ndarray:
    width = chunk.type.byte_width
    whole = np.frombuffer(chunk.buffers()[1], dtype=np.uint8)
    return whole[chunk.offset * width : (chunk.offset + len(chunk)) * width].reshape(len(chunk), *shape)


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells


# -- checks


def _pixel_array(given: Any, problems: list[Problem]) -> np.ndarray | None:
    """The images as (n, h, w, c) uint8, or None once problems say why not."""
    if not isinstance(given, np.ndarray):
        if not isinstance(given, Sequence) or isinstance(given, str | bytes):
            kind = type(given).__name__
            problems.append(Problem(f"Pixels are an array, not a {kind}.", "pixels", "pass numpy.asarray(images)"))
            return None
        stacked = _stacked(given, problems)
        if stacked is None:
            return None
        given = stacked
    if given.dtype != np.uint8:
        numeric = given.size > 0 and given.dtype.kind in "biuf"
        ends = f" from {given.min()} to {given.max()}" if numeric else ""
        scaled = "pixels * 255" if numeric and given.dtype.kind == "f" and not given.max() > 1 else "pixels"
        fix = f"convert them: ({scaled}).round().clip(0, 255).astype('uint8')"
        problems.append(Problem(f"Pixels are {given.dtype}{ends}, not uint8.", "pixels", fix))
    array = np.asarray(given[..., None] if given.ndim == 3 else given)
    if array.ndim != 4:
        what = f"Pixels have the shape {given.shape}; (images, height, width) or with channels is needed."
        problems.append(Problem(what, "pixels", "reshape them; one image is pixels[None]"))
        return None
    n, h, w, c = array.shape
    if c not in (1, 3):
        what = f"Images have {c} channels; 1 (grey) and 3 (RGB) are known."
        problems.append(Problem(what, "pixels", "drop the alpha channel, or put channels last: (n, h, w, c)"))
    if min(h, w) < SHORTEST_SIDE:
        problems.append(Problem(f"Images of {h} x {w} pixels are too small.", "pixels", "use 2 x 2 pixels or more"))
    if n == 0:
        problems.append(Problem("There are no images.", "pixels", "check the source"))
    return array


def _stacked(given: Sequence[Any], problems: list[Problem]) -> np.ndarray | None:
    try:
        images = [np.asarray(one) for one in given]
    except ValueError as error:
        problems.append(Problem(f"An image is no array: {error}", "pixels", "give each image as rows of equal length"))
        return None
    if not images:
        problems.append(Problem("There are no images.", "pixels", "check the source"))
        return None
    shapes = [image.shape for image in images]
    usual = max(dict.fromkeys(shapes), key=shapes.count)
    odd = [i for i, shape in enumerate(shapes) if shape != usual]
    if odd:
        shown = ", ".join(f"image {i} {shapes[i]}" for i in odd[:_SHOWN])
        what = f"Images differ in size: most are {usual}, {len(odd):,} are not: {shown}."
        problems.append(
            Problem(
                what, "pixels", "crop them to one size, or have files of them resized: read(folder, image_size=(h, w))"
            )
        )
        return None
    return np.stack(images)


def _label_cells(given: Any, problems: list[Problem]) -> pa.Array | None:
    """Labels as an Arrow array of text or int64, or None once a problem says why not."""
    try:
        cells = pa.array(given.to_pylist() if isinstance(given, pa.ChunkedArray | pa.Array) else list(given))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        problems.append(Problem(f"Labels are of no one type: {error}", "labels", "use texts, or whole numbers"))
        return None
    missing = np.asarray(pc.is_null(cells, nan_is_null=True))
    if missing.any():
        rows = np.flatnonzero(missing)
        shown = ", ".join(f"image {i}" for i in rows[:_SHOWN])
        fix = "label them, or leave these images out"
        problems.append(Problem(f"{len(rows):,} labels are missing: {shown}.", "labels", fix))
        return None
    kind = cells.type
    if pa.types.is_floating(kind) and bool(np.all(np.asarray(cells) == np.round(np.asarray(cells)))):
        fix = "convert them: labels.astype(int)"
        problems.append(Problem(f"Labels are {kind} numbers.", "labels", fix))
        return None
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        problems.append(Problem(f"Labels are of type {kind}.", "labels", "use texts, or whole numbers"))
        return None
    return cells.cast(pa.int64() if pa.types.is_integer(kind) else pa.string())


def _metadata_table(given: Mapping[str, Any] | pa.Table | None, problems: list[Problem]) -> pa.Table:
    if given is None:
        return pa.table({})
    if any(name in (IMAGE, LABEL) for name in (given.column_names if isinstance(given, pa.Table) else given)):
        fix = "rename the column; classes are given as labels="
        problems.append(Problem(f"The names {IMAGE!r} and {LABEL!r} are taken.", "metadata", fix))
        return pa.table({})
    try:
        return given if isinstance(given, pa.Table) else pa.table(dict(given))
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError) as error:
        fix = "give columns of one length and one type each"
        problems.append(Problem(f"The metadata are no table: {error}", "metadata", fix))
        return pa.table({})


def _class_problems(cells: pa.Array, fewest: int) -> list[Problem]:
    found = []
    counts = {item["values"]: item["counts"] for item in pc.value_counts(cells).to_pylist()}
    rare = sorted(level for level, count in counts.items() if count < fewest)
    if rare:
        words = listing([f"{level!r} ({counts[level]})" for level in rare], 5)
        fix = "add images of these classes, leave them out, or pass fewest=1 for a part of a larger set"
        subject = counted(len(rare), "class has", "classes have")
        found.append(Problem(f"{subject} fewer than {fewest} images: {words}.", "labels", fix))
    if len(counts) > MOST_CLASSES:
        fix = "join classes, or give the column as metadata"
        found.append(Problem(f"There are {len(counts)} classes; {MOST_CLASSES} are the most.", "labels", fix))
    return found


def _stored_problems(column: Column, cells: pa.ChunkedArray) -> list[Problem]:
    found = _SHAPE.fullmatch(column.format or "")
    if found is None:
        fix = 'write it as "28x28x1": height, width, channels'
        return [Problem(f"The format of the images is {column.format!r}.", f"column {IMAGE!r}", fix)]
    h, w, c = (int(part) for part in found.groups())
    if c not in (1, 3) or min(h, w) < SHORTEST_SIDE:
        what = f"Images of {h} x {w} pixels in {c} channels are not known."
        return [Problem(what, f"column {IMAGE!r}", "use 2 x 2 pixels or more in 1 or 3 channels")]
    if cells.type != pa.binary(h * w * c):
        what = f"Images of {h} x {w} x {c} are cells of {h * w * c} bytes; these are {cells.type}."
        return [Problem(what, f"column {IMAGE!r}", "make the set with ImageSet.of(pixels)")]
    if cells.null_count:
        return [Problem(f"{cells.null_count:,} images are missing.", f"column {IMAGE!r}", "leave these rows out")]
    return []


def _cell_problem(column: Column, cells: pa.ChunkedArray, what: str, wrong: pa.ChunkedArray, fix: str) -> Problem:
    fix = fix.split(", or read(")[0]  # on_invalid is for tables
    rows = pc.indices_nonzero(wrong).to_pylist()
    shown = ", ".join(f"image {row} ({cells[row].as_py()})" for row in rows[:_SHOWN])
    return Problem(f"{len(rows):,} values of {column.name!r} {what}: {shown}.", f"column {column.name!r}", fix)


def _target_problems(column: Column, cells: pa.ChunkedArray) -> list[Problem]:
    where = f"column {column.name!r}"
    if not column.is_discrete:
        fix = "give it the kind category in the schema, or another role"
        return [Problem(f"The class of an image is a category; {column.name!r} is {column.kind}.", where, fix)]
    found = []
    if cells.null_count:
        fix = "label them, or leave these images out"
        found.append(Problem(f"{cells.null_count:,} images have no class.", where, fix))
    if column.categories is None:
        found.append(Problem("The classes are not listed.", where, "list them in the schema: categories"))
    elif len(column.categories) > MOST_CLASSES:
        what = f"There are {len(column.categories)} classes; {MOST_CLASSES} are the most."
        found.append(Problem(what, where, "join classes, or give the column another role"))
    return found
