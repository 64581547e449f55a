"""Between numpy and torch: devices, random streams, parameters as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from synthwright.core.context import Context
from synthwright.core.errors import ConfigError, FormatError


def device_of(name: str, ctx: Context) -> torch.device:
    """The device called `name`: cpu, cuda, cuda:1, mps; "auto" takes the best and says so in a Note.

    Raises ConfigError for a device that does not exist here, with the list of those that do.
    """
    there = available_devices()
    if name == "auto":
        chosen = there[-1]
        ctx.note("D001", f"device {chosen} was chosen of {', '.join(there)}", "device=auto")
        return torch.device(chosen)
    wanted = f"{name}:0" if name == "cuda" else name
    if wanted not in there:
        raise ConfigError(
            f"There is no device {name!r} here.", where="device", fix=f"use one of: auto, {', '.join(there)}"
        )
    return torch.device(wanted)


def available_devices() -> list[str]:
    """Names of the devices that exist here, the processor first and the best last."""
    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found + [f"cuda:{i}" for i in reversed(range(torch.cuda.device_count()))]


def torch_generator(rng: np.random.Generator, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch stream seeded by one draw of `rng`; global generators stay untouched."""
    made = torch.Generator(device=torch.device(device))
    made.manual_seed(int(rng.integers(2**63 - 1)))
    return made


def build(make: Callable[[], nn.Module], gen: torch.Generator) -> nn.Module:
    """A module made by `make` whose parameters come from `gen`: torch's own initialisers read the global stream.

    The global stream is put back as it was, so nobody can tell that it was used.
    """
    state = torch.random.get_rng_state()
    try:
        torch.default_generator.manual_seed(int(torch.randint(2**62, (1,), generator=gen)))
        return make()
    finally:
        torch.random.set_rng_state(state)


@contextmanager
def own_stream(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Within `with`, layers that read torch's global stream (dropout) read one seeded here; then it is put back."""
    on = torch.device(device)
    cards = [on] if on.type == "cuda" else []
    with torch.random.fork_rng(cards):
        torch.default_generator.manual_seed(seed)
        if cards:
            with torch.cuda.device(on):
                torch.cuda.manual_seed(seed)
        yield


def tensor_of(array: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """A tensor that owns its memory: float64 becomes float32, whole numbers int64."""
    kind = np.float32 if np.issubdtype(array.dtype, np.floating) else np.int64
    return torch.from_numpy(np.array(array, dtype=kind)).to(device)


def arrays_of(module: nn.Module, prefix: str = "net.") -> dict[str, np.ndarray]:
    """Parameters and buffers as numpy arrays, for `State`."""
    return {prefix + name: value.detach().cpu().numpy().copy() for name, value in module.state_dict().items()}


def load_arrays(module: nn.Module, arrays: Mapping[str, np.ndarray], prefix: str = "net.") -> None:
    """Put arrays back into a module. Raises FormatError when one is missing or has another shape."""
    own = module.state_dict()
    bad = [
        name
        for name, value in own.items()
        if prefix + name not in arrays or arrays[prefix + name].shape != tuple(value.shape)
    ]
    if bad:
        raise FormatError(f"Weights are missing or have another shape: {', '.join(bad[:5])}.", where="arrays")
    module.load_state_dict({name: torch.from_numpy(np.array(arrays[prefix + name])) for name in own})
