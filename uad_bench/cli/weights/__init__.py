"""`weights push`, `pull`, `list`, `verify` and `import`: trained models and pretrained weights as bundles."""
