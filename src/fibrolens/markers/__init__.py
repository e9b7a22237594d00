"""Markers of liver fibrosis that a person can follow: volumes, the liver's surface, its texture."""
