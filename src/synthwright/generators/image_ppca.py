"""One Gaussian with few factors per class: the floor that any network has to beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from synthwright.classic.ppca import PPCA, best_rank, spectrum
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import counted
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.images import ImageSet, sample_set
from synthwright.data.schema import Schema
from synthwright.generators.base import Ability, Generator
from synthwright.generators.image_classes import Classes

_CANDIDATES = (1, 2, 3, 4, 6, 8, 11, 15, 20, 28, 40, 56, 80, 112, 160)
_ROUNDING = 1 / 12 / 255**2  # variance of rounding to 8 bits, of pixels in 0..1
_FEWEST_TO_CHOOSE = 8  # images of a class, below which held-out likelihood says nothing


class ImagePPCAConfig(Config):
    """Options of probabilistic PCA on images."""

    factors: int | None = Field(
        None, ge=1, le=512, description="Factors per class; chosen by held-out likelihood when not given."
    )
    pixel_noise: bool = Field(False, description="Also draw the noise outside of the factors, pixel by pixel.")
    balance: bool = Field(False, description="Sample all classes equally often instead of as in the data.")


class ImagePPCA(Generator):
    """Probabilistic PCA, one model per class: smooth mixtures of a class's main variations, never sharp.

    Assumes that images of a class vary linearly around one mean, which moving objects do not. Keeps no images; a
    class of a few images has factors that are combinations of those, so its samples may resemble them.
    O(images^2 * pixels) per class. Metadata columns stay empty.

    >>> import numpy as np
    >>> data = ImageSet.of(np.random.default_rng(0).integers(0, 99, (40, 6, 6), dtype=np.uint8), ["a", "b"] * 20)
    >>> ImagePPCA(factors=3).fit(data).sample(5, where="label == 'a'").labels().tolist()
    ['a', 'a', 'a', 'a', 'a']
    """

    name: ClassVar[str] = "image_ppca"
    summary: ClassVar[str] = "images: a Gaussian with few factors per class, the floor for other methods"
    source: ClassVar[str] = "Tipping and Bishop 1999"
    config_type: ClassVar[type[Config]] = ImagePPCAConfig
    ability: ClassVar[Ability] = Ability("images", where="exact", block=512, missing=False, rows=(4, 10**6))

    def _fit(self, data: ImageSet, ctx: Context) -> None:
        self._schema = data.schema
        self._classes = Classes.fit(data, ctx, balance=self.config.balance)
        x = data.pixels().reshape(len(data), -1)
        codes = self._classes.codes(data)
        self._models: list[PPCA] = []
        for k in range(self._classes.count):
            ctx.step(k, self._classes.count, "fitting classes")
            self._models.append(self._class_model(x[codes == k] / 255.0, k, ctx))
        ctx.step(self._classes.count, self._classes.count, "fitting classes")

    def _class_model(self, x: np.ndarray, k: int, ctx: Context) -> PPCA:
        limit = max(1, min(len(x) - 1, x.shape[1] - 1))
        where = f"class {self._classes.name(k)}"
        if self.config.factors is not None:
            q = min(self.config.factors, limit)
            if q < self.config.factors:
                ctx.note(
                    "I010", f"{counted(len(x), 'image')} of {x.shape[1]} numbers: only {counted(q, 'factor')}", where
                )
        elif len(x) < _FEWEST_TO_CHOOSE:
            q = 1
            ctx.note(
                "I011",
                f"{counted(len(x), 'image is', 'images are')} too few to choose the number of factors: 1 is used",
                where,
            )
        else:
            candidates = [c for c in _CANDIDATES if c <= max(1, limit * 3 // 4)]
            q, _ = best_rank(x, candidates, ctx.rng, floor=_ROUNDING)
            ctx.note("I012", f"{q} factors, by held-out likelihood", where)
        return spectrum(x, q, ctx.rng).model(q, floor=_ROUNDING)

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> ImageSet:
        codes = self._classes.draw(n, ctx.rng, where)
        x = np.empty((n, len(self._models[0].mean)))
        for k in np.unique(codes):
            rows = np.flatnonzero(codes == k)
            x[rows] = self._models[k].draw(len(rows), ctx.rng, noise=self.config.pixel_noise)
        pixels = np.clip(np.rint(x * 255), 0, 255).astype(np.uint8)
        return sample_set(self._schema, pixels, self._classes.cells(codes))

    def _state(self) -> State:
        arrays = {}
        for k, model in enumerate(self._models):
            arrays[f"mean_{k}"], arrays[f"directions_{k}"] = model.mean, model.directions
            arrays[f"variances_{k}"], arrays[f"sigma2_{k}"] = model.variances, np.array([model.sigma2])
        return State({"schema": self._schema.to_json(), "classes": self._classes.to_json()}, arrays)

    def _restore(self, state: State) -> None:
        self._schema = Schema.from_json(state.meta["schema"])
        self._classes = Classes.from_json(state.meta["classes"])
        self._models = [
            PPCA(
                state.arrays[f"mean_{k}"],
                state.arrays[f"directions_{k}"],
                state.arrays[f"variances_{k}"],
                float(state.arrays[f"sigma2_{k}"][0]),
            )
            for k in range(self._classes.count)
        ]
