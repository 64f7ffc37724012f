"""Pictures, looked at as text."""
