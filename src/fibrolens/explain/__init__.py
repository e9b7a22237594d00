"""Location maps: how they are made, scaled and measured."""
