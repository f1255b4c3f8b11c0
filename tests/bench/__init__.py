"""Benchmarks: whole process against whole process on the same files. They print ratios and are no timed tests."""
