"""The steps by which the database of the service came to its present form."""
