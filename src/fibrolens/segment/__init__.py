"""Liver, spleen and aorta from a CT."""
