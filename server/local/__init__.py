"""One machine that is a whole clinic: PostgreSQL, a mailbox, and everything that `make run` starts."""
