"""A class-conditional flow from noise to images: the default for images of 8 to 64 pixels."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from synthwright.classic.calibration import Calibration
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import DataError, Unsupported
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.images import ImageSet, sample_set, shape_of
from synthwright.data.schema import Schema
from synthwright.generators.base import Ability, Generator
from synthwright.generators.image_classes import Classes

SHORTEST, LONGEST = 8, 64
_FEWEST_CALIBRATED = 100
_PREFIX = "calibration."
_CALIBRATION_PIXELS, _FEWEST_DRAWN, _MOST_DRAWN = 2**17, 512, 2_048
_REAL_PER_DRAWN = 4  # at most: memory, and more real images say no more of the difference


class ImageFlowConfig(Config):
    """Options of the image flow."""

    steps: int = Field(3_000, ge=1, le=1_000_000, description="Training steps.")
    batch: int = Field(64, ge=2, le=4096, description="Images per training step.")
    learning_rate: float = Field(2e-3, gt=0, le=0.1, description="Highest step size of AdamW.")
    width: int | None = Field(None, ge=8, le=512, multiple_of=8, description="Channels of the net; by image size.")
    holdout: float = Field(
        0.05, ge=0, le=0.5, description="Share of the images kept back to choose the weights by; 0 for the last ones."
    )
    hide: float = Field(0.1, ge=0, lt=1, description="Share of classes hidden in training, which guidance needs.")
    guidance: float = Field(
        1.0, ge=0, le=10, description="How strongly images follow their class; 1 is the learned distribution."
    )
    sample_steps: int = Field(8, ge=2, le=500, description="Steps from noise to image (second order).")
    calibrate: bool = Field(
        True, description="Give the images the data's means, covariances and grey values; from 100 images on."
    )
    max_seconds: float | None = Field(None, gt=0, description="Most processor seconds of training.")
    device: str = Field("cpu", description="cpu, cuda, cuda:1, mps or auto.")
    balance: bool = Field(False, description="Sample all classes equally often instead of as in the data.")


class ImageFlow(Generator):
    """Rectified flow with a small U-Net: noise is moved to an image along straight paths, given its class.

    For images of 8 to 64 pixels a side, grey or RGB, with or without classes. Minutes on one processor. On
    scikit-learn's digits its images are as varied as real ones and about as good to learn from (docs/images.md). Their
    means, covariances and grey values are put right by a map that is fitted on a sample of the trained net. A class of
    a few dozen images may be memorised: look at the report's privacy scores. `where` on the class is exact, other
    conditions reject. Guidance above 1 makes images more typical and less varied. Metadata columns stay empty.
    Training costs steps * batch * pixels, sampling 2 * sample_steps calls of the net, twice that with guidance.
    """

    name: ClassVar[str] = "image_flow"
    summary: ClassVar[str] = "images: rectified flow with a U-Net, per class"
    source: ClassVar[str] = "Liu et al. 2022 (arXiv 2209.03003); guidance: Ho and Salimans 2022 (arXiv 2207.12598)"
    config_type: ClassVar[type[Config]] = ImageFlowConfig
    ability: ClassVar[Ability] = Ability(
        "images",
        where="exact",
        block=64,
        missing=False,
        resume=True,
        needs=("torch:deep",),
        rows=(4, 10**6),
        cost="minutes",
    )

    def _fit(self, data: ImageSet, ctx: Context) -> None:
        from synthwright.deep.imageflow import Shape, fitted
        from synthwright.deep.tensors import device_of
        from synthwright.deep.train import Plan

        h, w, _ = data.shape
        if max(h, w) > LONGEST or min(h, w) < SHORTEST:
            raise Unsupported(
                f"{self.name!r} makes images of {SHORTEST} to {LONGEST} pixels a side, not {h} x {w}.",
                fix=f"resize them when reading, by image_size=({_near(h)}, {_near(w)}) or --image-size "
                f"{_near(h)}x{_near(w)}, or use image_ppca",
            )
        self._schema = data.schema
        self._classes = Classes.fit(data, ctx, balance=self.config.balance)
        self._shape = Shape.of(data.shape, self._classes.count, self.config.width)
        if (h, w) != (self._shape.height, self._shape.width):
            ctx.note("I040", f"images are padded to {self._shape.height} x {self._shape.width} inside the net")
        options = self.config
        plan = Plan(
            max_steps=options.steps,
            max_seconds=options.max_seconds,
            batch=options.batch,
            warmup=0.05,
            holdout=options.holdout,
            patience=options.steps,  # the holdout chooses the weights; the schedule is never cut short
        )
        if len(data) - int(options.holdout * len(data)) < 2:
            raise DataError("Nothing is left to train on.", where="holdout", fix="lower the option holdout")
        self._net, trained = fitted(
            data.pixels(),
            self._classes.codes(data),
            self._shape,
            ctx,
            plan,
            rate=options.learning_rate,
            drop=options.hide,
            device=str(device_of(options.device, ctx)),
        )
        if trained.best is not None and trained.best_step < trained.steps:
            what = f"weights of step {trained.best_step:,} of {trained.steps:,}: they fit the images kept back best"
            ctx.note("I041", what, "option holdout")
        self._calibration = None
        if options.calibrate and len(data) >= _FEWEST_CALIBRATED:
            self._calibration = self._calibrated(data.pixels(), self._classes.codes(data), ctx)

    def _calibrated(self, pixels: np.ndarray, codes: np.ndarray, ctx: Context) -> Calibration:
        """What moves the net's images, unguided, to the data's moments: guidance is wished for, its effects stay."""
        n = int(np.clip(_CALIBRATION_PIXELS // pixels[0].size, _FEWEST_DRAWN, _MOST_DRAWN))
        asked = np.resize(ctx.rng.permutation(codes), n)
        made = self._drawn(asked, ctx, 1.0, "calibrating")
        rows = np.sort(ctx.rng.permutation(len(pixels))[: _REAL_PER_DRAWN * n])
        real = pixels[rows].reshape(len(rows), -1).astype(np.float64)
        return Calibration.fit(made.reshape(n, -1), asked, real, codes[rows])

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> ImageSet:
        codes = self._classes.draw(n, ctx.rng, where)
        guidance = self.config.guidance if self._classes.count > 1 else 1.0
        images = self._drawn(codes, ctx, guidance, "drawing images")
        if self._calibration is not None:
            images = self._calibration.apply(images.reshape(n, -1), codes).reshape(images.shape)
        made = np.clip(np.rint(images), 0, 255).astype(np.uint8)
        return sample_set(self._schema, made, self._classes.cells(codes))

    def _drawn(self, codes: np.ndarray, ctx: Context, guidance: float, stage: str) -> np.ndarray:
        """Images (n, h, w, c) float32 of classes, in grey values that are neither rounded nor cut off."""
        from synthwright.deep.imageflow import drawn

        h, w, _ = shape_of(self._schema)
        images = []
        for start in range(0, len(codes), self.ability.block):
            ctx.step(start, len(codes), stage)
            some = codes[start : start + self.ability.block]
            steps = self.config.sample_steps
            images.append(drawn(self._net, self._shape, some, ctx.rng, guidance=guidance, steps=steps)[:, :h, :w])
        return np.concatenate(images)

    def _state(self) -> State:
        from synthwright.deep.tensors import arrays_of

        meta = {
            "schema": self._schema.to_json(),
            "classes": self._classes.to_json(),
            "shape": asdict(self._shape),
        }
        calibration = self._calibration.arrays(_PREFIX) if self._calibration else {}
        return State(meta, {**arrays_of(self._net), **calibration})

    def _restore(self, state: State) -> None:
        from synthwright.deep.imageflow import Shape
        from synthwright.deep.tensors import build, load_arrays, torch_generator

        self._schema = Schema.from_json(state.meta["schema"])
        self._classes = Classes.from_json(state.meta["classes"])
        self._shape = Shape(**state.meta["shape"])
        # A model of another machine's device is used on this one's processor.
        net: Any = build(self._shape.net, torch_generator(np.random.default_rng(0)))
        load_arrays(net, state.arrays)
        self._net = net.eval()
        is_calibrated = any(name.startswith(_PREFIX) for name in state.arrays)
        self._calibration = Calibration.restore(state.arrays, _PREFIX) if is_calibrated else None


def _near(side: int) -> int:
    return min(max(side, SHORTEST), LONGEST)
