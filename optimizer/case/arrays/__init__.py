"""From a validated case to the arrays of a problem; units end here."""
