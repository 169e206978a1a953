"""Rules in the master problem: their words as linear expressions, covenants and cash sweeps as rows."""
