"""`python -m netwright`, the same as `netwright`."""

from netwright.cli import main

if __name__ == "__main__":
    main()
