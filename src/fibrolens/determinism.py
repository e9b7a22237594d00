"""``--deterministic``: two runs on one machine write the same bytes, or an error says which operation cannot."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from fibrolens.clock import without_times
from fibrolens.errors import ModelError

#: Without it cuBLAS may take other ways through its sums from run to run.
CUBLAS, ONE_WAY = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
#: How torch begins the sentence of an operation that it cannot do, and one of its names for it.
REFUSED = re.compile(r"^(?P<operation>\S+) does not have a deterministic implementation|[Dd]eterministic behavior")


@contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """Inside the block torch takes one thread and only operations that repeat themselves, and no times are written.

    Everything is handed back as it was.

    Raises:
        ModelError: an operation cannot be done in a repeatable way; it is named.
    """
    if not wanted:
        yield
        return
    mode, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    threads, workspace = torch.get_num_threads(), os.environ.get(CUBLAS)
    tuned = torch.backends.cudnn.benchmark
    try:
        os.environ[CUBLAS] = ONE_WAY
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        with without_times(), operations_named():
            yield
    finally:
        torch.use_deterministic_algorithms(mode, warn_only=warns)
        torch.set_num_threads(threads)
        torch.backends.cudnn.benchmark = tuned
        if workspace is None:
            os.environ.pop(CUBLAS, None)
        else:
            os.environ[CUBLAS] = workspace


@contextmanager
def operations_named() -> Iterator[None]:
    """Turn torch's refusal of an operation inside the block into a sentence.

    Raises:
        ModelError: it names the operation.
    """
    try:
        yield
    except RuntimeError as error:
        found = REFUSED.search(str(error))
        if found is None:
            raise
        name = found["operation"] or str(error).split(". ")[0]
        raise ModelError(
            f"{name} cannot be computed in the same way twice on this machine; leave --deterministic out, or run on "
            "another device."
        ) from error


@dataclass(frozen=True)
class Repeatable:
    """A job for another process, which works as deterministically as this one.

    Args:
        function: importable by name.
    """

    function: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        """Do the job."""
        with deterministic():
            return self.function(*arguments)
