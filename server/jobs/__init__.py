"""Scheduled jobs: which there are, when, and how one runs."""

from server.jobs import resetting
from server.jobs.table import JOBS, Job
from server.jobs.tick import tick

__all__ = ["JOBS", "Job", "resetting", "tick"]
