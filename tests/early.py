"""Loaded before all else: what is imported stays, and the garbage collector need not look at it again and again.

Whoever has imported everything freezes that and lets the collector work: tests/conftest.py, tests/e2e/programs.py.
"""

import gc

gc.disable()
