"""The processes that share one training: this one alone, or those that ``torchrun`` started.

A step's batch is shared out by rows, and what each process makes of its rows is added up, so that all of them take the
same step as one process would with the whole batch. Exchange is by gloo, on processors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from jaxtyping import Float
from torch import Tensor

from fibrolens.errors import UsageError

#: What ``torchrun`` tells each process in the environment.
PLACE = ("WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT")

#: The first process prepares the scans while the others wait.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Peers:
    """This process among those that share a training.

    Args:
        rank: number of this process, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def present(cls) -> Peers:
        """Those that this process has `joined`."""
        if not torch.distributed.is_initialized():
            return cls()
        return cls(torch.distributed.get_rank(), torch.distributed.get_world_size())

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and tells what happens."""
        return self.rank == 0

    def rows(self, count: int) -> range:
        """This process's share of `count` rows; shares differ by one row at most."""
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, in one exchange; alone they stay as they are."""
        if self.size > 1:
            flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
            torch.distributed.all_reduce(flat)
            sums = torch.split_with_sizes(flat, [tensor.numel() for tensor in tensors])
            for tensor, total in zip(tensors, sums, strict=True):
                tensor.copy_(total.view_as(tensor))

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.size > 1:
            torch.distributed.barrier()


#: No other process takes part.
ALONE = Peers()


def added_up(values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The sum of a tensor over all processes, through which gradients flow."""
    total: Tensor = _AddedUp.apply(values)  # type: ignore[no-untyped-call]
    return total


class _AddedUp(torch.autograd.Function):
    """A sum over all processes, whose gradient at each is the sum of all their gradients."""

    @staticmethod
    def forward(ctx: object, values: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """The sum."""
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, gradient: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """What all processes' results owe to this one's values."""
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


def called_by_torchrun() -> bool:
    """Whether ``torchrun`` started this process with others beside it; clusters and MPI set some of its names too."""
    return all(name in os.environ for name in PLACE) and os.environ["WORLD_SIZE"] != "1"


@contextmanager
def joined() -> Iterator[Peers]:
    """Join the processes that ``torchrun`` started beside this one; alone where it started none.

    Raises:
        UsageError: the others cannot be joined by what the environment says.
    """
    if not called_by_torchrun():
        yield Peers()
        return
    try:
        torch.distributed.init_process_group("gloo", timeout=PATIENCE)
    except (ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise UsageError(
            f"The processes of this training cannot be joined by {', '.join(PLACE)} ({reason}); "
            "start it by torchrun, or unset WORLD_SIZE to train by one process."
        ) from None
    try:
        yield Peers.present()
    finally:
        torch.distributed.destroy_process_group()
