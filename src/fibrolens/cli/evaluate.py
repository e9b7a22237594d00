"""`fibrolens evaluate`: tables, figures and report of a study; packets for other hospitals, and their pooling."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.cli.engines import LOCAL
from fibrolens.cli.population import add_population, population
from fibrolens.cli.repeatable import add_deterministic
from fibrolens.cli.steps import add_running, run_step_of
from fibrolens.errors import UsageError

#: Of `fibrolens.evaluate.packet`, which --help need not wait for.
LEAST = 5


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "evaluate",
        help="tables, figures and report of a study; packets of several hospitals",
        description="Evaluate the predictions and the attention of a study, and write its tables, figures and "
        "report. The study is complete afterwards. With --packet, write instead a file of sums that name nobody: of a "
        "finished study, or of CTs that fibrolens stage has staged (with --cohort, whose column scan_id has their scan "
        "ids). With --merge, pool the packets of several hospitals. Research use only.",
    )
    verb.add_argument(
        "study", type=Path, nargs="?", metavar="STUDY|STAGED", help="folder of a study; for a packet also of staged CTs"
    )
    add_running(verb)
    add_deterministic(verb)
    verb.add_argument("--overwrite", action="store_true", help="replace a packet or a pooled result of other content")
    add_population(verb.add_argument_group("other patients than the cohort's"))
    _add_packet(verb.add_argument_group("packet for another hospital"))
    _add_merge(verb.add_argument_group("packets of several hospitals"))
    return verb


def _add_packet(group: Any) -> None:
    group.add_argument("--packet", type=Path, metavar="FILE.json", help="write the packet of STUDY or STAGED")
    group.add_argument("--site", metavar="NAME", help="name of the hospital in it (default: none)")
    group.add_argument(
        "--least", type=int, metavar="N", help=f"no distribution is given of fewer patients (default {LEAST})"
    )
    group.add_argument(
        "--coarse", action="store_true", help="count scores in 16 times wider bins: tells less, pools less exactly"
    )


def _add_merge(group: Any) -> None:
    group.add_argument("--merge", type=Path, nargs="+", metavar="PACKET", help="pool these packets")
    group.add_argument("--out", type=Path, metavar="DIR", help="folder of the pooled result")


def run(options: argparse.Namespace) -> int:
    """Evaluate a study, write a packet, or pool packets."""
    _require_one_job(options)
    if options.merge is not None:
        return _merge(options)
    if options.packet is not None:
        return _packet(options)
    return run_step_of(options, "evaluate", population(options))


def _require_one_job(options: argparse.Namespace) -> None:
    """Refuse options of one job in another."""
    if (options.study is None) == (options.merge is None):
        raise UsageError("Give either the folder of a study or --merge with packets.")
    if (options.merge is None) != (options.out is None):
        raise UsageError("--merge and --out DIR belong together.")
    if options.packet is None and (options.site is not None or options.least is not None or options.coarse):
        raise UsageError("--site, --least and --coarse belong to --packet FILE.")
    if options.merge is not None and not (options.packet is None and options.table is None):
        raise UsageError("--packet and --cohort belong to the folder of a study or of staged CTs, not to --merge.")
    given = options.prevalence is not None or options.stage_mix is not None
    if given and (options.merge is not None or options.packet is not None):
        raise UsageError("--prevalence and --stage-mix belong to the evaluation of a study.")
    runs = options.workers is not None or options.engine != LOCAL
    if runs and (options.merge is not None or options.packet is not None):
        raise UsageError("--workers and --engine belong to the evaluation of a study.")
    if options.least is not None and options.least < 1:
        raise UsageError("--least must be 1 at least.")


def _packet(options: argparse.Namespace) -> int:
    from fibrolens.evaluate.packet import Disclosure
    from fibrolens.evaluate.scoregrid import COARSE, FINE, ScoreGrid
    from fibrolens.evaluate.sealed import write_packet
    from fibrolens.study.packet import is_study, staged_packet, study_packet

    grid = ScoreGrid(COARSE if options.coarse else FINE)
    disclosure = Disclosure(LEAST if options.least is None else options.least, grid, options.site)
    if is_study(options.study):
        if options.table is not None:
            raise UsageError(f"{options.study} is a study and has its cohort's stages; leave --cohort away.")
        content = study_packet(options.study, disclosure)
    elif options.table is None:
        raise UsageError(f"{options.study} is no study; staged CTs need --cohort FILE with their stages.")
    else:
        content = staged_packet(options.study, options.table, disclosure)
    write_packet(content, options.packet, options.overwrite)
    counts = content["counts"]
    sys.stdout.write(
        f"{options.packet}: sums of {counts['scans']} scans of {counts['patients']} patients; read it before you send "
        "it; research use only\n"
    )
    return 0


def _merge(options: argparse.Namespace) -> int:
    from fibrolens.study.merge import merge

    written = merge(options.merge, options.out, options.overwrite)
    told = "pooled" if written else "holds the same packets already"
    sys.stdout.write(f"{options.out / 'report.html'}: {len(options.merge)} packets, {told}; research use only\n")
    return 0
