"""A Slurm of one node, methods for its jobs, and what is done to them; for tests and for scripts/slurm-trial."""
