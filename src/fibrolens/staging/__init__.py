"""Fibrosis staging: the LFS network, its training, its predictions and the check of their domain."""
