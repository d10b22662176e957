"""Interpretability and analysis workbench for facial-expression recognition with CLIP."""

__version__ = "0.1.0"
