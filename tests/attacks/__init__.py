"""Attacks: each file one row of what must hold, tried as somebody who means harm would."""
