"""The two encoders of Patch2Loc."""
