"""The tests mirror src; `python -m tests.check` runs lint, types and contracts, `python -m tests.bench` the benchmarks."""
