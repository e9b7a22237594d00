"""The sources by name, and what a person can read about them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from fibrolens.cohort.sources import (
    amos,
    btcv,
    chaos,
    flare,
    hcc_tace_seg,
    lifs,
    lits,
    merlin,
    msd_liver,
    rsna2023,
    tcga_lihc,
    totalsegmentator,
    waw_tace,
)
from fibrolens.cohort.sources.base import Source
from fibrolens.errors import UsageError

_MODULES = (
    tcga_lihc, hcc_tace_seg, rsna2023, waw_tace, chaos, msd_liver, lits, btcv, amos, flare, totalsegmentator, lifs,
    merlin,
)  # fmt: skip
SOURCES: Mapping[str, Source] = MappingProxyType({module.SOURCE.about.name: module.SOURCE for module in _MODULES})


def source(name: str) -> Source:
    """The source of that name; capitals and hyphens make no difference.

    Raises:
        UsageError: there is none; the message names the nearest, or all.
    """
    plain = name.strip().casefold().replace("-", "_")
    found = SOURCES.get(plain)
    if found is None:
        near = difflib.get_close_matches(plain, SOURCES, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"the sources are {', '.join(SOURCES)}."
        raise UsageError(f"There is no source {name!r}; {hint}")
    return found


def listing() -> str:
    """Every source with licence, what it gives, what it needs, and whether its mapping was checked."""
    blocks = []
    for one in SOURCES.values():
        about = one.about
        blocks.append(
            f"{about.name}\n  {about.title}\n  licence: {about.licence}\n  gives:   {about.gives}\n"
            f"  needs:   {about.needs}\n  mapping: {about.check_note}"
        )
    return (
        "\n\n".join(blocks) + "\n\nfibrolens cohort import SOURCE --how tells how to download one. Research use only.\n"
    )


def how_to(one: Source) -> str:
    """How to download a source, what its mapping assumes, and how to import it."""
    about = one.about
    tables = "".join(
        f"\n  {role.title}{'' if role.required else ' (optional)'}: {role.patterns[0]}" for role in one.roles
    )
    parts = [
        f"{about.title}\nlicence: {about.licence}\ncite: {about.citation}\ngives: {about.gives}\nmapping: "
        f"{about.check_note}",
        "Download (yours to do; mind the licence):\n  " + "\n  ".join(about.how),
        f"Tables that are read:{tables or ' none'}",
        "What the mapping assumes:\n  - " + "\n  - ".join(about.assumes),
    ]
    if about.also_in:
        parts.append("The same cases stand elsewhere:\n  - " + "\n  - ".join(about.also_in))
    table = " [--table FILE ...]" if one.roles else ""
    parts.append(
        f"Then:\n  fibrolens cohort import {about.name} --from DIR{table} --out cohort.csv\nResearch use only.\n"
    )
    return "\n\n".join(parts)
