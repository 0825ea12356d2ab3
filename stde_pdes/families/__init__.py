"""The PDE families, one module each."""
