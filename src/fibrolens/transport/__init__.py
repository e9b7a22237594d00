"""How weights travel between machines: verified, bundled, installed, and taken from other programs."""
