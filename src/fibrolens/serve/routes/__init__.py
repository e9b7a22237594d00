"""The routes of the HTTP interface, a file per subject."""
