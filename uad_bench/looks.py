"""One look at a prepared case beside the files it came from: figures, warnings, histograms. No voxel is kept."""
