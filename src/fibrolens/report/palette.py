"""Colours of figures and pages: Okabe and Ito's, which colour-blind readers can tell apart."""

BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
