"""What a worker does with an upload: the pipeline of `fibrolens stage`, then the volumes of the viewer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import torch

from fibrolens.output import file_sha256, output_folder
from fibrolens.pipeline import Models, StageOptions, StagingInput
from fibrolens.serve.recipe import Say, Staged, Task
from fibrolens.serve.storage import SCAN, VIEW
from fibrolens.serve.volumes import write_views
from fibrolens.stage_batch import Staging

#: Where each step of the pipeline begins, as a share of the whole, and what a person reads. Measured on a CT of
#: 512 x 512 x 129 with the shipped weights on two cores.
STEPS = {
    "read": (0.01, "reading the CT"),
    "segment": (0.03, "finding liver and spleen"),
    "quality": (0.39, "checking the scan"),
    "network_grid": (0.395, "preparing the network's grid"),
    "predict": (0.4, "staging"),
    "maps": (0.42, "making the location maps"),
    "recommended_map": (0.47, "making the recommended map"),
    "attention": (0.51, "measuring the maps"),
    "markers": (0.515, "measuring markers"),
    "write": (0.55, "writing the report"),
    "view": (0.9, "preparing the viewer"),
}


@dataclass(frozen=True)
class PipelineRecipe:
    """Stages by the pipeline, with the maps of all stages.

    Args:
        options: weights, segmenter, layer and method.
        threads: of torch in each worker; the last bits of its sums depend on them. None leaves them as they are.
    """

    options: StageOptions = field(default_factory=lambda: StageOptions(all_maps=True))
    threads: int | None = None

    @property
    def fingerprint(self) -> str:
        """Of options and weights; loads the weights once, so that unusable ones are told before anything is served.

        Raises:
            ModelError: the weights cannot be used.
        """
        return json.dumps(Staging(self.options, Models.load(*self.options.weights)).fingerprint, sort_keys=True)

    def load(self) -> PipelineStager:
        """The networks in this process."""
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        return PipelineStager(self.options, Models.load(*self.options.weights))


@dataclass(frozen=True)
class PipelineStager:
    """The pipeline with its networks."""

    options: StageOptions
    models: Models

    def stage(self, task: Task, say: Say) -> Staged:
        """Stage an upload; the result tells neither its name nor where it lies."""
        options = replace(self.options, force=task.forced)
        work = Staging(options, self.models)
        say(*STEPS["read"])
        scan = StagingInput.read(task.source, options, self.models)
        scan_id = scan.scan_id if scan.ct.get("series_uid") else f"ct-{file_sha256(task.source)[:12]}"
        staged = scan.stage(self.models, options, scan_id, lambda step: say(*STEPS[step]))
        # The place differs from job to job; the DICOM objects are made of the headers that lie there.
        result = replace(staged, told_path=task.source.name)
        run = {"command": work.command, **scan.fingerprint, **work.fingerprint}
        timings = dict(result.timings)
        say(*STEPS["write"])
        with output_folder(task.out / SCAN, run, timings) as inside:
            timings.update(work.write(result, inside))
        say(*STEPS["view"])
        with output_folder(task.out / VIEW, run) as inside:
            write_views(result, inside)
        return Staged(scan_id, result.stage.predicted)
