"""The commands `stde solve`, `stde evaluate` and `stde report`."""
