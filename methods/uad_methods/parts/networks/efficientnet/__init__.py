"""EfficientNet-B4, to the depth that feature methods use."""
