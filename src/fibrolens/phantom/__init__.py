"""Simulated abdomens in which the truth is known."""
