"""`python -m stde_cli` is the command `stde`."""

from . import main

if __name__ == "__main__":
    main()
