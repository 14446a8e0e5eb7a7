"""What several runs found as one page, and two runs side by side."""
