"""Built-in methods of uad-bench."""
