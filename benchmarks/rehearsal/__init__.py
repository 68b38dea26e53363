"""A rehearsal of the whole benchmark on synthetic trees of the datasets' real size; scripts/rehearsal starts it."""
