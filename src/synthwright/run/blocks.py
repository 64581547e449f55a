"""A sample as numbered parts on disk: which parts there are, which are missing, and how they become one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthwright.core.errors import FormatError
from synthwright.core.store import atomic_file
from synthwright.data.dataset import Dataset, dataset_class
from synthwright.data.schema import Schema

_UNITS = b"synthwright.units"  # how many units a part holds: a series has many rows


@dataclass(frozen=True)
class Blocks:
    """The parts of one sample: `rows` units in blocks of `size`, in `folder`."""

    folder: Path
    rows: int
    size: int

    def __len__(self) -> int:
        return -(-self.rows // self.size)

    def path(self, index: int) -> Path:
        """Where block `index` is written."""
        return self.folder / f"part-{index:05d}.parquet"

    def units(self, index: int) -> int:
        """How many units of the sample block `index` contributes; only the last is cut."""
        return min(self.size, self.rows - index * self.size)

    def is_done(self, index: int) -> bool:
        """Whether block `index` exists, is readable and holds as many units as the sample needs of it."""
        path = self.path(index)
        if not path.is_file():
            return False
        try:
            return int(pq.read_schema(path).metadata[_UNITS]) >= self.units(index)
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            return False

    def missing(self) -> list[int]:
        """Numbers of the blocks that still have to be made."""
        return [index for index in range(len(self)) if not self.is_done(index)]

    def made(self) -> int:
        """Units of the sample that exist."""
        return sum(self.units(index) for index in range(len(self)) if self.is_done(index))

    def write(self, index: int, block: Dataset) -> int:
        """Write a block in one step. Returns the units it contributes. Raises WriteError."""
        write_part(block, self.path(index))
        return self.units(index)

    def parts(self, schema: Schema) -> Iterator[Dataset]:
        """The blocks in order, the last cut to length. Raises FormatError for one that does not fit the schema."""
        kind = dataset_class(schema.modality)
        for index in range(len(self)):
            try:
                table = pq.read_table(self.path(index))
            except (pa.ArrowException, OSError) as error:
                raise FormatError(
                    f"A block cannot be read: {error}", where=str(self.path(index)), fix="delete it and resume the run"
                ) from error
            block = kind.from_arrow(table.replace_schema_metadata(None), schema)
            yield block if len(block) == self.units(index) else block.select(range(self.units(index)))

    def joined(self, schema: Schema) -> Dataset:
        """The whole sample."""
        parts = list(self.parts(schema))
        return parts[0].concat(parts)

    def drawn(self, schema: Schema, most: int, rng: np.random.Generator) -> Dataset:
        """The whole sample, or `most` units of it drawn at random without repetition, in order; memory is theirs."""
        if self.rows <= most:
            return self.joined(schema)
        units = np.sort(rng.choice(self.rows, size=most, replace=False, shuffle=False))
        cuts = np.searchsorted(units, np.arange(len(self) + 1) * self.size)
        kept = []
        for index, part in enumerate(self.parts(schema)):
            own = units[cuts[index] : cuts[index + 1]] - index * self.size
            if len(own):
                kept.append(part.select(own))
        return kept[0].concat(kept)


def write_part(block: Dataset, path: Path) -> None:
    """Write one block as Parquet in one step; the bytes depend on its content alone. Raises WriteError."""
    with atomic_file(path) as temporary:
        table = block.to_arrow().replace_schema_metadata({_UNITS: str(len(block)).encode()})
        pq.write_table(table, temporary, compression="zstd")
