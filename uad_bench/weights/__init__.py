"""Weights bundles: trained models and pretrained weights as folders named by their digest, without pickles."""
