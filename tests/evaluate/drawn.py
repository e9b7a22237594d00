"""Networks whose probabilities and true stages are drawn."""

import numpy as np

from fibrolens.evaluate.stage_sets import label_scores


def drawn(generator, n, sharpness=1.0):
    """Probabilities of an uncalibrated network, and true stages that follow other ones."""
    logits = generator.normal(0, 1.5, (n, 5))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    told = np.exp(sharpness * logits) / np.exp(sharpness * logits).sum(axis=1, keepdims=True)
    return told, (truth.cumsum(axis=1) < generator.random((n, 1))).sum(axis=1).clip(max=4)


def scores_of(told, stage):
    return label_scores(told, np.arange(5) == stage[:, None])


def grown(probabilities, threshold):
    """The set of one case, grown as it is told in words."""
    low = high = int(np.argmax(probabilities))
    held = probabilities[low]
    while (low, high) != (0, 4):
        down = low > 0 and (high == 4 or probabilities[low - 1] >= probabilities[high + 1])
        if held > threshold:
            break
        low, high = (low - 1, high) if down else (low, high + 1)
        held += probabilities[low if down else high]
    return set(range(low, high + 1))
