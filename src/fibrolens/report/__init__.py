"""Figures, overlays and pages: results in, pictures out."""
