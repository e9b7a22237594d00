"""Simulated hospitals: scores of a network that meets other patients and other scanners at each."""

import numpy as np
from scipy.special import softmax

from fibrolens.evaluate.packet import Disclosure, Origin, make_packet
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.sealed import read_packet, write_packet

WEIGHTS = "a" * 64
MIXES = ((0.5, 0.04, 0.05, 0.08, 0.33), (0.2, 0.2, 0.2, 0.2, 0.2), (0.3, 0.1, 0.15, 0.25, 0.2))
SHIFTS = (0.0, 0.8, -0.5)


def hospital(seed: int, scans: int = 200, mix=MIXES[0], shift: float = 0.0, sharp: float = 0.6) -> list[Predicted]:
    """Predictions of one hospital; one patient in twenty has two scans, one scan in thirty a stage of two."""
    generator = np.random.default_rng(seed)
    cases = []
    for n in range(scans):
        stage = int(generator.choice(5, p=mix))
        latent = stage + generator.normal(shift, 1.1)
        probabilities = softmax(-sharp * (np.arange(5) - latent) ** 2)
        patient = f"h{seed}p{n - 1 if n % 20 == 19 else n}"
        stages = (stage, stage + 1) if n % 30 == 7 and stage < 4 else (stage,)
        cases.append(Predicted(f"h{seed}s{n}", patient, 0, stages, tuple(probabilities.tolist())))
    return cases


def three_hospitals(seed: int = 0, scans: int = 200) -> list[list[Predicted]]:
    """Three hospitals of other mixes, with scores that are shifted against each other."""
    pairs = zip(MIXES, SHIFTS, strict=True)
    return [hospital(3 * seed + n, scans + 40 * n, mix, shift) for n, (mix, shift) in enumerate(pairs)]


def packet_file(cases, path, origin=None, disclosure=None, markers=None):
    """The packet of these cases, written and read again."""
    origin, disclosure = origin or Origin("fixed weights", (WEIGHTS,)), disclosure or Disclosure()
    write_packet(make_packet(cases, origin, disclosure, markers or {}), path)
    return read_packet(path)
