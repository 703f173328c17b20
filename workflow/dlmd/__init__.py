"""DLMD: from a crystal with partially occupied sites to its ionic conductivity."""

__version__ = "0.1.0"
