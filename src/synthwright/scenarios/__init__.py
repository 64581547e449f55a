"""TBD map."""
