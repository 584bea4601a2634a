"""Collectors: one per concern, each failing alone."""
