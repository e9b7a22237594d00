"""Liver, spleen and aorta from a CT, and the regions made from them."""
