"""The one file that a person writes for a run: data, generator, sample, evaluation, and where to.

Paths in a recipe file are relative to the folder of that file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import ConfigDict, Field, field_validator, model_validator

from synthwright.core.config import Config, build
from synthwright.core.errors import ConfigError

Modality = Literal["auto", "table", "series", "images", "text"]
Format = Literal["same", "csv", "jsonl", "parquet", "arrow"]


class SplitSection(Config):
    """How the real data are divided before anything is learned."""

    fractions: tuple[float, float, float] = Field(
        (0.6, 0.2, 0.2), description="Shares of the train, holdout and test parts; they add up to 1."
    )
    group: str | None = Field(
        None, description="Column whose equal values stay in one part, such as a patient's number."
    )
    order: str | None = Field(None, description="Column with moments: train lies before holdout, holdout before test.")
    seed: int = Field(0, ge=0, description="Seed of the division.")


class DataSection(Config):
    """Where the real data come from and what they mean."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, populate_by_name=True)

    read: str | None = Field(
        None,
        min_length=1,
        description="What to read: CSV, JSONL, Parquet, Arrow, a folder of images, a database URL; nothing for "
        "methods that make data from their options alone.",
    )
    modality: Modality = Field("auto", description="What the data are; `auto` looks at the source.")
    entity: str | None = Field(None, description="Series: the column that tells one series from another.")
    order: str | None = Field(None, description="Series: the column with moments or places within a series.")
    static: tuple[str, ...] = Field(
        (), description="Series: columns that do not change within a series; found when empty."
    )
    image_size: tuple[int, int] | None = Field(
        None, description="Images: height and width that they are resized to; one number is both."
    )
    schema_file: str | None = Field(None, alias="schema", description="Schema file; inferred when absent.")
    target: str | None = Field(None, description="Column that a model should predict; makes usefulness measurable.")
    split: SplitSection = Field(default_factory=SplitSection, description="Train, holdout and test.")

    @field_validator("image_size", mode="before")
    @classmethod
    def _one_number_is_both(cls, given: object) -> object:
        return (given, given) if isinstance(given, int) and not isinstance(given, bool) else given


class GeneratorSection(Config):
    """Which method learns, and its options beside it: `{use: cart, bags: 16}`."""

    model_config = ConfigDict(frozen=True, extra="allow", validate_default=True)

    use: str = Field("auto", min_length=1, description="Name of a generator; `synthwright generators` lists them.")
    seed: int = Field(0, ge=0, description="Seed of the fit.")

    @property
    def options(self) -> dict[str, Any]:
        """The method's own options."""
        return dict(self.model_extra or {})


class SampleSection(Config):
    """How many rows are made, and which."""

    rows: int | None = Field(None, ge=1, description="Rows to make; as many as the real data have when absent.")
    where: str | None = Field(
        None, description="Condition that every row keeps, for example: age >= 65 and sex == 'F'."
    )
    seed: int = Field(1, ge=0, description="Seed of the sample.")
    format: Format = Field("same", description="Form of the result; `same` is that of the data.")


class EvaluateSection(Config):
    """What is measured."""

    metrics: Literal["all"] | tuple[str, ...] = Field(
        "all", description="`all`, or names or axes; see `synthwright metrics`."
    )
    seed: int = Field(0, ge=0, description="Seed of the evaluation.")


