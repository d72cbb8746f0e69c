"""The figures that we promise: `python -m tests.bench [NAME…]`; docs/operations/benchmarks.md explains them."""
