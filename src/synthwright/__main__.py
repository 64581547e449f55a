"""`python -m synthwright`: the command line."""

from synthwright.cli.app import main

if __name__ == "__main__":
    main()
