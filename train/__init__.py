"""Builds and trains the dilated residual network, and measures it."""
