"""Value counted by parts, each stream at its own rate (README 19)."""
