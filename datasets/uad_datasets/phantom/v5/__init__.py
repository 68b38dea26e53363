"""Version 5 of the phantom: sulci, vessels and lesions calibrated against facts of real scans, at 2 mm or 1 mm."""
