"""`python -m flightlog`: the command line."""

from flightlog.cli.main import main

if __name__ == "__main__":
    main()
