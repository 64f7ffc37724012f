"""What the system does: one noun a file. Services flush, and never commit."""
