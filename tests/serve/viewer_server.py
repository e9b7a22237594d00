"""`fibrolens serve` as a process of its own, with the shipped staging weights and organs that are told beforehand.

The V-Nets, which take most of the time, are left out; everything else is what a user runs.

usage: python -m tests.serve.viewer_server DATA TRUTH
"""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tests.segment.cascades import SMALL

from fibrolens.io import read_volume
from fibrolens.pipeline import Models, StageOptions
from fibrolens.segment.predict import Segmentation, Segmenter
from fibrolens.segment.vnet import Cascade
from fibrolens.serve.recipe import Stager
from fibrolens.serve.server import ServeOptions, run_service
from fibrolens.serve.staging import PipelineStager
from fibrolens.volume import Volume


@dataclass(frozen=True)
class ToldSegmenter(Segmenter):
    """Knows the organs of one patient in every orientation of the file."""

    truth: Path = Path()

    def segment(self, ct: Volume) -> Segmentation:
        """Liver and spleen as told, and no aorta."""
        labels = read_volume(self.truth / f"{ct.geometry.orientation}.nii.gz")
        labels.require_grid(ct)
        told = ct.with_array(labels.array.astype(np.uint8))
        return Segmentation(told, ct.with_array(np.zeros_like(told.array)), "told")

    def glance(self, ct: Volume) -> Segmentation:
        """The same."""
        return self.segment(ct)


@dataclass(frozen=True)
class ToldRecipe:
    """Gives a worker the pipeline with a `ToldSegmenter`."""

    truth: Path
    fingerprint: str = "told"
    options: StageOptions = field(default_factory=lambda: StageOptions(all_maps=True))

    def load(self) -> Stager:
        """The shipped staging weights."""
        told = ToldSegmenter(Cascade(SMALL).eval(), SMALL, "told", "b" * 64, truth=self.truth)
        return PipelineStager(self.options, replace(Models.load(*self.options.weights), segmenter=told))


def main(data: Path, truth: Path) -> None:
    """Serve until ended."""
    run_service(ServeOptions(data, port=0), lambda sentence: print(sentence, flush=True), ToldRecipe(truth))  # noqa: T201


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
