"""``python -m train`` is ``pneumokiosk-train``."""

from train.cli import main

main()
