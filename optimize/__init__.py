"""Turns trained networks into the small, checked artifacts that a clinic runs."""
