"""`fibrolens serve`: jobs in a database, worker processes that stage, and the HTTP interface over both."""
