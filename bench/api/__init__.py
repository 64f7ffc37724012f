"""The whole system under load, beside what others would have written: `make bench-api`."""
