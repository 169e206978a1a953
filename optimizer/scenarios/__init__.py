"""Futures: data about the world, and scenarios drawn from what they say."""
