"""Interlude: daily check-ins between TMS sessions, and alerts for the care team."""
