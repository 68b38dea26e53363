"""A new plug-in package from templates: `uad-bench new`."""
