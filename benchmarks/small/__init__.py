"""Small runs on the synthetic cohort, for benchmarks of the engines that carry runs out."""
