"""How fast is it, beside what else there is, and how accurate? Run `python -m benchmarks` in a checkout."""
