"""YAML, units, dates and hourly data."""
