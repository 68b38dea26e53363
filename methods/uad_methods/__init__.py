"""The built-in methods, guests like any other."""
