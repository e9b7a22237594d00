"""How well the stages were predicted, and where the networks looked: arrays and tables only, no torch."""
