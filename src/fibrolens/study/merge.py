"""Packets of several hospitals into one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fibrolens.evaluate.pool import pool
from fibrolens.evaluate.sealed import read_packet
from fibrolens.output import is_done, output_folder
from fibrolens.report.pooled import POOLED, REPORT, write_pooled

#: What `merge` writes, beside the manifest.
WRITTEN = (POOLED, REPORT, "tables", "figures")


def merge(paths: Sequence[Path], out: Path, overwrite: bool = False) -> bool:
    """Pool packets and write the report.

    Args:
        paths: the packets, in the order of the report.
        out: folder of the result.
        overwrite: replace a result of other packets.

    Returns:
        Whether anything was written: not where the folder holds the result of the same packets.

    Raises:
        UsageError: fewer than two packets, or another result is in the way.
        InputError: a packet cannot be used, or not with the others.
        OutputError: the folder cannot be written.
    """
    packets = [read_packet(path) for path in paths]
    pooled = pool(packets)
    run = {"command": "evaluate --merge", "packets": [packet.seal for packet in packets]}
    if is_done(out, run, overwrite, WRITTEN):
        return False
    with output_folder(out, run) as folder:
        write_pooled(pooled, folder)
    return True
