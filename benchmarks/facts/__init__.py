"""Facts of scans and lesions that the synthetic cohort is compared with real scans by."""
