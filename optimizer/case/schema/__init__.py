"""The keys of a case, their units and limits."""
