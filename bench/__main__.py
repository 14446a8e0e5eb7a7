"""``python -m bench`` is ``pneumokiosk-bench``."""

from bench.cli import main

main()
