"""BraTS after 2021: the editions with their labels, and the datasets of gliomas, children and metastases."""
