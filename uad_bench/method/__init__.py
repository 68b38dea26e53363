"""The contract of a method, and what its author gets: context, slices, training loop, base class for networks."""
