"""Parts that several methods share: functions and small modules, no base classes of methods."""
