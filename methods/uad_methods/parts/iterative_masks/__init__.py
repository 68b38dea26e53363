"""Parts of methods that hide a region, fill it and shrink it."""
