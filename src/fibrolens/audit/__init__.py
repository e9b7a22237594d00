"""Whether location maps can be believed: experiments on a study's networks, and on simulated patients."""
