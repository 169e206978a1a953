"""Processes, Dask, signals, limits of time and memory."""
