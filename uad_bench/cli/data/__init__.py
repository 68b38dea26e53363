"""Commands on data: `data`, `audit`, `cache`."""
