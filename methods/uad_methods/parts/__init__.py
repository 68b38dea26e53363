"""Pieces that more than one method uses: functions and small modules, never a base class of methods."""
