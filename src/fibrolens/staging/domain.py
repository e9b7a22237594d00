"""Are the features of a scan like those of the training scans? A warning when not, never a refusal.

Mahalanobis distance to the training features with a shrunk covariance (Ledoit & Wolf, J Multivar Anal 2004;88:365;
as a detector of unfamiliar input: Lee et al., NeurIPS 2018). One Gaussian for all stages, because the question is
whether the scan is familiar, not which stage it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fibrolens.errors import ModelError

#: Share of familiar scans below the threshold, in per cent.
PERCENTILE = 99.0
FOLDS = 5


@dataclass(frozen=True)
class DomainModel:
    """Centre and spread of the training features.

    Args:
        mean: centre.
        precision: inverse of the shrunk covariance.
        threshold: distance below which 99 % of scans lie that the Gaussian was not fitted to.
    """

    mean: Float[np.ndarray, " f"]
    precision: Float[np.ndarray, "f f"]
    threshold: float

    def distance(self, features: Float[np.ndarray, "*n f"]) -> Float[np.ndarray, "*n"]:
        """Mahalanobis distance of feature vectors."""
        difference = np.asarray(features, dtype=float) - self.mean
        squared = np.einsum("...i,ij,...j->...", difference, self.precision, difference)
        return np.asarray(np.sqrt(np.maximum(squared, 0.0)))

    def familiar(self, features: Float[np.ndarray, " f"]) -> bool:
        """Whether one scan's features lie within the threshold."""
        return bool(self.distance(features) <= self.threshold)

    def tensors(self) -> dict[str, Tensor]:
        """The model as tensors for ``domain.safetensors``."""
        arrays = {"mean": self.mean, "precision": self.precision, "threshold": np.array([self.threshold])}
        return {name: torch.from_numpy(np.asarray(a, dtype=np.float64)) for name, a in arrays.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> DomainModel:
        """Inverse of `tensors`.

        Raises:
            ModelError: a tensor is missing.
        """
        try:
            mean, precision, threshold = (tensors[name].double().numpy() for name in ("mean", "precision", "threshold"))
        except KeyError as error:
            raise ModelError(f"domain.safetensors lacks {error}; restore the model folder or train again.") from None
        return cls(mean, precision, float(threshold[0]))


def fit_domain(features: Float[np.ndarray, "n f"], held_out: Float[np.ndarray, "m f"] | None = None) -> DomainModel:
    """Fit centre and spread to the training features.

    Args:
        features: one row per training scan.
        held_out: rows of scans that the network was not trained on, for the threshold; without them each fifth of
            `features` is measured by a fit to the other four.

    Raises:
        ModelError: fewer scans than folds.
    """
    if len(features) < FOLDS:
        raise ModelError(f"The domain check needs the features of at least {FOLDS} scans; there are {len(features)}.")
    model = _gaussian(features)
    distances = model.distance(held_out) if held_out is not None else _left_out_distances(features)
    return DomainModel(model.mean, model.precision, float(np.percentile(distances, PERCENTILE)))


def _gaussian(features: Float[np.ndarray, "n f"]) -> DomainModel:
    rows = np.asarray(features, dtype=float)
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415  (slow to load, and staging needs it never)

    covariance, _ = ledoit_wolf(rows)
    # Units that are silent for every scan leave rows of zeros; a floor keeps the inverse finite.
    floor = max(1e-6 * float(np.trace(covariance)) / len(covariance), 1e-12)
    return DomainModel(rows.mean(axis=0), np.linalg.inv(covariance + floor * np.eye(len(covariance))), np.inf)


def _left_out_distances(features: Float[np.ndarray, "n f"]) -> Float[np.ndarray, " n"]:
    fold = np.arange(len(features)) % FOLDS
    distances = np.empty(len(features))
    for k in range(FOLDS):
        distances[fold == k] = _gaussian(features[fold != k]).distance(features[fold == k])
    return distances
