"""Fit and measure the kiosk's gates: which images are screened, and which are refused or warned of.

The kiosk reads what is fitted here (`edge.gates`) and never fits anything itself.
"""
