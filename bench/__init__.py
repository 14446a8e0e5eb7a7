"""Looks at the network, the artifacts and the kiosk from outside and measures them."""
