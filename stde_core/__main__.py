"""`python -m stde_core` is the command `stde`."""

from ._cli import main

if __name__ == "__main__":
    main()
