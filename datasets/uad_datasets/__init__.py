"""The built-in datasets, which are registered like those of any other plug-in."""
