"""Figures of merit of location maps: does a map say what the network used? Arrays and tables only, no torch."""
