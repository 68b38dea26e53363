"""Datasets with open licences, each in a module of its own."""
