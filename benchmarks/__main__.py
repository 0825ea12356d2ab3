"""`python -m benchmarks`, from the root of a checkout."""

from stde_cli import main

from .commands import bench

if __name__ == "__main__":
    main(bench, "python -m benchmarks")
