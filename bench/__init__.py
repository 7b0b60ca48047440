"""Measurements side by side in one run; figures go to docs/benchmarks.md, never into a test."""
