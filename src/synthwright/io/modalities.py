"""Reading and writing of what is no table: images in folders, series in long files, texts as records.

Parquet and Arrow files written here carry the schema, so that they are read back as what they were.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from synthwright.core.context import Note
from synthwright.core.errors import ConfigError, DataError, Problem, ReadError, SchemaError, Unsupported, listing
from synthwright.data.dataset import DATASETS, Dataset, dataset_class
from synthwright.data.schema import MAIN, Schema
from synthwright.data.sequence_guess import found_shape
from synthwright.io import frames
from synthwright.io.files import SUFFIXES, File, embedded_schema, load_file, read_binary
from synthwright.io.saving import save_file
from synthwright.io.streams import split_suffix

if TYPE_CHECKING:
    import pyarrow as pa

    from synthwright.data.images import ImageSet

_FORMS = {  # modality -> the formats and suffixes it can be written in, and these in words
    "images": (("parquet", "arrow", ".npz", ""), "a folder, .npz, .parquet or .arrow"),
    "text": (("parquet", "arrow", "jsonl"), ".jsonl, .parquet or .arrow"),
}


class Form(NamedTuple):
    """What a source holds, where that cannot be seen: its modality, what names and orders series, the images' size."""

    modality: str = "auto"
    entity: str | None = None
    order: str | None = None
    static: tuple[str, ...] = ()
    size: tuple[int, int] | None = None  # height and width that images are resized to


def checked_size(given: Any) -> tuple[int, int] | None:
    """Height and width from one number or two. Raises ConfigError."""
    from synthwright.data.images import LONGEST_SIDE, SHORTEST_SIDE

    if given is None:
        return None
    sides = given if isinstance(given, tuple | list) else (given, given)
    if len(sides) != 2 or any(
        not isinstance(side, int) or isinstance(side, bool) or not SHORTEST_SIDE <= side <= LONGEST_SIDE
        for side in sides
    ):
        raise ConfigError(
            f"{given!r} is no size of images.",
            where="image_size",
            fix=f"give one side, or (height, width), of {SHORTEST_SIDE} to {LONGEST_SIDE:,} pixels",
        )
    return int(sides[0]), int(sides[1])


def modality_of(source: Any, form: Form, schema: Schema | None) -> str:
    """The modality that was asked for, else the one the source shows. Raises ConfigError."""
    if form.modality not in ("auto", *DATASETS):
        raise ConfigError(
            f"Unknown modality {form.modality!r}.", where="modality", fix=f"use auto or one of: {listing(DATASETS)}"
        )
    found = _seen(source, form, schema) if form.modality == "auto" else form.modality
    if found != "series" and (form.entity or form.order or form.static):
        raise ConfigError(
            f"entity, order and static describe series, not {found}.",
            where="modality",
            fix='leave them out, or use modality="series"',
        )
    if found != "images" and form.size:
        raise ConfigError(
            f"An image size describes images, not {found}.", where="image_size", fix="leave it out, or name images"
        )
    if schema is not None and schema.modality != found:
        raise ConfigError(
            f"The schema is of modality {schema.modality!r}, the data are read as {found!r}.",
            where="schema",
            fix=f'give a schema of the same modality, or modality="{schema.modality}"',
        )
    return found


def _seen(source: Any, form: Form, schema: Schema | None) -> str:
    if schema is not None:
        return schema.modality
    if isinstance(source, Dataset):
        return source.modality
    if form.entity or form.order or form.static:
        return "series"
    path = _path(source)
    if path is None or not path.exists():
        return "table"
    suffix, _ = split_suffix(path)
    if path.is_dir() or suffix == ".npz":
        return "images"
    kind = SUFFIXES.get(suffix)
    if kind in ("parquet", "arrow"):
        embedded = embedded_schema(File(path=path))
        return embedded.modality if embedded else "table"
    return "text" if kind == "jsonl" and _holds_records(path) else "table"


def _path(source: Any) -> Path | None:
    if isinstance(source, File):
        return source.path
    if isinstance(source, str | Path) and source != "-" and "://" not in str(source):
        return Path(source).expanduser()
    return None


