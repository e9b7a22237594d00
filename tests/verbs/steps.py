"""Every verb of the command line once, on marked patients, as real command lines; `campaign` runs them in this order.

A verb that the parser knows and this table does not fails a test.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fibrolens.cli import parser


@dataclass(frozen=True)
class Step:
    """A command line.

    Args:
        verb: as `verbs_of` names it.
        arguments: what follows the verb; ``@`` at the beginning is the folder of the campaign, and words in capitals
            are known only when it runs, see `prepare.known`.
        more: tells apart several steps of one verb.
        before: what must be done before, by name in `prepare`.
        asks: for a verb that serves: who asks it, by name in `asking`.
        status: the exit status that is expected.
    """

    verb: str
    arguments: str
    more: str = ""
    before: str = ""
    asks: str = ""
    status: int = 0

    @property
    def name(self) -> str:
        """Of the step; no other has it."""
        return f"{self.verb} {self.more}".strip()

    def command(self, home: Path) -> list[str]:
        """The words after ``fibrolens``."""
        return [*self.verb.split(), *(word.replace("@", f"{home}/", 1) for word in self.arguments.split())]


COHORT, STUDY = "@cohort/cohort.csv", "@results/study"
STAGE = "@study --labels @labels.nii.gz --model @models/ct --segmentation-model @models/organs --force"
STEPS = (
    Step("doctor", ""),
    Step("weights verify", "@models/ct @models/organs"),
    Step("weights bundle", "@models/ct @models/organs --out @results/weights.zip"),
    Step("weights install", "@results/weights.zip --out @results/installed"),
    Step("weights import", "@theirs.pth --like @models/toy --out @results/imported", before="foreign"),
    Step("phantom", "--stages 1,0,0,0,0 --workers 1 --out @results/phantom"),
    Step("stage", f"{STAGE} --maps all --out @results/staged"),
    Step("stage", f"{STAGE} --identified --explain-selection --out @results/identified", "identified"),
    Step("stage", f"{STAGE} --deidentify --key @key --out @results/unnamed", "deidentified"),
    Step("stage", "@broken --deidentify --key @key --out @results/unnamed", "deidentified refused", "broken", status=3),
    Step("stage", "@broken --out @results/refused", "refused", status=3),
    Step("segment", "@study --segmentation-model @models/organs --out @results/segmented"),
    Step("export case", "@results/staged/SCAN_ID --source @study --out @results/case --zip"),
    Step("export onnx", "--model @models/ct --out @results/lfs.onnx"),
    Step("export bundle", "--model @models/ct --out @results/monai"),
    Step("export card", "--model @models/ct --out @results/card.md"),
    Step("cohort check", COHORT),
    Step("cohort check", "@cohort/broken.csv", "problems", before="broken_cohort", status=3),
    Step("cohort flow", f"{COHORT} --out @results/flow"),
    Step("cohort import", "tcga_lihc --from @download --out @results/imported.csv", before="download"),
    Step(
        "study",
        f"{COHORT} --from @models/toy --rivals none --folds 2 --steps 4 --workers 1 --prepare-only --out {STUDY}",
    ),
    Step("train", f"{STUDY} --workers 1"),
    Step("train", f"{COHORT} --from @models/toy --steps 2 --out @results/tuned", "own"),
    Step("predict", f"{STUDY} --workers 1"),
    Step("explain", f"{STUDY} --workers 1"),
    Step("evaluate", f"{STUDY} --workers 1"),
    Step("evaluate", f"{STUDY} --packet @results/packet.json --least 1", "packet"),
    Step("audit", f"{STUDY} --scans 2 --workers 1 --out @results/audit"),
    Step("read prepare", f"{STUDY} --readers A,B --stages PREDICTED --workers 1 --out @results/reading"),
    Step("read sheet", "@results/reading --reader A"),
    Step("read add", "@results/reading @results/reading/sheets/A/readings.csv", before="filled_in"),
    Step("read serve", "@results/reading --port 0", asks="form"),
    Step("read report", "@results/reading"),
    Step("serve", "--data @results/service --port 0 --model @models/ct", asks="service"),
    Step("demo", "--patients 20 --out @results/demo", before="small_demo"),
)


def verbs_of(command: argparse.ArgumentParser | None = None, before: str = "") -> Iterator[str]:
    """Every verb of the command line, those of verbs too, such as ``cohort check``."""
    command = command or parser()
    below = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for name, inner in action.choices.items():
            yield from verbs_of(inner, f"{before} {name}".strip())
    if not below:
        yield before
