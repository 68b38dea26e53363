"""Verbs for authors of plug-ins."""