def _holds_records(path: Path) -> bool:
    """Whether the first line is a record of a corpus rather than a row of a table."""
    try:
        with path.open(encoding="utf-8") as stream:
            first = json.loads(stream.readline(1 << 20))
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and isinstance(first.get("messages"), list) and "framework" in first


def holds_images(folder: Path) -> bool:
    """Whether there is a picture anywhere in a folder."""
    from synthwright.io.folders import SUFFIXES as PICTURES

    return any(path.suffix.lower() in PICTURES for path in folder.rglob("*"))


def read_other(modality: str, source: Any, schema: Schema | None, form: Form) -> Dataset:
    """Read series, images or texts. Raises ReadError, DataError, SchemaError, MissingExtra."""
    if isinstance(source, Dataset):
        if source.modality != modality:
            raise ConfigError(f"The data are of modality {source.modality!r}, not {modality!r}.", where="modality")
        return _sized(source, form.size)
    path = _path(source)
    if path is not None and SUFFIXES.get(split_suffix(path)[0]) in ("parquet", "arrow"):
        file = source if isinstance(source, File) else File(path=path)
        wanted = schema or embedded_schema(file)
        if wanted is not None and wanted.modality == modality:
            table = read_binary(file, None).replace_schema_metadata(None)
            try:
                return _sized(dataset_class(modality).from_arrow(table, wanted), form.size)
            except DataError as error:
                raise DataError.of(placed(error.problems, path)) from error
    readers = {"series": _read_series, "images": _read_images, "text": _read_text}
    try:
        return readers[modality](source, path, schema, form)
    except DataError as error:
        raise DataError.of(placed(error.problems, path)) from error


def placed(problems: Sequence[Problem], path: Path | None) -> list[Problem]:
    """Problems of data, with the file or folder they were read from in front of each place that does not name it."""
    if path is None:
        return list(problems)
    return [
        one if str(path) in one.where else replace(one, where=", ".join(filter(None, (str(path), one.where))))
        for one in problems
    ]


def _read_series(source: Any, path: Path | None, schema: Schema | None, form: Form) -> Dataset:
    from synthwright.data.sequences import SeriesSet

    if path is None:
        table, guessed = frames.as_arrow(source), None
        notes: tuple[Note, ...] = ()
    else:
        file = source if isinstance(source, File) else File(path=path)
        loaded = load_file(file, schema=flat_schema(schema) if schema else None, null_words=None, rows=None)
        if loaded.misfits:
            raise ReadError(
                f"Cells do not fit the schema in: {listing(sorted(loaded.misfits))}.",
                where=str(path),
                fix="correct the cells or the schema",
            )
        table, notes, guessed = loaded.table, loaded.notes, loaded.schema
    if schema is not None:
        written = schema if guessed is None else schema.model_copy(update={"csv": guessed.csv})
        return SeriesSet.from_arrow(table, written, notes)
    entity, order, seen = _named_series(table, form)
    made = SeriesSet.of(table, entity=entity, order=order, static=form.static or None)
    return _with_roles(made, guessed, (*notes, *seen))


def _named_series(table: pa.Table, form: Form) -> tuple[str | None, str | None, list[Note]]:
    """Which columns name and order series: those that were given, the others as the rows show them, with a Note."""
    absent = [name for name in (form.entity, form.order) if name is not None and name not in table.column_names]
    if absent or (form.entity and form.order):
        return form.entity, form.order, []
    shape = found_shape(table, entity=form.entity, order=form.order)
    if shape is None:
        words = "steps are the rows in their order" if form.entity else "all rows are one series"
        return form.entity, form.order, [Note("Q006", f"{words}: no other column names or orders them", "series")]
    if shape == (form.entity, form.order):
        return form.entity, form.order, []
    return *shape, [Note("Q005", f"read with {shape.words}, as the rows show; name others if this is wrong", "series")]


def _with_roles(made: Dataset, guessed: Schema | None, notes: Any) -> Dataset:
    """The dataset with the notes of reading, and how texts were written (date formats, decimals)."""
    formats = {c.name: c for c in guessed.columns} if guessed else {}
    columns = tuple(
        c.model_copy(update={"format": formats[c.name].format, "step": formats[c.name].step or c.step})
        if c.name in formats
        else c
        for c in made.schema.columns
    )
    schema = made.schema.model_copy(update={"columns": columns, "csv": guessed.csv if guessed else None})
    return type(made)(made.tables, schema, (*made.notes, *notes))


