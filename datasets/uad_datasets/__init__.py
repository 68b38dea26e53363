"""The built-in datasets, guests like any other."""
