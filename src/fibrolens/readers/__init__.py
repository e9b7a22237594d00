"""The reader study: blinded sets of location maps, their readings, what readers agree on."""
