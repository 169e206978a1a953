"""Cuts and columns: the hours' value in the master problem."""
