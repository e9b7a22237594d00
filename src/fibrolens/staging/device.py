"""Where the staging network runs: slab by slab on the processor, many slabs at once on a GPU.

A GPU multiplies in fp32 unless bfloat16 is asked for. TF32, which torch would take for convolutions by itself, keeps 10
bits of a number as bfloat16 keeps 7, and is never used unasked either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.errors import ModelError, UsageError

#: What a user may ask for; ``auto`` is a GPU where torch can use one.
DEVICES = ("cpu", "cuda", "cuda-bf16", "auto")
CPU_SLABS, GPU_SLABS = 1, 64

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class Device:
    """Where a network runs, and how.

    Args:
        kind: ``cpu`` or ``cuda``.
        slabs: so many at once at most. A processor is no faster with several, which only need more memory.
        bf16: whether convolutions and products are in bfloat16 (sums in fp32).
    """

    kind: str = "cpu"
    slabs: int = CPU_SLABS
    bf16: bool = False

    @classmethod
    def choose(cls, name: str) -> Device:
        """The device of one of `DEVICES`.

        Raises:
            UsageError: there is no such name.
            ModelError: torch sees no GPU, or one without bfloat16.
        """
        if name not in DEVICES:
            raise UsageError(f"There is no device {name!r}; choose one of {', '.join(DEVICES)}.")
        found = torch.cuda.is_available()
        if name == "cpu" or (name == "auto" and not found):
            return cls()
        if not found:
            raise ModelError("Torch sees no GPU here; choose the device cpu, or install a torch built for your GPU.")
        bf16 = name == "cuda-bf16"
        if bf16 and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise ModelError("This GPU has no bfloat16; choose the device cuda.")
        return cls("cuda", GPU_SLABS, bf16)

    def place(self, network: N) -> N:
        """The network itself, moved here."""
        return network.to(self.kind)

    def put(self, values: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """Values moved here; to a GPU by way of pinned memory, so that nobody waits for them."""
        return values if self.kind == "cpu" else values.pin_memory().to(self.kind, non_blocking=True)

    def over(
        self,
        windows: Float[Tensor, "n 1 s h w"],
        work: Callable[[Float[Tensor, "b 1 s h w"]], Mapping[str, Tensor]],
        axis: int = 0,
    ) -> dict[str, Tensor]:
        """What `work` makes of all windows, fp32, by name.

        So many windows go at once as `slabs` says. Where a GPU's memory does not hold what `work` needs, half as many.

        Args:
            windows: where they were `put`.
            work: from a batch of windows to named results.
            axis: of the results, along which the windows lie.

        Raises:
            ModelError: the GPU's memory does not hold a single window.
        """
        size = min(self.slabs, len(windows))
        with self._exact():
            while True:
                try:
                    return _joined([work(_fast(batch)) for batch in torch.split(windows, size)], axis)
                except torch.OutOfMemoryError:
                    if size == 1:
                        raise ModelError(
                            "The GPU's memory does not hold the network and one slab; "
                            "end what else runs there, or choose the device cpu."
                        ) from None
                # Beyond the handler, since the error holds on to what was made.
                size = (size + 1) // 2

    @contextmanager
    def _exact(self) -> Iterator[None]:
        """No more rounding than was asked for, and the same result every time; torch's settings come back."""
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with exact, torch.autocast(self.kind, torch.bfloat16, enabled=self.bf16):
            yield


def _joined(parts: list[Mapping[str, Tensor]], axis: int) -> dict[str, Tensor]:
    named = [dict(part) for part in parts]
    return {name: torch.cat([part[name] for part in named], dim=axis).float() for name in named[0]}


def _fast(batch: Float[Tensor, "b 1 s h w"]) -> Float[Tensor, "b 1 s h w"]:
    """The layout in which 3D convolutions are quickest."""
    return batch.contiguous(memory_format=torch.channels_last_3d)
