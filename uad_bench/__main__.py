"""`python -m uad_bench` is `uad-bench`."""

from uad_bench.cli import main

if __name__ == "__main__":
    main()
