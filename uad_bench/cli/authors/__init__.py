"""Commands for authors of plug-ins."""
