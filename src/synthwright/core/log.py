"""Loggers of the library: one namespace, no handlers, never a cell value."""

from __future__ import annotations

import logging


def get_logger(module: str) -> logging.Logger:
    """The logger of a module; pass `__name__`."""
    name = module if module.startswith("synthwright") else f"synthwright.{module}"
    return logging.getLogger(name)


logging.getLogger("synthwright").addHandler(logging.NullHandler())