def _read_images(source: Any, path: Path | None, schema: Schema | None, form: Form) -> Dataset:
    if path is not None and path.is_dir() and not holds_images(path):
        raise ReadError(
            "The folder holds no images.", where=str(path), fix="name a file, or a folder with PNG or JPEG files in it"
        )
    if path is None:
        raise Unsupported(
            f"Images are read from a folder or an .npz file, not from a {type(source).__name__}.",
            fix="wrap pixels: ImageSet.of(pixels, labels)",
        )
    from synthwright.data.images import IMAGE
    from synthwright.io.folders import read_images

    found = read_images(path, size=form.size)
    if schema is not None and form.size is not None and IMAGE in schema:  # the size that was asked for wins
        own = found.schema[IMAGE]
        schema = schema.edit({IMAGE: {"format": own.format, "dtype": own.dtype}})
    return _under(found, schema, path)


def _sized(found: Dataset, size: tuple[int, int] | None) -> Dataset:
    if size is None:
        return found
    from synthwright.io.pictures import resized

    return resized(cast("ImageSet", found), size)


def _read_text(source: Any, path: Path | None, schema: Schema | None, form: Form) -> Dataset:
    from synthwright.io.corpora import read_corpus

    if path is None:
        raise Unsupported(
            f"Texts are read from .jsonl or .parquet, not from a {type(source).__name__}.",
            fix="wrap records: Corpus.of(records)",
        )
    return _under(read_corpus(path), schema, path)


def _under(found: Dataset, schema: Schema | None, path: Path) -> Dataset:
    """The data under the schema that was given, which has to be of the same columns."""
    if schema is None:
        return found
    if set(schema.names) != set(found.schema.names):
        odd = sorted(set(schema.names) ^ set(found.schema.names))
        raise SchemaError(
            f"The schema does not describe the data: {listing(odd)} stand in one of them only.",
            where=str(path),
            fix="correct it, or write one by: synthwright inspect DATA --write FILE",
        )
    return found.replace({}, schema)


def flat_schema(schema: Schema) -> Schema:
    """The schema of the flat table of a dataset: every column once, in one table."""
    seen: dict[str, Any] = {}
    for column in schema.columns:
        seen.setdefault(column.name, column.model_copy(update={"table": MAIN}))
    return Schema(columns=tuple(seen.values()), csv=schema.csv)


def saved_schema(schema: Schema, names: Sequence[str], file: File) -> Schema | None:
    """By which schema the flat table (columns `names`) goes into a file; None when the file holds something else."""
    if schema.modality == "table" or file.kind in ("parquet", "arrow"):
        return schema
    if schema.modality != "series":
        return None
    by_name = {column.name: column for column in flat_schema(schema).columns}
    return Schema(columns=tuple(by_name[name] for name in names), csv=schema.csv)


def check_form(modality: str, file: File) -> None:
    """Refuse a file that cannot hold the modality, before there is anything to write. Raises Unsupported."""
    forms, words = _FORMS.get(modality, (None, ""))
    suffix, _ = split_suffix(file.path)
    if forms is not None and (file.format or SUFFIXES.get(suffix) or suffix) not in forms:
        raise Unsupported(
            f"{modality.capitalize()} cannot be written as {suffix or 'a folder'}.",
            where=str(file.path),
            fix=f"use {words}",
        )


def write_other(data: Dataset, target: str | Path | File) -> Path:
    """Write series, images or texts; the suffix decides the form. Raises WriteError, Unsupported, MissingExtra."""
    file = target if isinstance(target, File) else File(path=Path(target).expanduser())
    check_form(data.modality, file)
    suffix, _ = split_suffix(file.path)
    if data.modality == "images" and suffix in ("", ".npz"):
        from synthwright.io.folders import write_images

        return write_images(cast("ImageSet", data), file.path)
    flat = data.to_arrow()
    schema = saved_schema(data.schema, flat.column_names, file)
    if schema is not None:
        return save_file(flat, schema, file)
    from synthwright.io.corpora import write_corpus

    return write_corpus(data, file.path)
