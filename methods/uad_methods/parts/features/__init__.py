"""Features of slices: networks that give them, their pooling over patches, memories of them."""
