"""The kinds of location map that are audited."""

from __future__ import annotations

from fibrolens.explain.recipe import CONTRAST, MEAN, RECOMMENDED, Recipe, recipe

#: The paper's first: Grad-CAM between the third and the last convolution.
AUDITED: tuple[Recipe, ...] = (
    recipe("gradcam", MEAN),
    recipe("gradcam", "conv3"),
    recipe("gradcam", "conv4"),
    recipe("gradcam++", "conv4"),
    recipe("hirescam", "conv3"),
    recipe("layercam", "conv3"),
    recipe("integrated", "conv3"),
    recipe(CONTRAST, "conv3"),
    RECOMMENDED,
)
