"""``python -m optimize`` is ``pneumokiosk-optimize``."""

from optimize.cli import main

main()
