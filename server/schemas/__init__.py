"""The shape of what goes in and out, and nothing else."""
