"""Other people's generators, each run in a virtual environment of its own; `setup PEER` makes it."""