class Recipe(Config):
    """A run as a value: the same recipe, data and versions give the same bytes."""

    data: DataSection = Field(default_factory=DataSection, description="The real data.")
    generator: GeneratorSection = Field(default_factory=GeneratorSection, description="The method.")
    sample: SampleSection = Field(default_factory=SampleSection, description="The rows to make.")
    evaluate: EvaluateSection = Field(default_factory=EvaluateSection, description="The judgement.")
    out: str = Field("", description="Run folder; runs/NAME-OF-THE-DATA when empty.")

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if not self.out:
            object.__setattr__(self, "out", f"runs/{_stem(self.data.read or self.generator.use)}")
        return self

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any], *, where: str = "recipe") -> Self:
        """A recipe from nested mappings. Raises ConfigError listing every wrong option with its path."""
        return build(cls, document, where=where)

    @classmethod
    def load(cls, path: str | Path, *, changes: Mapping[str, Any] | None = None) -> Self:
        """Read a recipe file; `changes` (from `--set`) win over it. Raises ConfigError."""
        source = Path(path)
        document = read_yaml(source)
        merged = merge(document, changes or {})
        return cls.from_mapping(merged, where=str(path)).relative_to(source.parent)

    def relative_to(self, folder: Path) -> Self:
        """The recipe with its paths seen from `folder`."""
        data = self.data.model_copy(
            update={
                "read": _seen_from(folder, self.data.read) if self.data.read else None,
                "schema_file": _seen_from(folder, self.data.schema_file) if self.data.schema_file else None,
            }
        )
        return self.model_copy(update={"data": data, "out": _seen_from(folder, self.out)})

    def to_mapping(self) -> dict[str, Any]:
        """Nested plain mappings with every default filled in."""
        return self.model_dump(mode="json", by_alias=True)

    def to_yaml(self) -> str:
        """The recipe as YAML, sections in the order of this module."""
        return to_yaml(self.to_mapping())

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema of a recipe file, for editors and forms."""
        return cls.model_json_schema(by_alias=True)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises ConfigError with line and column."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "There is no such recipe.", where=str(path), fix="check the path, or: synthwright init DATA"
        ) from None
    except OSError as error:
        raise ConfigError(f"Cannot open the recipe: {error.strerror}.", where=str(path), fix="name a file") from error
    except UnicodeDecodeError as error:
        raise ConfigError("The recipe is not UTF-8 text.", where=str(path), fix="save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        what = getattr(error, "problem", None) or "it cannot be parsed"
        raise ConfigError(f"The recipe is not valid YAML: {what}.", where=place, fix="correct the line") from error
    if not isinstance(document, dict):
        raise ConfigError(
            "A recipe is a mapping with the keys data, generator, sample, evaluate, out.",
            where=str(path),
            fix="synthwright init DATA writes one",
        )
    return document


def to_yaml(document: Mapping[str, Any]) -> str:
    """YAML in the order of the mapping, Unicode kept."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)


def merge(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings laid over each other; the second wins."""
    result = dict(document)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def is_url(source: str) -> bool:
    """Whether `read` names a database or another address instead of a file."""
    return "://" in source


def _seen_from(folder: Path, path: str) -> str:
    return path if is_url(path) or Path(path).is_absolute() else str(folder / path)


def _stem(source: str) -> str:
    name = Path(source.partition("::")[0].rpartition("/")[2] if is_url(source) else source).name
    return name.partition(".")[0] or "data"


_TEMPLATE = """\
# A synthwright recipe. Run it with:   synthwright run {name}
# Paths are relative to this file. Everything that is commented out shows its default.

data:
  read: {read}
  # modality: auto   # or table, series, images, text; auto looks at the source
  # entity: null     # series: column that tells one from another
  # order: null      # series: column with moments or places within one
  # static: []       # series: columns that do not change within one; found when empty
{size}
  # schema: {schema}   # kinds, roles and rules; written by: synthwright inspect DATA --write FILE
{target}
  # split:
  #   fractions: [0.6, 0.2, 0.2]   # train, holdout, test
  #   group: null                  # column whose equal values stay together, such as a person's number
  #   order: null                  # column with moments: learn from the past, judge on the future
  #   seed: 0

generator:
  use: auto                        # or one of: {generators}
  # seed: 0
  # Options of the method stand here too; synthwright generators NAME lists them.

sample:
  rows: {rows}
  # where: {where}
  # seed: 1
  # format: same                   # or csv, jsonl, parquet, arrow

# evaluate:
#   metrics: all                   # or names and axes, such as [fidelity, privacy]; see: synthwright metrics
#   seed: 0

out: {out}
"""


_NO_SIZE = "  # image_size: null # images: [height, width] that they are resized to"


def template(
    read: str,
    *,
    rows: int,
    columns: tuple[str, ...],
    target: str | None,
    name: str = "recipe.yaml",
    image_size: tuple[int, int] | None = None,
) -> str:
    """A commented recipe, ready to run. columns: the first serves as the example of a condition."""
    from synthwright.core.registry import names

    hint = f"  # target: {_scalar(columns[-1])}   # column to predict; makes usefulness measurable"
    aim = f"  target: {_scalar(target)}" if target else hint
    return _TEMPLATE.format(
        name=name,
        read=_scalar(read),
        schema=_scalar(f"{_stem(read)}.schema.json"),
        out=_scalar(f"runs/{_stem(read)}"),
        target=aim,
        size=f"  image_size: {list(image_size)}" if image_size else _NO_SIZE,
        generators=", ".join(names("generators")),
        rows=rows,
        where=_scalar(f"{columns[0]} is not null"),
    )


def _scalar(text: str) -> str:
    """One YAML scalar on one line, quoted where YAML needs it."""
    plain = yaml.safe_dump(text, allow_unicode=True, width=10**6).removesuffix("\n").removesuffix("...").rstrip("\n")
    return (
        plain if "\n" not in plain else json.dumps(text, ensure_ascii=False)
    )  # JSON text is YAML, and stays on one line
