"""Networks measured, compared and shown: one page for one or more of them."""
